package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/cache"
)

// Upstream is a group of equal servers. It is safe for concurrent use; the zero
// value is not usable. It implements [cache.Origin].
type Upstream struct {
	given    Options       // as they came, to tell whether others are the same
	options  Options       // with their defaults
	slots    chan struct{} // one element per fetch in flight
	waiting  atomic.Int64  // fetches that wait for a slot
	breaker  *breaker      // nil: none
	budget   *budget
	counters *counters
	names    []*named // fixed

	background sync.WaitGroup     // look-ups and health checks
	stop       context.CancelFunc // ends them

	mu      sync.Mutex
	servers []*server // guarded by mu, and so is what they count; never empty
	turn    int       // guarded by mu; where the search for a server begins
	holders int       // guarded by mu; how many have it, and have not closed it yet
}

// New makes an upstream. Its error is that of [Options.Validate]. Servers may be
// down and names unknown: nothing is waited for. Who has it closes it.
func New(o Options) (*Upstream, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	given := o
	o = o.withDefaults()
	u := &Upstream{
		given: given, holders: 1,
		options: o, slots: make(chan struct{}, o.MaxConnections), counters: o.Metrics.upstream(o.Name),
		breaker: newBreaker(o.Breaker), budget: newBudget(o.RetryBudget),
	}
	for _, s := range o.Servers {
		where, err := parseServer(s)
		if err != nil {
			return nil, err
		}
		u.names = append(u.names, &named{url: where, label: o.Metrics.server(o.Name, label(where))})
	}
	var ctx context.Context
	ctx, u.stop = context.WithCancel(context.Background())
	for _, n := range u.names {
		// Until it is looked up a name is dialled as it is.
		first := target{address: n.url.Host}
		if n.url.Host == socketHost {
			first = target{address: n.url.Path, socket: true}
		}
		n.servers = []*server{u.newServer(ctx, n, first)}
		u.servers = append(u.servers, n.servers...)
	}
	for _, n := range u.names {
		if _, err := netip.ParseAddr(n.url.Hostname()); err == nil || n.url.Host == socketHost || o.Dial != nil {
			continue
		}
		u.background.Go(func() { u.follow(ctx, n) })
	}
	return u, nil
}

