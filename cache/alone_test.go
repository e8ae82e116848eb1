package cache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// TestHeadNeverFills: a HEAD goes on its own, is answered, and leaves nothing behind; once a
// page is there it is answered from it.
func TestHeadNeverFills(t *testing.T) {
	inBubble(t, func(_ int, q *cache.OriginRequest) reply {
		if q.Method == "HEAD" {
			return slowly(fresh("", "Set-Cookie: a=b"))
		}
		return fresh("page", "Set-Cookie: a=b")
	}, func(r *rig) {
		r.policy.SetCookie = cache.SetCookieStrip
		for _, a := range r.crowd(3, func(int) *cache.Request { return r.request("/p", head, cookieless) }) {
			r.want(a, cache.Miss, cache.ReasonAbsent, "")
			if a.Handover == nil || a.FwdStatus != 200 || a.Stored || len(a.SetCookies) != 1 || len(a.Handover.Fields) != 1 {
				t.Errorf("%+v", a.Result)
			}
		}
		r.wantFetches(3)
		settle()
		if r.store.setCount() != 0 || r.events.count("fetched head 200") != 3 {
			t.Errorf("%d sets, %q", r.store.setCount(), r.events.events)
		}
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "page")
		settle()
		a := r.get("/p", head)
		r.want(a, cache.Hit, cache.ReasonFresh, "page")
		r.wantFetches(4)
	})
}

// TestStaleHeadRefreshesThePage: a HEAD served stale has the page fetched behind it by GET;
// the empty body of a HEAD never takes the page's place.
func TestStaleHeadRefreshesThePage(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		if q.Method == "HEAD" {
			return fresh("")
		}
		return brief(fmt.Sprint(n))
	}, func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(2 * sec)
		r.want(r.get("/p", head), cache.Stale, cache.ReasonGrace, "0")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
		if got := r.origin.request(1).Method; got != "GET" {
			t.Errorf("refreshed by %s", got)
		}
	})
}

// TestHeadIsForOne: what is not storable is not for a HEAD from which something was taken.
func TestHeadIsForOne(t *testing.T) {
	inBubble(t, always(page("", "Cache-Control: private", "Set-Cookie: a=b")), func(r *rig) {
		r.want(r.get("/p", head, taken), cache.Pass, cache.ReasonPrivate, "")
		a := r.get("/p", head)
		r.want(a, cache.Miss, cache.ReasonAbsent, "")
		if a.Handover == nil || len(a.Handover.Fields) != 2 || a.SetCookies != nil {
			t.Errorf("%+v", a.Result)
		}
		r.want(r.get("/p", taken), cache.Pass, cache.ReasonPrivate, "")
		r.want(r.get("/p", head, taken), cache.HitForMiss, cache.ReasonMarked, "")
		r.wantFetches(3)
	})
}

// TestHeadServerError reaches who asked, without cookies of others.
func TestHeadServerError(t *testing.T) {
	re := failing(503, "")
	re.fields = lines("Set-Cookie: a=b")
	inBubble(t, always(re), func(r *rig) {
		a := r.get("/p", head, taken)
		r.want(a, cache.Miss, cache.ReasonServerError, "")
		if a.Handover == nil || a.Handover.Status != 503 || len(a.Handover.Fields) != 0 || a.SetCookies != nil {
			t.Errorf("%+v", a.Result)
		}
	})
}

// TestAloneHasADeadline: a fetch for one request ends at that request's deadline.
func TestAloneHasADeadline(t *testing.T) {
	inBubble(t, always(reply{hangs: true}), func(r *rig) {
		began := time.Now()
		r.want(r.get("/p", head, within(3*sec)), cache.Failed, cache.ReasonWaitedTooLong, "")
		if waited := time.Since(began); waited != 3*sec {
			t.Errorf("%v", waited)
		}
	})
}

// TestBodyOfOneOutlivesTheDeadline: the deadline is for the head alone.
func TestBodyOfOneOutlivesTheDeadline(t *testing.T) {
	inBubble(t, always(fresh("page")), func(r *rig) {
		res := r.engine.Serve(r.request("/p", head, within(sec)))
		time.Sleep(5 * sec)
		if a := read(res); a.body != "page" || a.bodyErr != nil {
			t.Errorf("%v, %v", a, a.bodyErr)
		}
	})
}

