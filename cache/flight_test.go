package cache_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
)

const thousand = 1000

// TestOnce: a thousand requests of one cold key ask the origin once, whatever
// the page turns out to vary by, in whichever way the store takes it.
func TestOnce(t *testing.T) {
	for _, kind := range []struct {
		name   string
		reply  reply
		verify bool
	}{
		{"plain", fresh("page"), false},
		{"vary", fresh("page", "Vary: Accept-Language"), false},
		{"coded", fresh("page", "Content-Encoding: gzip"), false},
		{"narrowed", fresh("page", "Segment-Vary: priceTables"), false},
		{"narrowed to nothing", fresh("page", "Segment-Vary: "), false},
		{"vary and narrowed", fresh("page", "Segment-Vary: priceTables", "Vary: Accept"), false},
		{"verified", fresh("page", "Segment-Vary: priceTables"), true},
	} {
		for _, store := range []string{"lagging", "silent drop", "refusing"} {
			t.Run(kind.name+"/"+store, func(t *testing.T) {
				kind.reply.after = 50 * time.Millisecond
				inBubble(t, always(kind.reply), func(r *rig) { r.once(kind.verify, store) })
			})
		}
	}
}

// once sends requests before, during and after the flight, half a millisecond apart.
func (r *rig) once(verify bool, store string) {
	if verify {
		r.policy.Verify = func(cache.Dimensions, bool, []string, *cache.Head, []byte) cache.Reason { return cache.ReasonStored }
	}
	switch store {
	case "silent drop":
		r.store.forget = func(*cache.Entry) bool { return true }
	case "refusing":
		r.store.refuse = func(*cache.Entry) bool { return true }
	}
	all := r.crowd(thousand, func(i int) *cache.Request {
		if store == "refusing" { // nothing is kept: once is for those who wait
			time.Sleep(time.Duration(i%49) * time.Millisecond)
		} else {
			time.Sleep(time.Duration(i) * 100 * time.Microsecond)
		}
		return r.requestOf(shopper("1", "", "").with("accept", "x").with("accept-language", "pt"), "/p")
	})
	r.wantServed(all, "page")
	r.wantFetches(1)
	leaders := 0
	for _, a := range all {
		if a.Stored {
			leaders++
		}
	}
	if leaders != 1 {
		r.t.Errorf("%d leaders", leaders)
	}
}

// TestBetweenFlightAndStore: whoever comes after the last byte and before the
// store shows the page is answered from the landing flight, as a hit.
func TestBetweenFlightAndStore(t *testing.T) {
	inBubble(t, always(fresh("page")), func(r *rig) {
		r.store.delay = 300 * time.Millisecond
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "page")
		time.Sleep(100 * time.Millisecond)
		a := r.get("/p")
		r.want(a, cache.Hit, cache.ReasonLanding, "page")
		if a.Collapsed || a.Age != 100*time.Millisecond || a.TTL != time.Minute-a.Age {
			t.Errorf("collapsed %v, age %v, ttl %v", a.Collapsed, a.Age, a.TTL)
		}
		time.Sleep(400 * time.Millisecond)
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "page")
		if r.events.count("landed true") != 1 || r.engine.Flights() != 0 {
			t.Errorf("%q, %d flights", r.events.events, r.engine.Flights())
		}
		r.wantFetches(1)
	})
}

// TestLookupThenLanding is the interleaving at enlist: the lookup misses, then
// the flight leaves the table because the store shows its page, then the table is asked.
func TestLookupThenLanding(t *testing.T) {
	inBubble(t, always(fresh("page", "Segment-Vary: channel")), func(r *rig) {
		r.get("/p")
		settle()
		page := r.store.entries()[0]
		r.store.evict()
		// The store misses at the first Get of a request and shows the page at the next.
		misses := &hesitant{lagging: r.store}
		engine := cache.NewEngine(cache.EngineOptions{Store: misses, Origin: r.origin, Events: r.events})
		defer engine.Close()
		read(engine.Serve(r.request("/p")))
		settle()
		if n := r.origin.fetches(); n != 2 || len(r.store.entries()) != 1 {
			t.Fatalf("%d fetches, %d entries beside %q", n, len(r.store.entries()), page.Body)
		}
		misses.miss = 1
		a := read(engine.Serve(r.request("/p")))
		r.want(a, cache.Hit, cache.ReasonFresh, "page")
		r.wantFetches(2)
	})
}

