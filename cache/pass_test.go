package cache_test

import (
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// TestForNobody: an answer that is not storable is for no request from which
// something was taken: leader and followers all go as a pass (DESIGN.md, rule 5).
func TestForNobody(t *testing.T) {
	for _, c := range []struct {
		reply  reply
		reason cache.Reason
	}{
		{page("secret", "Cache-Control: private"), cache.ReasonPrivate},
		{page("secret", "Cache-Control: no-store"), cache.ReasonNoStore},
		{page("secret"), cache.ReasonNoFreshness},
		{fresh("secret", "Vary: Cookie"), cache.ReasonVaryPrivate},
		{fresh("secret", "Vary: *"), cache.ReasonVaryAll},
		{fresh("secret", "Set-Cookie: a=b"), cache.ReasonSetCookie},
		{reply{status: 401, body: "secret"}, cache.ReasonLogin},
		{reply{status: 302, fields: lines("Location: /login", "Cache-Control: max-age=9")}, cache.ReasonLogin},
	} {
		inBubble(t, always(slowly(c.reply)), func(r *rig) {
			r.policy.LeadsToLogin = func(location string) bool { return location == "/login" }
			for _, a := range r.crowd(20, func(int) *cache.Request { return r.request("/p", taken, cookieless) }) {
				r.want(a, cache.Pass, c.reason, "")
				if !a.PassOn || a.SetCookies != nil || a.Handover != nil {
					t.Errorf("%v: %+v", c.reason, a)
				}
			}
			r.wantFetches(1)
			r.want(r.get("/p", taken), cache.HitForMiss, cache.ReasonMarked, "")
			if r.store.setCount() != 0 {
				t.Errorf("%v: stored", c.reason)
			}
		})
	}
}

// TestForItsLeader: where nothing was taken from the leader's request the answer is
// what it would have got itself, cookies included; followers go on their own,
// whatever was taken from them.
func TestForItsLeader(t *testing.T) {
	inBubble(t, always(slowly(page("mine", "Cache-Control: private", "Set-Cookie: a=b"))), func(r *rig) {
		all := r.crowd(10, func(i int) *cache.Request {
			time.Sleep(time.Duration(i) * time.Millisecond)
			return r.request("/p", cookieless)
		})
		r.want(all[0], cache.Miss, cache.ReasonPrivate, "mine")
		if h := all[0].Handover; h == nil || h.Status != 200 || len(h.Fields) != 2 || all[0].FwdStatus != 200 || all[0].Stored {
			t.Errorf("%+v", all[0].Result)
		}
		for _, a := range all[1:] {
			r.want(a, cache.Pass, cache.ReasonPrivate, "")
		}
		r.wantFetches(1)
	})
}

// TestOnlyTheLeaderIsHandedTheAnswer, whoever wakes first.
func TestOnlyTheLeaderIsHandedTheAnswer(t *testing.T) {
	for range 60 {
		inBubble(t, always(slowly(page("mine", "Cache-Control: private"))), func(r *rig) {
			requests := make([]*cache.Request, 20)
			for i := range requests {
				requests[i] = r.request("/p")
			}
			for i, a := range r.crowd(len(requests), func(i int) *cache.Request { return requests[i] }) {
				if led := requests[i].Asker.(*client).asked; led != (a.Handover != nil) || led == a.PassOn {
					t.Errorf("request %d led: %v; %v", i, led, a)
				}
			}
		})
	}
}

// TestHandoverAfterTheLeaderLeft: nobody is there to close the body; newRig sees that it is.
func TestHandoverAfterTheLeaderLeft(t *testing.T) {
	inBubble(t, always(slowly(page("mine", "Cache-Control: private"))), func(r *rig) {
		r.want(r.get("/p", within(time.Millisecond)), cache.Failed, cache.ReasonWaitedTooLong, "")
		time.Sleep(2 * sec)
	})
}

// TestMarksEnd: after hit_for_miss the next request asks again; when the answer has become
// storable it is stored, at once and for good.
func TestMarksEnd(t *testing.T) {
	inBubble(t, inTurn(page("mine", "Cache-Control: private"), page("mine", "Cache-Control: private"), fresh("ours")), func(r *rig) {
		r.want(r.get("/p", taken), cache.Pass, cache.ReasonPrivate, "")
		time.Sleep(29 * sec)
		r.want(r.get("/p", taken), cache.HitForMiss, cache.ReasonMarked, "")
		r.want(r.get("/q", taken), cache.Pass, cache.ReasonPrivate, "") // the mark is of one key
		time.Sleep(2 * sec)
		r.want(r.get("/p", taken), cache.Miss, cache.ReasonAbsent, "ours")
		settle()
		r.want(r.get("/p", taken), cache.Hit, cache.ReasonFresh, "ours")
		r.wantFetches(3)
	})
}

// TestMarkedPageIsForgotten: what was stored under a key whose new answer is private is
// gone, also where it would still be good as stale.
func TestMarkedPageIsForgotten(t *testing.T) {
	inBubble(t, inTurn(page("ours", "Cache-Control: max-age=1"), page("mine", "Cache-Control: private")), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(2 * sec)
		r.want(r.get("/p", taken), cache.Stale, cache.ReasonGrace, "ours")
		settle()
		r.want(r.get("/p", taken), cache.HitForMiss, cache.ReasonMarked, "")
		if len(r.store.entries()) != 0 {
			t.Error("still stored")
		}
		r.wantFetches(2)
	})
}

