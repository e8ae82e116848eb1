package transform

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// HTTP is an App on another server, called in the wire format of the public system (facts, part 4). It is safe for
// concurrent use.
type HTTP struct {
	spec   Spec
	url    string
	client *http.Client
}

// NewHTTP returns the App that spec declares and a server at rawURL is, or why it cannot. A URL without a path is called at
// /_v/<name>/session/transform, as the public system calls apps. Of client the transport
// and the timeout count: redirects are not followed and no cookies are kept, whatever it says. With nil the App has
// connections of its own, which heed no proxy of the environment: what they carry is for the app alone.
func NewHTTP(spec Spec, rawURL string, client *http.Client) (*HTTP, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("app %q: url: %w", spec.Name, err)
	}
	if err := CheckURL(u); err != nil {
		return nil, fmt.Errorf("app %q: url: %w", spec.Name, err)
	}
	if u.Path == "" {
		u.Path = "/_v/" + spec.Name + "/session/transform"
	}
	own := NewClient(client, 64)
	if client != nil {
		own.Timeout = client.Timeout
	}
	return &HTTP{spec: spec, url: u.String(), client: own}, nil
}

// CheckURL says why an operator's URL is not that of a server, without its password.
func CheckURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("%q is no http or https URL", u.Redacted())
	}
	return nil
}

// NewClient returns a client for the server that an operator named, and no other: it follows no redirects and keeps no
// cookies. Its transport is that of `of`; with nil it has connections of its own, which heed no proxy of the environment and of
// which up to idle are kept open.
func NewClient(of *http.Client, idle int) *http.Client {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if of != nil {
		client.Transport = of.Transport
		return client
	}
	client.Transport = &http.Transport{
		MaxIdleConns: idle, MaxIdleConnsPerHost: idle, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
	}
	return client
}

// Spec implements App.
func (h *HTTP) Spec() Spec { return h.spec }

// Close closes the connections that nobody uses.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// Transform implements App: one POST. Any answer but 2xx with a sound reply is a failure; a 204 leaves all as it is.
func (h *HTTP) Transform(ctx context.Context, in Values) (Values, error) {
	body, err := appendRequest(nil, in)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "aisle")
	request.Header.Set("X-Vtex-Operation-Id", operation(ctx))
	response, err := h.client.Do(request)
	if err != nil {
		return nil, ExchangeError(err)
	}
	defer response.Body.Close()
	return readReply(response)
}

func readReply(response *http.Response) (Values, error) {
	switch {
	case response.StatusCode == http.StatusNoContent:
		return Values{}, nil
	case response.StatusCode < 200 || response.StatusCode > 299:
		// A short error page is read to its end, so that the connection can be used again.
		_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply+1))
	if err != nil {
		return nil, ExchangeError(err)
	}
	return ParseReply(text)
}

// ExchangeError is the error of an exchange that did not end well, without text from the wire: net/http quotes malformed
// answers, and an answer may hold values of the session. Addresses, time and certificates are told.
func ExchangeError(err error) error {
	var address *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &address):
		return address
	case errors.As(err, &certificate):
		return certificate
	}
	return errors.New("no sound HTTP answer")
}

type operationKey struct{}

// withOperation lets the apps over HTTP name the request that they are called for.
func withOperation(ctx context.Context, id string) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, operationKey{}, id)
}

func operation(ctx context.Context) string {
	if id, ok := ctx.Value(operationKey{}).(string); ok {
		return id
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand says
	return hex.EncodeToString(b[:])
}
