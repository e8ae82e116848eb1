package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aislecache/aisle/cache"
)

var errNotSwitched = errors.New("a switch to another protocol than the one asked for")

// switched makes the port's answer of a 101. The connection is the caller's: it never goes
// back to the pool. Its slot is held until it is closed.
func (x *exchange) switched(resp *http.Response) (*cache.OriginResponse, error) {
	both, ok := resp.Body.(cache.Upgraded)
	if !ok || !strings.EqualFold(resp.Header.Get("Upgrade"), x.upgrade) {
		return nil, errNotSwitched
	}
	s := &switched{Upgraded: both, x: x}
	// net/http lets go of a connection after a 101, and of its context with it.
	s.detach = context.AfterFunc(x.caller, func() { _ = both.Close() })
	return &cache.OriginResponse{
		Status: resp.StatusCode, Fields: answerFields(resp.Header, *x.connection.Load()),
		Body: s.none(), Length: 0, Server: x.address(), Upgraded: s,
	}, nil
}

// switched is a connection after a 101.
type switched struct {
	cache.Upgraded
	x      *exchange
	detach func() bool
	closed sync.Once
}

// Close implements io.Closer. It may be called more than once.
func (s *switched) Close() error {
	var err error
	s.closed.Do(func() {
		s.detach()
		err = s.Upgraded.Close()
		s.x.end()
		s.x.upstream.leave()
	})
	return err
}

// none is the body of the answer: no bytes, and the same Close.
func (s *switched) none() io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{http.NoBody, s}
}
