package cache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// brief is a page of one second, with whatever fields.
func brief(body string, fields ...string) reply {
	return page(body, append(fields, "Cache-Control: max-age=1")...)
}

// TestGrace: past the ttl the page is served at once while one request is made behind.
func TestGrace(t *testing.T) {
	inBubble(t, inTurn(brief("one"), slowly(fresh("two"))), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(2 * sec)
		began := time.Now()
		for _, a := range r.crowd(50, func(int) *cache.Request { return r.request("/p") }) {
			r.want(a, cache.Stale, cache.ReasonGrace, "one")
			if a.FwdStatus != 0 || a.TTL >= 0 {
				t.Errorf("status %d, ttl %v", a.FwdStatus, a.TTL)
			}
		}
		if time.Since(began) != 0 {
			t.Error("they waited")
		}
		time.Sleep(2 * sec)
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "two")
		r.wantFetches(2)
	})
}

// TestRefreshedBetween is the interleaving at refreshBehind: the page was found stale, then
// the refresh of another request landed; no second one is made.
func TestRefreshedBetween(t *testing.T) {
	inBubble(t, inTurn(brief("one"), fresh("two")), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(2 * sec)
		old := &outdated{lagging: r.store, show: r.store.entries()[0]}
		engine := cache.NewEngine(cache.EngineOptions{Store: old, Origin: r.origin, Events: r.events})
		defer engine.Close()
		read(engine.Serve(r.request("/p"))) // another seed: a miss, stored
		settle()
		old.show = r.store.entries()[0]
		for _, e := range r.store.entries() {
			if string(e.Body) == "one" {
				old.show = e
			}
		}
		old.times = 1
		r.want(read(engine.Serve(r.request("/p"))), cache.Stale, cache.ReasonGrace, "one")
		settle()
		r.wantFetches(2)
	})
}

// outdated shows an older page so many times.
type outdated struct {
	*lagging
	show  *cache.Entry
	times int
}

func (o *outdated) Get(hash uint64, key []byte) *cache.Entry {
	if o.times > 0 {
		o.times--
		return o.show
	}
	return o.lagging.Get(hash, key)
}

// TestFailedRefreshIsPaused: one that failed, or brought a 5xx, is not tried again by each
// stale hit, but once a second.
func TestFailedRefreshIsPaused(t *testing.T) {
	for _, fails := range []reply{{err: errDown}, failing(500, "down"), {panics: "down"}} {
		inBubble(t, inTurn(brief("one"), fails), func(r *rig) {
			r.get("/p")
			settle()
			time.Sleep(2 * sec)
			for range 30 {
				r.want(r.get("/p"), cache.Stale, cache.ReasonGrace, "one")
				time.Sleep(100 * time.Millisecond)
			}
			if n := r.origin.fetches() - 1; n < 3 || n > 4 {
				t.Errorf("%d refreshes in 3 s", n)
			}
			if len(r.store.entries()) != 1 {
				t.Error("the page is gone")
			}
		})
	}
}

// TestGraceOver: past ttl and grace the request waits for the origin.
func TestGraceOver(t *testing.T) {
	inBubble(t, inTurn(brief("one"), slowly(fresh("two"))), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(12 * sec)
		r.want(r.get("/p"), cache.Miss, cache.ReasonExpired, "two")
		r.wantFetches(2)
	})
}