// TestRequestDirectives: those of a request whose directives count (RFC 9111, 5.2.1).
func TestRequestDirectives(t *testing.T) {
	inBubble(t, func(n int, _ *cache.OriginRequest) reply { return fresh(fmt.Sprint(n)) }, func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(10 * sec)
		r.want(r.get("/p", asking("max-age=20")), cache.Hit, cache.ReasonFresh, "0")
		r.want(r.get("/p", asking("no-store")), cache.Miss, cache.ReasonRequestDirective, "1")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "0") // nothing of it was stored
		r.want(r.get("/p", asking("no-cache")), cache.Miss, cache.ReasonRequestDirective, "2")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "2")
		time.Sleep(10 * sec)
		r.want(r.get("/p", asking("max-age=5")), cache.Miss, cache.ReasonRequestDirective, "3")
		settle()
		r.want(r.get("/p", asking("min-fresh=120")), cache.Miss, cache.ReasonRequestDirective, "4")
		r.want(r.get("/q", asking("no-store")), cache.Miss, cache.ReasonAbsent, "5")
		settle()
		r.want(r.get("/q"), cache.Miss, cache.ReasonAbsent, "6")
	})
}

// TestOnlyIfCached: from memory or not at all.
func TestOnlyIfCached(t *testing.T) {
	inBubble(t, always(brief("page")), func(r *rig) {
		r.want(r.get("/p", asking("only-if-cached")), cache.Failed, cache.ReasonOnlyIfCached, "")
		r.want(r.get("/p", asking("only-if-cached"), head), cache.Failed, cache.ReasonOnlyIfCached, "")
		r.wantFetches(0)
		r.get("/p")
		settle()
		r.want(r.get("/p", asking("only-if-cached")), cache.Hit, cache.ReasonFresh, "page")
		time.Sleep(20 * sec)
		r.want(r.get("/p", asking("only-if-cached")), cache.Failed, cache.ReasonOnlyIfCached, "")
		r.wantFetches(1)
	})
}

// TestAloneAfterManyTries: a follower whose flights keep turning out to be of other
// variants ends by fetching alone; what it gets is right, and is not stored.
func TestAloneAfterManyTries(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		re := echoing([]string{"x-a"}, sec, fmt.Sprintf("Vary: X-A, X-%d", n))(n, q)
		return re
	}, func(r *rig) {
		all := r.crowd(60, func(i int) *cache.Request {
			return r.requestOf(shopper("1", "", "").with("x-a", fmt.Sprint(i%6)), "/p")
		})
		for i, a := range all {
			if want := fmt.Sprint(i%6, "|"); a.body != want || a.bodyErr != nil {
				t.Errorf("request %d: %v, want %q", i, a, want)
			}
		}
	})
}

// TestClose ends everything: fetches, waiters, landings, streams; afterwards the store still
// answers and nothing is fetched.
func TestClose(t *testing.T) {
	gate := func(q *cache.OriginRequest) reply {
		switch q.Target {
		case "/hangs":
			return reply{hangs: true}
		case "/streams":
			re := fresh("first")
			re.chunks = []chunk{{wait: make(chan struct{})}}
			return re
		}
		return fresh("page")
	}
	inBubble(t, func(_ int, q *cache.OriginRequest) reply { return gate(q) }, func(r *rig) {
		r.store.forget = func(e *cache.Entry) bool { return string(e.Body) == "page" && len(r.store.sets) > 1 }
		r.get("/p")
		settle()
		r.get("/lands")
		streaming := r.engine.Serve(r.request("/streams"))
		waiting := make(chan *answer)
		go func() { waiting <- r.get("/hangs") }()
		settle()
		r.engine.Close()
		if a := read(streaming); a.bodyErr == nil || a.body != "first" {
			t.Errorf("the stream: %v, %v", a, a.bodyErr)
		}
		if a := <-waiting; a.Outcome != cache.Failed {
			t.Errorf("the waiter: %v", a)
		}
		n := r.origin.fetches()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "page")
		a := r.get("/q")
		r.want(a, cache.Failed, cache.ReasonShuttingDown, "")
		r.want(r.get("/q", head), cache.Failed, cache.ReasonShuttingDown, "")
		time.Sleep(2 * time.Minute)
		r.want(r.get("/p"), cache.Stale, cache.ReasonStaleOnError, "page")
		r.wantFetches(n)
		if r.engine.Flights() != 0 {
			t.Errorf("%d flights", r.engine.Flights())
		}
		r.engine.Close()
	})
}
