package rig

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Response is an answer that was read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// CacheStatus is the Cache-Status of the answer, all members joined.
func (r *Response) CacheStatus() string { return strings.Join(r.Header.Values("Cache-Status"), ", ") }

// Hit says whether the answer came from the edge's memory.
func (r *Response) Hit() bool { return strings.Contains(r.CacheStatus(), "aisle; hit") }

// Fetch sends a request and reads the answer. Each header is a line, "Name: value". Redirects are not followed,
// nothing is decoded, and the connection is not kept: no state is carried from one request to the next.
func Fetch(method, url, body string, headers ...string) (*Response, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, fmt.Errorf("header %q has no colon", h)
		}
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); strings.EqualFold(name, "host") {
			req.Host = value
		} else {
			req.Header.Add(name, value)
		}
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, Proxy: nil}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: patience + 10*time.Second, CheckRedirect: stay}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: the body broke off after %d bytes: %w", method, url, len(text), err)
	}
	return &Response{resp.StatusCode, resp.Header, string(text)}, nil
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