// newTransport has only what is wanted of net/http. MaxConnsPerHost stays unset:
// it queues without limit of time, which the slots do better.
func newTransport(o Options, to target) *http.Transport {
	d := newDialer(o, to)
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

func newDialer(o Options, to target) *dialer {
	return &dialer{to: to, connect: o.Connect, own: o.Dial, stall: o.Idle, maxHead: int(o.MaxHead), roots: o.RootCAs}
}

// Close refuses further fetches, ends look-ups and health checks, and closes the
// pooled connections. Fetches in flight run to their end; their connections are
// not pooled again. Of an upstream that two sets share it is the last one that does.
func (u *Upstream) Close() {
	u.mu.Lock()
	u.holders--
	held := u.holders > 0
	u.mu.Unlock()
	if held {
		return
	}
	u.stop()
	u.background.Wait()
	for _, s := range u.servers { // nobody changes the list any more
		s.transport.CloseIdleConnections()
	}
}

// share has one more holder close u, where its options are o and it is open. Options
// with a Lookup are never the same, since functions cannot be compared.
func (u *Upstream) share(o Options) bool {
	if !reflect.DeepEqual(u.given, o) {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.holders <= 0 {
		return false
	}
	u.holders++
	return true
}

// Fetch sends r to the least loaded server and returns when the head of the
// final answer is there; interim answers are swallowed, redirects are answers.
// Its error is always a [*cache.OriginError].
//
// A server that cannot be connected to is left for another one, since nothing was
// sent. GET, HEAD and OPTIONS without a body are sent again where the connection
// ended before the first byte of an answer: by net/http where it was a pooled one,
// which the server may have closed as idle, else to another server within
// [Options.RetryBudget].
//
// A breaker that is open fails a fetch at once for [cache.ReasonBreakerOpen], a
// full queue or a wait in it of longer than [Options.Connect] for
// [cache.ReasonNoUpstream], both with the time after which to try again.
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
	if wait, refused := u.breaker.refuses(time.Now()); refused {
		return nil, u.isOpen(wait)
	}
	if err := u.enter(ctx); err != nil {
		return nil, err
	}
	// The breaker may have opened while this fetch stood in the queue.
	t, wait, refused := u.breaker.admit(time.Now())
	if refused {
		u.leave()
		return nil, u.isOpen(wait)
	}
	resp, err := u.ask(ctx, r)
	if u.breaker.report(t, verdictOn(ctx, resp, err), time.Now()) {
		u.counters.trips.Inc()
		u.options.Logger.Warn("breaker opened", slog.String("upstream", u.options.Name), slog.Duration("for", u.options.Breaker.OpenFor))
	}
	if err != nil {
		u.leave()
		return nil, err
	}
	return resp, nil
}

func (u *Upstream) isOpen(wait time.Duration) error {
	return &cache.OriginError{Reason: cache.ReasonBreakerOpen, RetryAfter: wait,
		Err: errors.New("upstream " + u.options.Name + " has failed too often")}
}

// verdictOn judges the end of a fetch for the breaker. A 4xx is the shopper's.
func verdictOn(ctx context.Context, resp *cache.OriginResponse, err error) verdict {
	switch resultOf(ctx, resp, err) {
	case ResultAnswered:
		return saysWell
	case ResultAbandoned:
		return saysNothing
	}
	return saysIll
}

// queueFloor is how many fetches may wait for a slot however few slots there are.
const queueFloor = 64

// enter takes a slot; it waits for one as long as a connection may take, unless
// as many wait already as may be under way, and at least queueFloor.
func (u *Upstream) enter(ctx context.Context) error {
	u.mu.Lock()
	closed := u.holders <= 0
	u.mu.Unlock()
	if closed {
		return &cache.OriginError{Reason: cache.ReasonNoUpstream, Err: errors.New("upstream " + u.options.Name + " is closed")}
	}
	select {
	case u.slots <- struct{}{}:
		return nil
	default:
	}
	defer u.waiting.Add(-1)
	if u.waiting.Add(1) > int64(max(cap(u.slots), queueFloor)) {
		return u.busy()
	}
	patience := time.NewTimer(u.options.Connect)
	defer patience.Stop()
	select {
	case u.slots <- struct{}{}:
		return nil
	case <-patience.C:
		return u.busy()
	case <-ctx.Done():
		return abandoned(ctx, "")
	}
}

func (u *Upstream) busy() error {
	u.counters.refused.Inc()
	return &cache.OriginError{Reason: cache.ReasonNoUpstream, RetryAfter: time.Second,
		Err: errors.New("all connections of upstream " + u.options.Name + " are busy")}
}

func (u *Upstream) leave() { <-u.slots }

// ask tries one server, and others as far as another allows.
func (u *Upstream) ask(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	began := time.Now()
	u.budget.request(began)
	s := u.pick()
	var tried []*server
	for {
		resp, f, err := u.try(ctx, r, s)
		if err == nil {
			return resp, nil
		}
		tried = append(tried, s)
		if s = u.another(ctx, r, f, began, tried); s == nil {
			return nil, err
		}
	}
}

// try is one exchange with one server; f is meant for its failure.
func (u *Upstream) try(ctx context.Context, r *cache.OriginRequest, s *server) (_ *cache.OriginResponse, f fate, _ error) {
	x := newExchange(ctx, u, s, r)
	resp, err := s.transport.RoundTrip(x.request(r))
	if err == nil {
		answer, err := x.answer(resp)
		u.note(s, resultOf(ctx, answer, err))
		return answer, fateFinal, err
	}
	failure := x.failure(err)
	x.end()
	x.upload.wait()
	u.note(s, resultOf(ctx, nil, failure))
	_, dialing := errors.AsType[*dialError](err)
	switch {
	case dialing && !x.upload.touched():
		f = fateUnsent
	case !dialing && failure.Reason == cache.ReasonReset && !x.firstByte.Load():
		f = fateUnanswered
	}
	return nil, f, failure
}

// note counts a try and lets it tell of the health of its server.
func (u *Upstream) note(s *server, r Result) {
	s.label.results[r].Inc()
	switch r {
	case ResultAnswered, ResultServerError:
		u.answered(s)
	case ResultConnect, ResultTimeout, ResultReset, ResultMalformed:
		u.unanswered(s, r == ResultConnect)
	}
}

// resultOf names the end of a try.
func resultOf(ctx context.Context, resp *cache.OriginResponse, err error) Result {
	if err == nil {
		if resp.Status >= 500 {
			return ResultServerError
		}
		return ResultAnswered
	}
	oe, ok := errors.AsType[*cache.OriginError](err)
	if ctx.Err() != nil || !ok {
		return ResultAbandoned
	}
	switch oe.Reason {
	case cache.ReasonConnect:
		return ResultConnect
	case cache.ReasonTimeout:
		return ResultTimeout
	case cache.ReasonReset:
		return ResultReset
	case cache.ReasonMalformed:
		return ResultMalformed
	}
	return ResultAbandoned // the upload broke
}

func (u *Upstream) log(level slog.Level, message string, server string, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{slog.String("upstream", u.options.Name), slog.String("server", server)}, attrs...)
	u.options.Logger.LogAttrs(context.Background(), level, message, attrs...)
}
