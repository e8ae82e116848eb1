package cache_test

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/httpcc"
)

// journal keeps what the engine told.
type journal struct {
	mu     sync.Mutex
	events []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	j.events = append(j.events, fmt.Sprintf(format, args...))
	j.mu.Unlock()
}

func (j *journal) Fetched(_ *cache.Policy, reason cache.Reason, status int, _ time.Duration) {
	j.add("fetched %v %d", reason, status)
}
func (j *journal) Landed(visible bool)       { j.add("landed %v", visible) }
func (j *journal) Panicked(v any, st []byte) { j.add("panicked %v %v", v, len(st) > 0) }

func (j *journal) count(event string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events {
		if e == event {
			n++
		}
	}
	return n
}

// rig is an engine with scripted ports.
type rig struct {
	t      *testing.T
	origin *origin
	store  *lagging
	engine *cache.Engine
	events *journal
	policy *cache.Policy
}

// enginePolicy is a segment route with a grace and a keep.
func enginePolicy() *cache.Policy {
	return &cache.Policy{Route: "pages", Scope: cache.ScopeSegment, SiteGrace: 10 * sec, SiteKeep: time.Hour, MaxObject: 1 << 20,
		MaxVariants: 8, HitForMiss: 30 * sec, ParseSegmentVary: parseFields}
}

// newRig makes a rig that, at the end of its test, is closed and must have left
// nothing behind: no flight in the table, no body open, none closed twice.
func newRig(t *testing.T, script func(n int, r *cache.OriginRequest) reply) *rig {
	r := &rig{t: t, origin: &origin{t: t, script: script}, store: newLagging(), events: &journal{}, policy: enginePolicy()}
	r.engine = cache.NewEngine(cache.EngineOptions{Store: r.store, Origin: r.origin, Events: r.events, Labels: 64})
	t.Cleanup(func() {
		r.engine.Close()
		if n := r.engine.Flights(); n != 0 {
			t.Errorf("%d flights left in the table", n)
		}
		r.origin.checkClosed()
	})
	return r
}

// inBubble runs a test on fake time; a wedge is a deadlock that synctest reports.
func inBubble(t *testing.T, script func(n int, r *cache.OriginRequest) reply, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newRig(t, script)) })
}

// always answers every fetch alike.
func always(re reply) func(int, *cache.OriginRequest) reply {
	return func(int, *cache.OriginRequest) reply { return re }
}

// inTurn answers the n-th fetch with the n-th reply, and the last one from there on.
func inTurn(replies ...reply) func(int, *cache.OriginRequest) reply {
	return func(n int, _ *cache.OriginRequest) reply { return replies[min(n, len(replies)-1)] }
}

// client is one exchange: what the proxy makes of a request.
type client struct {
	dims   *dims
	target string
	head   bool
	fields []cache.Field
	asked  bool // it led a fetch
}

const host = "shop.example"

func (c *client) Ask() *cache.Ask {
	c.asked = true
	method := "GET"
	if c.head {
		method = "HEAD"
	}
	dims := c.dims.clone()
	fields := append(append([]cache.Field(nil), dims.sent...), c.fields...)
	for _, f := range dims.segment {
		fields = append(fields, cache.Field{Name: "segment-" + f.Name, Value: f.Value})
	}
	return &cache.Ask{
		Request: &cache.OriginRequest{Method: method, Scheme: "https", Host: host, Target: c.target, Fields: fields},
		Dims:    dims, Labels: []string{cache.URLLabel(host, c.target), cache.URLLabel("", c.target)},
	}
}

// request makes a request of a shopper without anything to take away.
func (r *rig) request(target string, change ...func(*cache.Request)) *cache.Request {
	return r.requestOf(shopper("1", "", ""), target, change...)
}

func (r *rig) requestOf(d *dims, target string, change ...func(*cache.Request)) *cache.Request {
	c := &client{dims: d, target: target}
	q := &cache.Request{Policy: r.policy, Dims: d, Asker: c,
		Base: cache.AppendBase(nil, &cache.KeyParts{Account: "acme", Scheme: "https", Host: []byte(host), Target: []byte(target), Scope: r.policy.Scope})}
	for _, f := range change {
		f(q)
	}
	c.head = q.Head
	return q
}

