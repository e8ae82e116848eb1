package isolation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/demo"
)

// tally counts what came, so that a run that tested nothing cannot pass.
type tally struct {
	checked  atomic.Int64
	failures atomic.Int64 // 5xx and broken answers, in failure periods
	passed   atomic.Int64 // answers of the special origin to one shopper alone
	own      atomic.Int64 // shown from a browser's or the CDN's own copy
	confirm  atomic.Int64 // 304
	purges   atomic.Int64
	revision atomic.Uint64 // the demo storefront's

	mu     sync.Mutex // guards words
	words  map[string]int
	status map[string]int
}

// note counts what an edge says of its answer.
func (t *tally) note(a *answer) {
	status := a.header.Get("Cache-Status")
	word := "hit"
	if _, rest, ok := strings.Cut(status, "fwd="); ok {
		word, _, _ = strings.Cut(rest, ";")
	}
	detail := detailOf(status)
	if strings.Contains(status, "collapsed") {
		detail += " collapsed"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.words == nil {
		t.words, t.status = map[string]int{}, map[string]int{}
	}
	t.words[word+" "+detail]++
	t.status[fmt.Sprint(a.status)]++
}

// detailOf is the reason in a Cache-Status; all of it where there is none.
func detailOf(status string) string {
	_, rest, ok := strings.Cut(status, "detail=")
	if !ok {
		return status
	}
	detail, _, _ := strings.Cut(rest, ";")
	return detail
}

// seen counts answers whose description has a prefix.
func (t *tally) seen(prefix, part string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for word, count := range t.words {
		if strings.HasPrefix(word, prefix) && strings.Contains(word, part) {
			n += count
		}
	}
	return n
}

// unshared tells that an edge asked anonymously for this page and could give the answer to nobody else.
func unshared(a *answer) bool {
	return slices.Contains([]string{"no-store", "private", "set-cookie", "vary-private", "login", "echo-mismatch"}, detailOf(a.header.Get("Cache-Status")))
}

// weather knows when origins failed.
type weather struct {
	mu      sync.Mutex // guards periods
	periods []period
}

type period struct{ from, until time.Time }

// storm begins a period; the zero end is the future's.
func (w *weather) storm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.periods = append(w.periods, period{from: time.Now()})
}

// calm ends it. What began while it lasted may take a while to be over.
func (w *weather) calm(after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.periods[len(w.periods)-1].until = time.Now().Add(after)
}

// excuses tells whether a request under way since then may have failed.
func (w *weather) excuses(since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.periods) == 0 {
		return false
	}
	last := w.periods[len(w.periods)-1]
	return last.until.IsZero() || since.Before(last.until)
}

// spot is what most shoppers look at for a moment.
type spot struct {
	path  string
	query []param
}

// run is one test run: three edges, two origins, many clients.
type run struct {
	seed       uint64
	want       int64 // responses
	edges      []*edge
	storefront string // address of the demo
	special    *special
	catalogue  *demo.Catalogue
	population *population
	regulars   []*shopper
	oracle     *oracle
	tally      *tally
	weather    *weather
	cdn        *cdn
	hot        atomic.Pointer[spot]
	native     *native
	restless   bool // edges are reloaded and replaced all the while

	steady  sync.RWMutex // held for writing while other processes take over; guards leaving
	leaving bool         // and for good where the run ends meanwhile

	stop  context.CancelFunc
	once  sync.Once
	found string // the first difference; read when all clients have ended
}

// report notes the first difference and ends the run.
func (r *run) report(q *request, a *answer, v verdict) {
	r.once.Do(func() {
		r.found = fmt.Sprintf("difference: seed %d\n%s\n\nthe request:\n%s", r.seed, v, q)
		if a != nil {
			r.found += fmt.Sprintf("the answer: %d %v\n%.600s", a.status, a.header, a.body)
		}
		r.stop()
	})
}

// calm tells that no process is being replaced, which nobody does before done is called.
func (r *run) calm() (calm bool, done func()) {
	if !r.steady.TryRLock() {
		return false, func() {}
	}
	return !r.leaving, r.steady.RUnlock
}

// judge counts and checks one answer, or the lack of one.
func (r *run) judge(q *request, a *answer, err error) (ok bool) {
	if q.resident != nil {
		if bad := q.resident.absorb(q, a); bad != "" {
			r.report(q, a, bad)
			return false
		}
	}
	if err != nil || a.status >= 500 {
		if r.weather.excuses(q.started) {
			r.tally.failures.Add(1)
			return false
		}
		r.report(q, a, differ("a failure (%v) while no origin fails", err))
		return false
	}
	r.tally.note(a)
	if q.resident != nil {
		q.resident.note(q, a)
	} else {
		r.doubt(q)
	}
	if v := r.oracle.checkAny(q, a); v != "" {
		r.report(q, a, v)
		return false
	}
	r.checked()
	return true
}

// checked counts an answer that is right, and ends the run with the last one that it wants.
func (r *run) checked() {
	if r.tally.checked.Add(1) >= r.want {
		r.stop()
	}
}

// execute runs clients and troubles until enough responses were checked.
func (r *run) execute(t *testing.T, clients int, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r.stop = cancel
	began := time.Now()
	var group sync.WaitGroup
	trouble := newTrouble(r)
	group.Go(func() { trouble.unfold(ctx) })
	if r.restless {
		group.Go(func() { r.reload(ctx) })
	}
	upkeep := newUpkeep(r)
	group.Go(func() { upkeep.unfold(ctx) })
	for i := range clients {
		c := newClient(r, uint64(i))
		group.Go(func() { c.live(ctx) })
	}
	group.Wait()
	t.Logf("seed %d: %d responses checked in %s, %d failures, %d purges, %d passes, %d from copies, %d confirmed",
		r.seed, r.tally.checked.Load(), time.Since(began).Round(time.Millisecond), r.tally.failures.Load(), r.tally.purges.Load(),
		r.tally.passed.Load(), r.tally.own.Load(), r.tally.confirm.Load())
	t.Logf("residents: %s", &r.native.posts)
	t.Logf("as told by the edges: %v, %v", r.tally.words, r.tally.status)
	if r.found != "" {
		t.Fatal(r.found)
	}
	if n := r.tally.checked.Load(); n < r.want {
		t.Fatalf("only %d of %d responses in %s", n, r.want, limit)
	}
}