// hesitant misses so many times before it shows what it has.
type hesitant struct {
	*lagging
	miss int
}

func (h *hesitant) Get(hash uint64, key []byte) *cache.Entry {
	if h.miss > 0 {
		h.miss--
		return nil
	}
	return h.lagging.Get(hash, key)
}

// meddling calls a function inside its n-th Get: what happens between two steps of a request.
type meddling struct {
	*lagging
	in     int
	meddle func()
	last   bool // it shows what was there before
}

func (m *meddling) Get(hash uint64, key []byte) *cache.Entry {
	before := m.lagging.Get(hash, key)
	if m.in--; m.in != 0 {
		return before
	}
	m.meddle()
	if m.last {
		return before
	}
	return m.lagging.Get(hash, key)
}

// TestLearntBetween: between a request's lookup and its look at the flights a page of the
// URL came, landed and left, and with it what the URL varies by: the request looks anew.
func TestLearntBetween(t *testing.T) {
	inBubble(t, always(fresh("page", "Segment-Vary: channel")), func(r *rig) {
		store := &meddling{lagging: r.store, in: 1, last: true}
		engine := cache.NewEngine(cache.EngineOptions{Store: store, Origin: r.origin, Events: r.events})
		defer engine.Close()
		store.meddle = func() {
			r.want(read(engine.Serve(r.requestOf(shopper("1", "gold", ""), "/p"))), cache.Miss, cache.ReasonAbsent, "page")
			settle()
		}
		r.want(read(engine.Serve(r.requestOf(shopper("1", "silver", ""), "/p"))), cache.Hit, cache.ReasonFresh, "page")
		r.wantFetches(1)
	})
}

// TestPurgedBeforeTheFetch: a purge between the lookup, which found a page to confirm, and
// the beginning of the fetch: were it confirmed, it would come back to life under the new epoch.
func TestPurgedBeforeTheFetch(t *testing.T) {
	for _, soft := range []bool{true, false} {
		inBubble(t, counted(0), func(r *rig) {
			store := &meddling{lagging: r.store}
			engine := cache.NewEngine(cache.EngineOptions{Store: store, Origin: r.origin, Events: r.events})
			defer engine.Close()
			read(engine.Serve(r.request("/p")))
			settle()
			time.Sleep(75 * sec) // past grace
			store.in, store.meddle = 2, func() { engine.Purge(soft, cache.TagLabel("shoes")) }
			r.want(read(engine.Serve(r.request("/p"))), cache.Miss, cache.ReasonExpired, "1")
			if got := asks(r.origin.request(1), "If-None-Match"); got != "" {
				t.Errorf("soft %v: asked with %s", soft, got)
			}
		})
	}
}

// TestLandingIsBounded: where the store never shows the page the flight leaves the
// table after a second; where the Set is known to be dropped, at once.
func TestLandingIsBounded(t *testing.T) {
	inBubble(t, always(fresh("page")), func(r *rig) {
		r.store.forget = func(*cache.Entry) bool { return true }
		r.get("/p")
		time.Sleep(900 * time.Millisecond)
		r.want(r.get("/p"), cache.Hit, cache.ReasonLanding, "page")
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		if r.engine.Flights() != 0 || r.events.count("landed false") != 1 {
			t.Errorf("%d flights, %q", r.engine.Flights(), r.events.events)
		}
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "page")
		r.wantFetches(2)
	})
	inBubble(t, always(fresh("page")), func(r *rig) {
		r.store.refuse = func(*cache.Entry) bool { return true }
		r.get("/p")
		synctest.Wait()
		if r.engine.Flights() != 0 || r.events.count("landed false") != 1 {
			t.Errorf("after a refused Set: %d flights, %q", r.engine.Flights(), r.events.events)
		}
	})
}

