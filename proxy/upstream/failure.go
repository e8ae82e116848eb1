package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/aislecache/aisle/cache"
)

// failure names the reason of an error of RoundTrip. It is asked before the
// exchange ends, while its context still tells who gave up.
func (x *exchange) failure(err error) *cache.OriginError {
	fail := func(reason cache.Reason, err error) *cache.OriginError {
		return &cache.OriginError{Reason: reason, Server: x.address(), Err: err}
	}
	if x.caller.Err() != nil {
		return abandoned(x.caller, x.address())
	}
	if cause := x.upload.failed(); cause != nil {
		// The shopper's end broke; no server is at fault.
		return &cache.OriginError{Reason: cache.ReasonTruncated, Err: fmt.Errorf("body of the request: %w", cause)}
	}
	_, dialing := errors.AsType[*dialError](err)
	switch {
	case timedOut(err):
		return fail(cache.ReasonTimeout, err)
	case dialing:
		return fail(cache.ReasonConnect, err)
	case errors.Is(err, errMalformed):
		return fail(cache.ReasonMalformed, err)
	case !x.firstByte.Load() || broken(err) || x.cutInHead():
		return fail(cache.ReasonReset, err)
	default:
		return fail(cache.ReasonMalformed, err)
	}
}

// cutInHead says that the connection ended within a head, which net/http may
// report as a malformed last line.
func (x *exchange) cutInHead() bool {
	c := x.conn.Load()
	if c == nil {
		return false
	}
	ended, inHead := c.cut()
	return ended && inHead
}

// bodyFailure is failure for the error of a Read of the answer's body. An end
// before the announced one stays io.ErrUnexpectedEOF, as the port has it.
func (x *exchange) bodyFailure(err error) error {
	fail := func(reason cache.Reason, err error) error {
		return &cache.OriginError{Reason: reason, Server: x.address(), Err: err}
	}
	if err == io.EOF {
		return err
	}
	if x.caller.Err() != nil {
		return abandoned(x.caller, x.address())
	}
	if errors.Is(context.Cause(x.ctx), errIdle) {
		return fail(cache.ReasonTimeout, errIdle)
	}
	if err == io.ErrUnexpectedEOF {
		return err
	}
	// net/http has errors of its own for an end within a trailer, so the
	// connection is asked as well.
	ended := false
	if c := x.conn.Load(); c != nil {
		ended, _ = c.cut()
	}
	if broken(err) || ended {
		return fail(cache.ReasonTruncated, fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err))
	}
	return fail(cache.ReasonMalformed, err)
}

// abandoned is the error of a fetch whose caller's context has ended: timeout
// after its deadline, reset when it was cancelled, since then we broke it off.
func abandoned(ctx context.Context, server string) *cache.OriginError {
	reason, err := cache.ReasonReset, ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		reason = cache.ReasonTimeout
	}
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return &cache.OriginError{Reason: reason, Server: server, Err: err}
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// broken says that the connection ended, rather than that its bytes were wrong.
func broken(err error) bool {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