// TestRefreshHeedsTheMark: a store whose Del does nothing keeps showing the stale page; it
// is not fetched again behind each use.
func TestRefreshHeedsTheMark(t *testing.T) {
	inBubble(t, inTurn(page("ours", "Cache-Control: max-age=1"), page("mine", "Cache-Control: private")), func(r *rig) {
		engine := cache.NewEngine(cache.EngineOptions{Store: keeping{r.store}, Origin: r.origin, Events: r.events})
		defer engine.Close()
		read(engine.Serve(r.request("/p")))
		settle()
		time.Sleep(2 * sec)
		for range 5 {
			r.want(read(engine.Serve(r.request("/p", taken))), cache.Stale, cache.ReasonGrace, "ours")
			settle()
		}
		r.wantFetches(2)
	})
}

type keeping struct{ *lagging }

func (keeping) Del(uint64, []byte) {}

// TestRoutePasses: a route whose last 32 anonymous answers were all unstorable
// goes as a pass at once, with one probe per hit_for_miss; a storable answer ends it.
func TestRoutePasses(t *testing.T) {
	private := true
	inBubble(t, func(_ int, q *cache.OriginRequest) reply {
		if private {
			return slowly(page("mine", "Cache-Control: private"))
		}
		return slowly(fresh(q.Target))
	}, func(r *rig) {
		target := func(i int) string { return "/p" + string(rune('A'+i)) }
		for i := range cache.StreakLimit {
			r.want(r.get(target(i), taken), cache.Pass, cache.ReasonPrivate, "")
		}
		r.want(r.get("/q", taken), cache.Pass, cache.ReasonRoutePassing, "")
		r.want(r.get("/q", taken, head), cache.Pass, cache.ReasonRoutePassing, "")
		r.wantFetches(cache.StreakLimit)
		time.Sleep(31 * sec)
		private = false
		r.want(r.get("/head", taken, head), cache.Pass, cache.ReasonRoutePassing, "") // makes no probe
		all := r.crowd(20, func(i int) *cache.Request { return r.request(target(40+i), taken) })
		probes := 0
		for i, a := range all {
			if a.body == target(40+i) {
				probes++
			} else {
				r.want(a, cache.Pass, cache.ReasonRoutePassing, "")
			}
		}
		if probes != 1 {
			t.Errorf("%d probes", probes)
		}
		r.want(r.get("/q", taken), cache.Miss, cache.ReasonAbsent, "/q")
	})
}