// TestOneWriter: a flight whose page became stale while it still streamed was replaced by
// another; when it ends it does not write over the newer page.
func TestOneWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		slow := page("old ", "Cache-Control: max-age=1, stale-while-revalidate=60")
		slow.chunks = []chunk{{wait: gate, text: "page"}}
		r := newRig(t, inTurn(slow, fresh("new")))
		leader := r.engine.Serve(r.request("/p"))
		time.Sleep(2 * sec)
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "new")
		settle()
		close(gate)
		if a := read(leader); a.body != "old page" || a.bodyErr != nil {
			t.Errorf("%v, %v", a, a.bodyErr)
		}
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "new")
		if n := r.store.setCount(); n != 1 {
			t.Errorf("%d writes", n)
		}
	})
}

// TestOlderSetWins: of two quick Sets of a new key the store keeps the older
// page; the flight sees another page than its own and sets again.
func TestOlderSetWins(t *testing.T) {
	inBubble(t, inTurn(fresh("old"), fresh("new")), func(r *rig) {
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "old")
		synctest.Wait() // old is set, not yet shown
		r.engine.Purge(false, cache.URLLabel(host, "/p"))
		r.want(r.get("/p"), cache.Miss, cache.ReasonPurgedHard, "new")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "new")
		r.wantFetches(2)
	})
}

// TestFirstByteBeforeTheLast: leader and follower read what has come while the
// origin still sends, and both get the whole.
func TestFirstByteBeforeTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		re := fresh("first ")
		re.chunks = []chunk{{wait: gate, text: "last"}}
		r := newRig(t, always(re))
		leader := r.engine.Serve(r.request("/p"))
		follower := r.engine.Serve(r.request("/p"))
		for _, res := range []cache.Result{leader, follower} {
			b, err := res.Stream.Next()
			if string(b) != "first " || err != nil || res.Stream.Head.Status != 200 {
				t.Errorf("%v: %q, %v", res.Outcome, b, err)
			}
		}
		if leader.Outcome != cache.Miss || follower.Outcome != cache.Collapsed || !follower.Collapsed || follower.Stored {
			t.Errorf("%v and %v", leader.Outcome, follower.Outcome)
		}
		late := r.engine.Serve(r.request("/p"))
		close(gate)
		for i, res := range []cache.Result{leader, follower, late} {
			want := []string{"last", "last", "first last"}[i]
			if a := read(res); a.body != want || a.bodyErr != nil {
				t.Errorf("rest of %d: %q, %v", i, a.body, a.bodyErr)
			}
		}
		r.wantFetches(1)
	})
}

// TestOwnDeadline: each waits under its own deadline; the fetch goes on and is
// stored, also when it is the leader who leaves.
func TestOwnDeadline(t *testing.T) {
	re := fresh("page")
	re.after = 10 * sec
	inBubble(t, always(re), func(r *rig) {
		began := time.Now()
		limits := []time.Duration{2 * sec, 5 * sec, 60 * sec}
		all := r.crowd(3, func(i int) *cache.Request {
			time.Sleep(time.Duration(i) * time.Millisecond)
			return r.request("/p", within(limits[i]))
		})
		if waited := time.Since(began); waited != 10*sec {
			t.Errorf("all were answered after %v", waited)
		}
		for _, a := range all[:2] {
			r.want(a, cache.Failed, cache.ReasonWaitedTooLong, "")
		}
		r.want(all[2], cache.Collapsed, cache.ReasonAbsent, "page")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "page")
		r.wantFetches(1)
	})
}

// A deadline that has passed already still gets what needs no waiting.
func TestPassedDeadline(t *testing.T) {
	re := fresh("page")
	re.after = sec
	inBubble(t, always(re), func(r *rig) {
		r.want(r.get("/p", within(-sec)), cache.Failed, cache.ReasonWaitedTooLong, "")
		time.Sleep(2 * sec)
		settle()
		r.want(r.get("/p", within(-sec)), cache.Hit, cache.ReasonFresh, "page")
	})
}

