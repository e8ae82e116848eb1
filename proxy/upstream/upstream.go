package upstream

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aislecache/aisle/cache"
)

// Upstream is a group of equal servers. It is safe for concurrent use; the zero
// value is not usable. It implements [cache.Origin].
type Upstream struct {
	name      string
	connect   time.Duration
	idle      time.Duration
	transport *http.Transport
	slots     chan struct{} // one element per fetch in flight

	mu      sync.Mutex
	servers []*server // the slice is fixed; mu guards what they count
	turn    int       // guarded by mu; where the search for a server begins
	closed  bool      // guarded by mu
}

// New makes an upstream. Its error is that of [Options.Validate].
func New(o Options) (*Upstream, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	u := &Upstream{name: o.Name, connect: o.Connect, idle: o.Idle, transport: newTransport(o), slots: make(chan struct{}, o.MaxConnections)}
	for _, s := range o.Servers {
		where, err := parseServer(s)
		if err != nil {
			return nil, err
		}
		u.servers = append(u.servers, &server{url: where})
	}
	return u, nil
}

// newTransport has only what is wanted of net/http. MaxConnsPerHost stays unset:
// it queues without limit of time, which the slots do better.
func newTransport(o Options) *http.Transport {
	d := &dialer{connect: o.Connect, stall: o.Idle, maxHead: int(o.MaxHead), roots: o.RootCAs}
	only1 := new(http.Protocols)
	only1.SetHTTP1(true)
	return &http.Transport{
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		Protocols:              only1,
		DisableCompression:     true,
		MaxIdleConns:           o.MaxConnections,
		MaxIdleConnsPerHost:    o.MaxConnections,
		IdleConnTimeout:        o.KeepAlive,
		ResponseHeaderTimeout:  o.FirstByte,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: o.MaxHead,
		ReadBufferSize:         16 << 10,
	}
}

// Close refuses further fetches and closes the pooled connections. Fetches in
// flight run to their end; their connections are not pooled again.
func (u *Upstream) Close() {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.transport.CloseIdleConnections()
}

// Fetch sends r to the least loaded server and returns when the head of the
// final answer is there; interim answers are swallowed, redirects are answers.
// Its error is always a [*cache.OriginError].
//
// A server that cannot be connected to is left for another one once, since
// nothing was sent. A request is otherwise sent again only by net/http: GET,
// HEAD and OPTIONS without a body, on a pooled connection that ended before the
// first byte of an answer.
//
// r.Body is read by another goroutine until it ends. No Read of it is under way
// or begins after Fetch has failed or the answer's Body is closed; both wait for
// a Read under way, so that Read should know a deadline.
//
// The Length of an answer to HEAD is the one that a GET would have; its Body is
// empty.
func (u *Upstream) Fetch(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	if err := refuse(r); err != nil {
		return nil, err
	}
	if err := u.enter(ctx); err != nil {
		return nil, err
	}
	resp, err := u.ask(ctx, r)
	if err != nil {
		u.leave()
		return nil, err
	}
	return resp, nil
}

// enter takes a slot; it waits for one as long as a connection may take.
func (u *Upstream) enter(ctx context.Context) error {
	u.mu.Lock()
	closed := u.closed
	u.mu.Unlock()
	if closed {
		return &cache.OriginError{Reason: cache.ReasonNoUpstream, Err: errors.New("upstream " + u.name + " is closed")}
	}
	select {
	case u.slots <- struct{}{}:
		return nil
	default:
	}
	patience := time.NewTimer(u.connect)
	defer patience.Stop()
	select {
	case u.slots <- struct{}{}:
		return nil
	case <-patience.C:
		return &cache.OriginError{Reason: cache.ReasonNoUpstream, RetryAfter: time.Second,
			Err: errors.New("all connections of upstream " + u.name + " are busy")}
	case <-ctx.Done():
		return abandoned(ctx, "")
	}
}

func (u *Upstream) leave() { <-u.slots }

// ask tries one server, and another one if the first cannot be connected to.
func (u *Upstream) ask(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	first := u.pick(nil)
	resp, untouched, err := u.try(ctx, r, first)
	if err == nil {
		return resp, nil
	}
	if !untouched || ctx.Err() != nil {
		return nil, err
	}
	other := u.pick(first)
	if other == nil {
		return nil, err
	}
	resp, _, err = u.try(ctx, r, other)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// try is one exchange with one server. untouched says that no byte of the
// request was sent and none of its body read.
func (u *Upstream) try(ctx context.Context, r *cache.OriginRequest, s *server) (_ *cache.OriginResponse, untouched bool, _ error) {
	x := newExchange(ctx, u, s, r)
	resp, err := u.transport.RoundTrip(x.request(r))
	if err == nil {
		answer, err := x.answer(resp)
		return answer, false, err
	}
	failure := x.failure(err)
	x.end()
	x.upload.wait()
	if _, dialing := errors.AsType[*dialError](err); dialing && ctx.Err() == nil {
		u.skip(s)
		return nil, !x.upload.touched(), failure
	}
	return nil, false, failure
}