// TestStoredPagesOfAPassingRoute: what is stored stays in use.
func TestStoredPagesOfAPassingRoute(t *testing.T) {
	inBubble(t, func(n int, _ *cache.OriginRequest) reply {
		if n == 0 {
			return fresh("page")
		}
		return page("mine", "Cache-Control: private")
	}, func(r *rig) {
		r.get("/p")
		settle()
		for i := range cache.StreakLimit {
			r.get("/other"+string(rune('A'+i)), taken)
		}
		r.want(r.get("/p", taken), cache.Hit, cache.ReasonFresh, "page")
	})
}

// TestSetCookie: on a route that strips, the page is stored without the cookie and
// nobody gets it but a leader whose request carried no cookie at all.
func TestSetCookie(t *testing.T) {
	f := func(mode cache.SetCookie, want int, inPage bool, change ...func(*cache.Request)) {
		t.Helper()
		inBubble(t, always(slowly(fresh("page", "Set-Cookie: a=b", "set-cookie: c=d"))), func(r *rig) {
			r.policy.SetCookie = mode
			all := r.crowd(5, func(i int) *cache.Request {
				time.Sleep(time.Duration(i) * time.Millisecond)
				return r.request("/p", change...)
			})
			settle()
			all = append(all, r.get("/p", change...))
			for i, a := range all {
				got := len(a.SetCookies)
				if i == 0 && got != want || i > 0 && got != 0 {
					t.Errorf("mode %d, request %d: cookies %q", mode, i, a.SetCookies)
				}
			}
			has := false
			for _, field := range r.store.entries()[0].Header.Fields() {
				has = has || field.Name == "Set-Cookie"
			}
			if has != inPage {
				t.Errorf("mode %d: a cookie in the page: %v", mode, has)
			}
		})
	}
	f(cache.SetCookieStrip, 2, false, cookieless)
	f(cache.SetCookieStrip, 0, false)
	f(cache.SetCookieStrip, 0, false, taken)
	f(cache.SetCookieStore, 0, true, cookieless)
}

// TestWrongCredentialsTakeNothing: on public scope Authorization is forwarded. An answer
// to it that is not storable says nothing of what others get: it marks no key, forgets
// no page, counts in no streak, leads no refresh, and those without wait for none of it.
func TestWrongCredentialsTakeNothing(t *testing.T) {
	inBubble(t, func(_ int, q *cache.OriginRequest) reply {
		if asks(q, "authorization") != "" {
			return slowly(reply{status: 401, body: "no"})
		}
		return slowly(page("page", "Cache-Control: max-age=5"))
	}, func(r *rig) {
		r.policy.Scope = cache.ScopePublic
		ask := func(auth bool) *cache.Request {
			q := r.request("/p")
			if auth {
				q.Authorized = true
				q.Asker.(*client).fields = lines("authorization: wrong")
			}
			return q
		}
		all := r.crowd(6, func(i int) *cache.Request {
			time.Sleep(time.Duration(i) * time.Millisecond)
			return ask(i < 3)
		})
		r.want(all[0], cache.Miss, cache.ReasonLogin, "no")
		for _, a := range all[1:3] {
			r.want(a, cache.Pass, cache.ReasonLogin, "")
		}
		r.wantServed(all[3:], "page")
		r.wantFetches(2)
		settle()
		r.want(read(r.engine.Serve(ask(true))), cache.Hit, cache.ReasonFresh, "page")
		time.Sleep(6 * sec)
		r.want(read(r.engine.Serve(ask(true))), cache.Stale, cache.ReasonGrace, "page")
		settle()
		r.wantFetches(2)
		r.want(read(r.engine.Serve(ask(false))), cache.Stale, cache.ReasonGrace, "page")
		time.Sleep(2 * sec)
		r.want(read(r.engine.Serve(ask(false))), cache.Hit, cache.ReasonFresh, "page")
		if r.policy.Streak.Reached() {
			t.Error("the streak counts it")
		}
	})
}

// TestAuthorizedShared: with permission (RFC 9111, 3.5) the answer is everybody's.
func TestAuthorizedShared(t *testing.T) {
	inBubble(t, always(page("page", "Cache-Control: public, max-age=60")), func(r *rig) {
		r.policy.Scope = cache.ScopePublic
		r.want(r.get("/p", authorized), cache.Miss, cache.ReasonAbsent, "page")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "page")
	})
}