// TestLeaderLeaves: the leader closes its stream after the first byte; those who
// follow get the whole page, and it is stored.
func TestLeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		re := fresh("first ")
		re.chunks = []chunk{{wait: gate, text: "last"}}
		r := newRig(t, always(re))
		leader := r.engine.Serve(r.request("/p"))
		follower := r.engine.Serve(r.request("/p"))
		leader.Stream.Close()
		synctest.Wait()
		close(gate)
		if a := read(follower); a.body != "first last" || a.bodyErr != nil {
			t.Errorf("%q, %v", a.body, a.bodyErr)
		}
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "first last")
		r.wantFetches(1)
	})
}

// TestTruncatedBody: what ends early is never stored, and everybody who reads it
// sees the abort, not an end.
func TestTruncatedBody(t *testing.T) {
	inBubble(t, func(n int, _ *cache.OriginRequest) reply {
		re := fresh("first ")
		re.after = sec
		re.chunks = []chunk{{err: io.ErrUnexpectedEOF}}
		if n > 0 {
			return fresh("whole")
		}
		return re
	}, func(r *rig) {
		for _, a := range r.crowd(5, func(int) *cache.Request { return r.request("/p") }) {
			var oe *cache.OriginError
			if !errors.As(a.bodyErr, &oe) || oe.Reason != cache.ReasonTruncated || !errors.Is(a.bodyErr, io.ErrUnexpectedEOF) || a.body != "first " {
				t.Errorf("%v: %v", a, a.bodyErr)
			}
		}
		settle()
		if len(r.store.entries()) != 0 || r.store.setCount() != 0 {
			t.Error("it was stored")
		}
		if r.events.count("fetched truncated 200") != 1 {
			t.Errorf("%q", r.events.events)
		}
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "whole")
	})
}

// TestAskedAgainAfterABreak: who saw a page break off and asks at once gets another fetch, not the rest of that one.
func TestAskedAgainAfterABreak(t *testing.T) {
	for range 50 {
		inBubble(t, func(n int, _ *cache.OriginRequest) reply {
			if n > 0 {
				return fresh("whole")
			}
			re := fresh("first ")
			re.chunks = []chunk{{err: io.ErrUnexpectedEOF}}
			return re
		}, func(r *rig) {
			if a := r.get("/p"); a.bodyErr == nil {
				t.Fatalf("%v did not break off", a)
			}
			r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "whole")
		})
	}
}

// TestEmptyBody: a page without a byte is a page.
func TestEmptyBody(t *testing.T) {
	re := fresh("")
	re.known = true
	inBubble(t, always(re), func(r *rig) {
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "")
		r.wantFetches(1)
	})
}

// TestValidatorOfStoredPages: with an ETag the page keeps it, without one it has
// a digest of its body, on both ways a page is admitted.
func TestValidatorOfStoredPages(t *testing.T) {
	f := func(verify bool, etag, digest string, fields ...string) {
		t.Helper()
		inBubble(t, always(fresh("page", fields...)), func(r *rig) {
			if verify {
				r.policy.Verify = func(cache.Dimensions, bool, []string, *cache.Head, []byte) cache.Reason { return cache.ReasonStored }
			}
			r.get("/p")
			settle()
			e := r.store.entries()[0]
			if e.ETag != etag || e.Digest != digest {
				t.Errorf("verify %v, %q: ETag %q, digest %q", verify, fields, e.ETag, e.Digest)
			}
			if cap(e.Body) > len(e.Body)+len(e.Body)/16+64 || cap(e.Key) > 2*len(e.Key) {
				t.Errorf("the entry holds %d bytes for a body of %d, %d for a key of %d", cap(e.Body), len(e.Body), cap(e.Key), len(e.Key))
			}
		})
	}
	digest := cache.DigestOf([]byte("page"))
	f(false, `"v1"`, "", `ETag: "v1"`)
	f(false, "", digest)
	f(true, "", digest)
}