func head(q *cache.Request)       { q.Head = true }
func taken(q *cache.Request)      { q.Taken = true }
func cookieless(q *cache.Request) { q.Cookieless = true }
func authorized(q *cache.Request) { q.Authorized = true }

func within(d time.Duration) func(*cache.Request) {
	return func(q *cache.Request) { q.Deadline = time.Now().Add(d) }
}

func asking(control string) func(*cache.Request) {
	return func(q *cache.Request) { q.Directives = httpcc.ParseCacheControl([]byte(control)) }
}

// answer is a result read to its end.
type answer struct {
	cache.Result
	body    string
	bodyErr error
}

func (a *answer) String() string {
	return fmt.Sprintf("%v/%v %q", a.Outcome, a.Reason, a.body)
}

func (r *rig) get(target string, change ...func(*cache.Request)) *answer {
	return read(r.engine.Serve(r.request(target, change...)))
}

func (r *rig) getAs(d *dims, target string, change ...func(*cache.Request)) *answer {
	return read(r.engine.Serve(r.requestOf(d, target, change...)))
}

// read takes what there is to deliver and closes it.
func read(res cache.Result) *answer {
	a := &answer{Result: res}
	a.Key = append([]byte(nil), res.Key...)
	switch {
	case res.Entry != nil:
		a.body = string(res.Entry.Body)
	case res.Stream != nil:
		a.readStream()
	case res.Handover != nil:
		b, err := io.ReadAll(res.Handover.Body)
		a.body, a.bodyErr = string(b), err
		res.Handover.Body.Close()
	}
	return a
}

func (a *answer) readStream() {
	for {
		b, err := a.Stream.Next()
		a.body += string(b)
		if err == io.EOF {
			break
		}
		if err != nil {
			a.bodyErr = err
			break
		}
	}
	a.Stream.Close()
	a.Stream.Close() // may be called twice
}

// crowd serves n requests at once and gives their answers when all are read.
func (r *rig) crowd(n int, next func(i int) *cache.Request) []*answer {
	all := make([]*answer, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { all[i] = read(r.engine.Serve(next(i))) })
	}
	wg.Wait()
	return all
}

// want checks outcome, reason and body of an answer, and that exactly one thing is delivered.
func (r *rig) want(a *answer, o cache.Outcome, reason cache.Reason, body string) {
	r.t.Helper()
	if a.Outcome != o || a.Reason != reason || a.body != body || a.bodyErr != nil {
		r.t.Errorf("got %v (%v, %v), want %v/%v %q", a, a.bodyErr, a.Err, o, reason, body)
	}
	delivered := 0
	for _, there := range []bool{a.Entry != nil, a.Stream != nil, a.Handover != nil, a.PassOn, a.Err != nil, a.Reason == cache.ReasonOnlyIfCached} {
		if there {
			delivered++
		}
	}
	if delivered != 1 {
		r.t.Errorf("%v delivers %d things", a, delivered)
	}
	if a.Age < 0 {
		r.t.Errorf("%v has an age of %v", a, a.Age)
	}
}

func (r *rig) wantFetches(n int) {
	r.t.Helper()
	if got := r.origin.fetches(); got != n {
		r.t.Errorf("the origin was asked %d times, want %d", got, n)
	}
}

// wantServed checks that every answer has this body and none failed.
func (r *rig) wantServed(all []*answer, body string) {
	r.t.Helper()
	for i, a := range all {
		if a.body != body || a.bodyErr != nil || a.Err != nil || a.PassOn {
			r.t.Errorf("request %d: %v (%v, %v)", i, a, a.bodyErr, a.Err)
		}
	}
}

// settle lets everything that runs come to rest, landing included.
func settle() {
	time.Sleep(20 * time.Millisecond)
	synctest.Wait()
}
