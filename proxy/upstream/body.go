package upstream

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// errIdle is the cause of a context whose body fell silent.
var errIdle = errors.New("no byte of the body within the idle timeout")

// body is the body of an answer. One goroutine reads; any may close, as often
// as it likes.
type body struct {
	x     *exchange
	from  io.ReadCloser
	quiet *time.Timer // cancels the exchange; runs while a Read blocks, so that a slow reader is not the server's fault

	mu   sync.Mutex
	last error // guarded by mu; what every further Read returns
}

func newBody(x *exchange, from io.ReadCloser) *body {
	b := &body{x: x, from: from}
	b.quiet = time.AfterFunc(x.upstream.options.Idle, func() { x.cancel(errIdle) })
	b.quiet.Stop()
	return b
}

// Read returns what has come as soon as it comes. Its last error is io.EOF,
// io.ErrUnexpectedEOF (maybe wrapped, when the connection broke), the caller's
// context error or io.ErrClosedPipe after Close; all but the plain ones are
// [*cache.OriginError].
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	last := b.last
	b.mu.Unlock()
	if last != nil || len(p) == 0 {
		return 0, last
	}
	b.quiet.Reset(b.x.upstream.options.Idle)
	n, err := b.from.Read(p)
	b.quiet.Stop()
	if err == nil {
		return n, nil
	}
	return n, b.finish(b.x.bodyFailure(err))
}

// Close gives up the rest of the body, and the connection with it if there is a
// rest. A Read under way returns. It waits for a Read of the request's body.
func (b *body) Close() error {
	b.finish(io.ErrClosedPipe)
	b.from.Close()
	b.x.upload.wait()
	return nil
}

// finish makes err the last error unless there is one, and frees the slot once.
// It does not wait for the upload: the end of an early answer has to reach the
// shopper before the shopper ends the upload.
func (b *body) finish(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last != nil {
		return b.last
	}
	b.last = err
	if err != io.EOF {
		b.x.cancel(context.Canceled)
	}
	b.x.end()
	b.x.upstream.leave()
	return err
}
