package cache_test

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// reply is what the scripted origin answers with. The zero value is an empty 200
// without fields.
type reply struct {
	status int // 0: 200
	fields []cache.Field
	body   string
	after  time.Duration // before the head comes
	// chunks are sent after body, each when its wait is over.
	chunks []chunk
	known  bool  // the length is announced
	err    error // instead of an answer
	panics any
	hangs  bool // until the fetch's context ends
}

type chunk struct {
	wait <-chan struct{} // nil: at once
	text string
	err  error
	boom any // the Read panics
}

// page is a 200 with these field lines.
func page(body string, fields ...string) reply { return reply{body: body, fields: lines(fields...)} }

// fresh is a page that is fresh for a minute.
func fresh(body string, fields ...string) reply {
	return page(body, append(fields, "Cache-Control: max-age=60")...)
}

func failing(status int, body string) reply { return reply{status: status, body: body} }

var errDown = &cache.OriginError{Reason: cache.ReasonConnect, Server: "s1", Err: io.ErrClosedPipe}

// origin answers by script and sees that every body it gave is closed, once.
type origin struct {
	t      *testing.T
	script func(n int, r *cache.OriginRequest) reply

	mu     sync.Mutex
	asked  []*cache.OriginRequest
	bodies []*scriptedBody
}

func (o *origin) Fetch(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	o.mu.Lock()
	n := len(o.asked)
	o.asked = append(o.asked, r)
	o.mu.Unlock()
	re := o.script(n, r)
	if err := pause(ctx, re.after); err != nil {
		return nil, &cache.OriginError{Reason: cache.ReasonTimeout, Err: err}
	}
	switch {
	case re.panics != nil:
		panic(re.panics)
	case re.hangs:
		<-ctx.Done()
		return nil, &cache.OriginError{Reason: cache.ReasonTimeout, Err: ctx.Err()}
	case re.err != nil:
		return nil, re.err
	}
	return o.respond(ctx, &re), nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *origin) respond(ctx context.Context, re *reply) *cache.OriginResponse {
	resp := &cache.OriginResponse{Status: re.status, Fields: re.fields, Length: -1, Server: "s1"}
	if resp.Status == 0 {
		resp.Status = 200
	}
	b := &scriptedBody{t: o.t, ctx: ctx, chunks: append([]chunk{{text: re.body}}, re.chunks...)}
	if re.known {
		resp.Length = 0
		for _, c := range b.chunks {
			resp.Length += int64(len(c.text))
		}
	}
	resp.Body = b
	o.mu.Lock()
	o.bodies = append(o.bodies, b)
	o.mu.Unlock()
	return resp
}

// fetches counts what has been asked so far.
func (o *origin) fetches() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

func (o *origin) request(n int) *cache.OriginRequest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[n]
}

// asks gives the value of a field that the origin was asked with; "" if none.
func asks(r *cache.OriginRequest, name string) string {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (o *origin) checkClosed() {
	o.t.Helper()
	for i, b := range o.bodies {
		if n := b.closed.Load(); n != 1 {
			o.t.Errorf("body %d was closed %d times", i, n)
		}
	}
}

// scriptedBody gives its chunks, then io.EOF; it fails when its context ends.
type scriptedBody struct {
	t      *testing.T
	ctx    context.Context
	chunks []chunk
	closed atomic.Int32
	sent   atomic.Int64
}

func (b *scriptedBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		b.t.Error("Read into nothing")
	}
	for len(b.chunks) > 0 {
		c := &b.chunks[0]
		if c.wait != nil {
			select {
			case <-c.wait:
			case <-b.ctx.Done():
				return 0, b.ctx.Err()
			}
		}
		if c.boom != nil {
			panic(c.boom)
		}
		if c.err != nil {
			return 0, c.err
		}
		if c.text == "" {
			b.chunks = b.chunks[1:]
			continue
		}
		n := copy(p, c.text)
		c.text = c.text[n:]
		b.sent.Add(int64(n))
		return n, b.ctx.Err()
	}
	return 0, io.EOF
}

func (b *scriptedBody) Close() error {
	b.closed.Add(1)
	return nil
}