// TestKeep: the origin fails, in whichever way, and the page is within its keep:
// it is served; past it, or where must-revalidate forbids, it is not.
func TestKeep(t *testing.T) {
	fails := map[string]reply{
		"error": slowly(reply{err: errDown}), "5xx": slowly(failing(502, "down")), "panic": slowly(reply{panics: "down"}), "slow": {after: time.Minute},
		"malformed": slowly(reply{status: 206}),
	}
	f := func(name string, re reply, after time.Duration, served bool, control string, change ...func(*cache.Request)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			inBubble(t, inTurn(page("one", "Cache-Control: "+control), re), func(r *rig) {
				r.get("/p")
				settle()
				time.Sleep(after)
				change = append(change, within(5*sec))
				for _, a := range r.crowd(5, func(int) *cache.Request { return r.request("/p", change...) }) {
					if !served {
						if a.Entry != nil {
							t.Errorf("%s: %v", control, a)
						}
						continue
					}
					r.want(a, cache.Stale, cache.ReasonStaleOnError, "one")
					if name == "5xx" && a.FwdStatus != 502 {
						t.Errorf("status %d", a.FwdStatus)
					}
				}
			})
		})
	}
	for name, re := range fails {
		f(name, re, time.Minute, true, "max-age=1")
		f(name+" HEAD", re, time.Minute, true, "max-age=1", head)
		f(name+" too late", re, time.Hour+2*sec, false, "max-age=1")
		f(name+" must-revalidate", re, time.Minute, false, "max-age=1, must-revalidate")
		f(name+" must-revalidate, no grace", re, 2*sec, false, "max-age=1, must-revalidate")
		f(name+" s-maxage", re, 2*sec, false, "s-maxage=1")
		f(name+" no-cache", re, sec, false, "no-cache, stale-if-error=60")
		f(name+" stale-if-error", re, 5*sec, true, "max-age=1, stale-while-revalidate=0, stale-if-error=60")
		f(name+" stale-if-error over", re, 70*sec, false, "max-age=1, stale-if-error=60")
	}
}

// TestKeepEndsWhileWaiting: the page was within its keep when the request came, not any
// more when the origin failed.
func TestKeepEndsWhileWaiting(t *testing.T) {
	inBubble(t, inTurn(page("one", "Cache-Control: max-age=1, stale-while-revalidate=0, stale-if-error=10"), reply{after: 5 * sec, err: errDown}), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(8 * sec)
		r.want(r.get("/p"), cache.Failed, cache.ReasonConnect, "")
	})
}

// TestRevalidation: a page with a validator is asked about by condition; a 304
// freshens it for leader and followers, with the 304's fields.
func TestRevalidation(t *testing.T) {
	not := slowly(reply{status: 304, fields: lines("Cache-Control: max-age=30", `ETag: "v1"`, "X-New: 1", "Set-Cookie: a=b")})
	inBubble(t, inTurn(brief("one", `ETag: "v1"`, "X-Old: 1", "Segment-Vary: channel"), not, fresh("two")), func(r *rig) {
		r.policy.SetCookie = cache.SetCookieStrip
		r.get("/p")
		settle()
		time.Sleep(20 * sec)
		all := r.crowd(5, func(i int) *cache.Request {
			time.Sleep(time.Duration(i) * time.Millisecond)
			return r.request("/p", cookieless)
		})
		for i, a := range all {
			outcome, cookies := cache.Collapsed, 0
			if i == 0 {
				outcome, cookies = cache.Revalidated, 1
			}
			r.want(a, outcome, cache.ReasonNotModified, "one")
			if a.FwdStatus != 304 || len(a.SetCookies) != cookies || a.Age > sec+4*time.Millisecond {
				t.Errorf("request %d: status %d, cookies %q, age %v", i, a.FwdStatus, a.SetCookies, a.Age)
			}
		}
		if got := asks(r.origin.request(1), "If-None-Match"); got != `"v1"` {
			t.Errorf("asked with If-None-Match %q", got)
		}
		if got := asks(r.origin.request(1), "If-Modified-Since"); got != "" {
			t.Errorf("asked with If-Modified-Since %q", got)
		}
		settle()
		a := r.get("/p")
		r.want(a, cache.Hit, cache.ReasonFresh, "one")
		has := map[string]string{}
		for _, f := range a.Entry.Header.Fields() {
			has[f.Name] = f.Value
		}
		if has["X-New"] != "1" || has["X-Old"] != "1" || has["Cache-Control"] != "max-age=30" || has["Set-Cookie"] != "" || a.Entry.Status != 200 {
			t.Errorf("%d %q", a.Entry.Status, has)
		}
		// What the 304 left out stays: the page is still narrowed to the channel.
		r.want(r.getAs(shopper("1", "gold", "r9"), "/p"), cache.Hit, cache.ReasonFresh, "one")
		r.want(r.getAs(shopper("2", "", ""), "/p"), cache.Miss, cache.ReasonVariant, "two")
		r.wantFetches(3)
	})
}

