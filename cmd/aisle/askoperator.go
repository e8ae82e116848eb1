package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// askOperator asks a running edge or sidecar by its admin listener. running is false where nobody is there, or somebody who
// has no sessions. One that is being replaced refers to its successor.
func askOperator(ctx context.Context, admin, what, text string) (answer []byte, running bool, err error) {
	network, address := "tcp", admin
	if path, ok := strings.CutPrefix(admin, "unix:"); ok {
		network, address = "unix", path
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		},
	}}
	for range successorTries {
		if answer, running, err = askOnce(ctx, &client, what, text); !errors.Is(err, errReplaced) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(successorPause):
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", admin, err)
	}
	return answer, running, err
}

// A process that is being replaced closes its admin listener within milliseconds.
const (
	successorTries = 20
	successorPause = 50 * time.Millisecond
)

var errReplaced = errors.New("the process has just been replaced")

func askOnce(ctx context.Context, client *http.Client, what, text string) (answer []byte, running bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin"+sessions.OperatorPrefix+what, strings.NewReader(text))
	if err != nil {
		return nil, false, err
	}
	response, err := client.Do(r)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxShown))
	switch {
	case err != nil:
		return nil, true, err
	case response.StatusCode == http.StatusOK:
		return answer, true, nil
	}
	// A 404 in other words is of an admin listener that has no sessions.
	var failure struct{ Type, Message string }
	switch {
	case json.Unmarshal(answer, &failure) != nil || failure.Type == "":
		return nil, response.StatusCode != http.StatusNotFound, errors.New(response.Status)
	case failure.Type == typeReplaced:
		return nil, true, errReplaced
	}
	return nil, true, errors.New(failure.Message)
}

// maxShown bounds an answer in bytes: a session has 256 KiB at most, and is shown once more by what its audiences read.
const maxShown = 4 << 20
