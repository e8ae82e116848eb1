package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// ClientOptions configure a Client. A zero field but Transport takes its default.
type ClientOptions struct {
	Transport http.RoundTripper
	Base      string        // "http://sessions"; the host does not matter to a unix socket or pipe
	Timeout   time.Duration // of one call; 1 s
	// Remember is how long what was recovered for a session counts, for a shopper whose cookies do not stick; 2 s.
	Remember time.Duration
	Entries  int // sessions and facets that are remembered, each; 16384
}

// Client asks a sidecar what an edge has to know. Equal questions at one time are one call, and answers are remembered for
// a moment: facets by their reference, whose meaning never changes, as long as there is room. It is safe for concurrent
// use.
type Client struct {
	o         ClientOptions
	recovers  flights[recovered]
	facets    flights[string]
	recovery  atomic.Pointer[memo[string, remembered]] // a revocation begins a new one
	resolving *memo[string, string]
}

type remembered struct {
	answer recovered
	err    error
	until  time.Time
}

// maxAnswer bounds an answer in bytes: a segment and two cookies have at most 12 KiB, facets less than a session.
const maxAnswer = 1 << 20

// NewClient returns a Client. It opens connections as it needs them.
func NewClient(o ClientOptions) *Client {
	if o.Base == "" {
		o.Base = "http://sessions"
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.Remember == 0 {
		o.Remember = 2 * time.Second
	}
	if o.Entries == 0 {
		o.Entries = 16 << 10
	}
	c := &Client{o: o, resolving: newMemo[string, string](o.Entries)}
	c.recovery.Store(newMemo[string, remembered](o.Entries))
	return c
}

// DialURL gives the transport and base of a Client for where a sidecar listens: an http or https URL, or unix:/path.
func DialURL(where string) (transport *http.Transport, base string, err error) {
	transport = &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		MaxIdleConns:        64,
	}
	if path, ok := strings.CutPrefix(where, "unix:"); ok {
		if path == "" {
			return nil, "", errors.New("sessions url: unix: without a path")
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
		}
		return transport, "http://sessions", nil
	}
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, "", fmt.Errorf("sessions url: %q is neither http://host nor unix:/path", where)
	}
	return transport, u.Scheme + "://" + u.Host, nil
}

// Recover gives the segment token and the seal of a session, and the Set-Cookie lines that give them to its shopper. It fails
// with ErrNotFound where the token names no session, and with an error that wraps ErrUnavailable where the sidecar did
// not say.
func (c *Client) Recover(ctx context.Context, sessionToken string) (segmentToken, seal string, setCookies []string, err error) {
	if sessionToken == "" || len(sessionToken) > maxToken {
		return "", "", nil, ErrNotFound
	}
	memo := c.recovery.Load()
	known, ok := memo.get(sessionToken)
	if !ok || !time.Now().Before(known.until) {
		known.answer, known.err = c.recovers.do(ctx, sessionToken, c.o.Timeout, func(ctx context.Context) (recovered, error) {
			answer, err := call[recovered](ctx, c, http.MethodPost, "sessions/recover", sessionToken)
			if err == nil || errors.Is(err, ErrNotFound) {
				memo.put(sessionToken, remembered{answer, err, time.Now().Add(c.o.Remember)})
			}
			return answer, err
		})
	}
	return known.answer.Segment, known.answer.Seal, known.answer.Cookies, known.err
}

// Revoke ends a session, by its id or a token of it, or has the seals of a segment token void, and gives what this edge has to
// hold for void as well. It fails as Recover does.
func (c *Client) Revoke(ctx context.Context, text string) (Revocation, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	answer, err := call[Revocation](ctx, c, http.MethodPost, "sessions/revoke", text)
	// Whatever came of it: an answer may have been lost after the sidecar did its work.
	c.recovery.Store(newMemo[string, remembered](c.o.Entries))
	return answer, err
}

// Facets gives what a reference in a segment stands for. It fails as Recover does.
func (c *Client) Facets(ctx context.Context, reference string) (string, error) {
	if len(reference) != referenceLength || strings.ContainsFunc(reference, notHex) {
		return "", ErrNotFound
	}
	if text, ok := c.resolving.get(reference); ok {
		return text, nil
	}
	return c.facets.do(ctx, reference, c.o.Timeout, func(ctx context.Context) (string, error) {
		answer, err := call[resolved](ctx, c, http.MethodGet, "facets/"+reference, "")
		// A reference is the digest of its text: what is not cannot be what the segment means.
		if err == nil && referenceOf(answer.Facets) != reference {
			return "", fmt.Errorf("facets of a reference: %w: another text", ErrUnavailable)
		}
		if err == nil {
			c.resolving.put(reference, answer.Facets)
		}
		return answer.Facets, err
	})
}

func notHex(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }

// Ready says why the sidecar cannot answer, nil if it can.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	_, err := call[struct{}](ctx, c, http.MethodGet, "ready", "")
	return err
}

// call asks the sidecar once. Its errors hold no token: those of net/http name the URL, and that has none.
func call[T any](ctx context.Context, c *Client, method, path, body string) (answer T, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.o.Base+internalPrefix+path, strings.NewReader(body))
	if err != nil {
		return answer, fmt.Errorf("sessions sidecar: %w", err)
	}
	response, err := c.o.Transport.RoundTrip(r)
	if err != nil {
		return answer, fmt.Errorf("sessions sidecar: %w: %w", ErrUnavailable, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case response.StatusCode == http.StatusNotFound:
		return answer, ErrNotFound
	case response.StatusCode != http.StatusOK:
		return answer, fmt.Errorf("sessions sidecar: %w: status %d", ErrUnavailable, response.StatusCode)
	case err == nil:
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return answer, fmt.Errorf("sessions sidecar: %w: a broken answer", ErrUnavailable)
	}
	return answer, nil
}