// TestUndatedConfirmation: a 304 without a Date is as new as its coming, however old the
// Date of the stored page.
func TestUndatedConfirmation(t *testing.T) {
	inBubble(t, func(n int, _ *cache.OriginRequest) reply {
		if n > 0 {
			return reply{status: 304}
		}
		return brief("one", `ETag: "v1"`, dateField("Date", time.Now().UTC()))
	}, func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(20 * sec)
		r.want(r.get("/p"), cache.Revalidated, cache.ReasonNotModified, "one")
		settle()
		a := r.get("/p")
		r.want(a, cache.Hit, cache.ReasonFresh, "one")
		if a.Age != 20*time.Millisecond {
			t.Errorf("age %v", a.Age)
		}
	})
}

// TestByDateOnPublicScopeAlone: segments are never revalidated by Last-Modified, as all
// segments of a real storefront share it; public pages are.
func TestByDateOnPublicScopeAlone(t *testing.T) {
	for scope, want := range map[cache.Scope]string{cache.ScopeSegment: "", cache.ScopePublic: "Sat, 01 Jan 2000 00:00:00 GMT"} {
		first := brief("one", "Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT")
		inBubble(t, func(n int, q *cache.OriginRequest) reply {
			switch {
			case n == 0:
				return first
			case asks(q, "If-Modified-Since") != "" || asks(q, "If-None-Match") != "":
				return reply{status: 304}
			}
			return fresh("two")
		}, func(r *rig) {
			r.policy.Scope = scope
			r.get("/p")
			settle()
			time.Sleep(20 * sec)
			a := r.get("/p")
			if got := asks(r.origin.request(1), "If-Modified-Since"); got != want {
				t.Errorf("%v: If-Modified-Since %q, want %q", scope, got, want)
			}
			if revalidated := a.Outcome == cache.Revalidated; revalidated != (want != "") {
				t.Errorf("%v: %v", scope, a)
			}
		})
	}
}

// TestOther304: a 304 about another page than ours is asked again, without condition.
func TestOther304(t *testing.T) {
	inBubble(t, inTurn(brief("one", `ETag: "v1"`), reply{status: 304, fields: lines(`ETag: "v2"`, "Cache-Control: max-age=60")}, fresh("two", `ETag: "v2"`)), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(20 * sec)
		r.want(r.get("/p"), cache.Miss, cache.ReasonExpired, "two")
		r.wantFetches(3)
		if got := asks(r.origin.request(2), "If-None-Match"); got != "" {
			t.Errorf("asked again with %q", got)
		}
	})
}

// TestConfirmedButNotStorable: a 304 that turns the page private gives nobody its old body.
func TestConfirmedButNotStorable(t *testing.T) {
	inBubble(t, inTurn(brief("one", `ETag: "v1"`), slowly(reply{status: 304, fields: lines("Cache-Control: private")})), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(20 * sec)
		for _, a := range r.crowd(5, func(int) *cache.Request { return r.request("/p") }) {
			r.want(a, cache.Pass, cache.ReasonPrivate, "")
		}
		if len(r.store.entries()) != 0 {
			t.Error("still stored")
		}
	})
}

// TestNoCachePages: each use is confirmed first, those who come together by one fetch.
func TestNoCachePages(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		if asks(q, "If-None-Match") == `"v1"` {
			return slowly(reply{status: 304})
		}
		return slowly(page("one", "Cache-Control: no-cache", `ETag: "v1"`))
	}, func(r *rig) {
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "one")
		settle()
		for i := range 3 {
			all := r.crowd(5, func(int) *cache.Request { return r.request("/p") })
			r.wantServed(all, "one")
			for _, a := range all {
				if a.Reason != cache.ReasonNotModified {
					t.Errorf("round %d: %v", i, a)
				}
			}
			settle()
		}
		r.wantFetches(4)
	})
}

// TestStaleAtOnce: a page of max-age=0 is shared by those who wait for it together, and
// by no one later.
func TestStaleAtOnce(t *testing.T) {
	inBubble(t, func(n int, _ *cache.OriginRequest) reply {
		return slowly(page(fmt.Sprint(n), "Cache-Control: max-age=0, stale-while-revalidate=0", `ETag: "x"`))
	}, func(r *rig) {
		for i := range 3 {
			r.wantServed(r.crowd(5, func(int) *cache.Request { return r.request("/p") }), fmt.Sprint(i))
		}
		r.wantFetches(3)
	})
}
