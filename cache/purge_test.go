package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
)

// purges are the ways to name /p, whose pages are tagged "shoes".
func purges() map[string]func(e *cache.Engine, soft bool) {
	return map[string]func(e *cache.Engine, soft bool){
		"url":                   func(e *cache.Engine, soft bool) { e.Purge(soft, cache.URLLabel(host, "/p")) },
		"url of every host":     func(e *cache.Engine, soft bool) { e.Purge(soft, cache.URLLabel("", "/p")) },
		"tag":                   func(e *cache.Engine, soft bool) { e.Purge(soft, cache.TagLabel("shoes")) },
		"tag among others":      func(e *cache.Engine, soft bool) { e.Purge(soft, cache.TagLabel("hats"), cache.TagLabel("shoes")) },
		"all":                   func(e *cache.Engine, soft bool) { e.PurgeAll(soft) },
		"past the records' cap": func(e *cache.Engine, soft bool) { flood(e, soft) },
	}
}

// flood purges more other labels than are remembered: the floor rises past /p.
func flood(e *cache.Engine, soft bool) {
	e.Purge(soft, "one more")
	for i := range 100 {
		e.Purge(soft, fmt.Sprint(i))
	}
}

// counted answers with the number of the fetch; the pages are fresh for long and
// have validator, tags, grace and keep.
func counted(after time.Duration) func(int, *cache.OriginRequest) reply {
	return func(n int, q *cache.OriginRequest) reply {
		re := fresh(fmt.Sprint(n), "Surrogate-Key: shoes all-shoes", fmt.Sprintf("ETag: %q", fmt.Sprint(n)))
		re.after = after
		if asks(q, "If-None-Match") != "" {
			re.status = 304
		}
		return re
	}
}

// TestHardPurge: the page is dead at once: not a hit, not stale, not confirmed, not
// served when the origin fails.
func TestHardPurge(t *testing.T) {
	for name, purge := range purges() {
		t.Run(name, func(t *testing.T) {
			fails := false
			inBubble(t, func(n int, q *cache.OriginRequest) reply {
				if fails {
					return reply{err: errDown}
				}
				return counted(0)(n, q)
			}, func(r *rig) {
				r.get("/p")
				settle()
				fails = true
				purge(r.engine, false)
				r.want(r.get("/p"), cache.Failed, cache.ReasonConnect, "")
				fails = false
				r.want(r.get("/p"), cache.Miss, cache.ReasonPurgedHard, "2")
				settle()
				r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "2")
				for i := range 3 {
					if got := asks(r.origin.request(i), "If-None-Match"); got != "" {
						t.Errorf("fetch %d was conditional", i)
					}
				}
			})
		})
	}
}

// TestSoftPurge: the page is stale at once: served within grace while it is refetched
// without condition, and after it only when the origin fails.
func TestSoftPurge(t *testing.T) {
	for name, purge := range purges() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, counted(0), func(r *rig) {
				r.get("/p")
				settle()
				purge(r.engine, true)
				r.want(r.get("/p"), cache.Stale, cache.ReasonGrace, "0")
				settle()
				r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
				purge(r.engine, true)
				time.Sleep(11 * sec)
				r.want(r.get("/p"), cache.Miss, cache.ReasonPurgedSoft, "2")
				settle()
				purge(r.engine, true)
				time.Sleep(11 * sec)
				r.origin.script = always(reply{err: errDown})
				r.want(r.get("/p"), cache.Stale, cache.ReasonStaleOnError, "2")
				for i := range r.origin.fetches() {
					if got := asks(r.origin.request(i), "If-None-Match"); got != "" {
						t.Errorf("fetch %d was conditional", i)
					}
				}
			})
		})
	}
}

// TestUnsafeRequest: what a POST to a URL does to it (RFC 9111, 4.4), and to no other.
func TestUnsafeRequest(t *testing.T) {
	inBubble(t, counted(0), func(r *rig) {
		r.get("/p")
		r.get("/q")
		settle()
		r.engine.Invalidate(cache.URLLabel(host, "/p"))
		r.want(r.get("/p"), cache.Miss, cache.ReasonPurgedHard, "2")
		r.want(r.get("/q"), cache.Hit, cache.ReasonFresh, "1")
	})
}

// TestPurgeNamesOthers: a purge of something else leaves the page.
func TestPurgeNamesOthers(t *testing.T) {
	inBubble(t, counted(0), func(r *rig) {
		r.get("/p")
		settle()
		r.engine.Purge(false, cache.URLLabel(host, "/q"), cache.URLLabel("other", "/p"), cache.TagLabel("shoe"), cache.TagLabel("SHOES"))
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "0")
	})
}

// TestPurgeOfLandingPages: the page is whole and not in the store yet.
func TestPurgeOfLandingPages(t *testing.T) {
	for name, purge := range purges() {
		for _, soft := range []bool{true, false} {
			inBubble(t, counted(0), func(r *rig) {
				r.store.delay = 500 * time.Millisecond
				r.get("/p")
				synctest.Wait()
				purge(r.engine, soft)
				a := r.get("/p")
				if a.body != "1" {
					t.Errorf("%s, soft %v: %v", name, soft, a)
				}
				time.Sleep(2 * sec)
				r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
			})
		}
	}
}

// TestPurgeInFlight: the page that a fetch from before the purge brings goes to those who
// came before, and to nobody after, whether they came during the fetch or later.
func TestPurgeInFlight(t *testing.T) {
	for name, purge := range purges() {
		for _, soft := range []bool{true, false} {
			t.Run(fmt.Sprint(name, soft), func(t *testing.T) {
				inBubble(t, counted(2*sec), func(r *rig) {
					began := time.Now()
					time.AfterFunc(sec, func() { purge(r.engine, soft) })
					all := r.crowd(20, func(i int) *cache.Request {
						if i >= 10 {
							time.Sleep(1500 * time.Millisecond)
						}
						return r.request("/p")
					})
					r.wantServed(all[:10], "0")
					// What is known to be purged is not waited for; the tags of a page are known only when it comes.
					if waited := time.Since(began); waited != 3500*time.Millisecond && !strings.HasPrefix(name, "tag") {
						t.Errorf("all were answered after %v", waited)
					}
					for _, a := range all[10:] {
						if a.body == "0" || a.Err != nil || a.PassOn {
							t.Errorf("after the purge: %v", a)
						}
					}
					time.Sleep(3 * sec)
					if a := r.get("/p"); a.body == "0" || a.Outcome != cache.Hit {
						t.Errorf("later: %v", a)
					}
					if n := r.origin.fetches(); n > 3 {
						t.Errorf("%d fetches", n)
					}
				})
			})
		}
	}
}

// TestPurgeWhileStreaming: the head is out, the body still comes, and the purge falls between.
func TestPurgeWhileStreaming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		first := fresh("old ", "xkey: shoes")
		first.chunks = []chunk{{wait: gate, text: "page"}}
		r := newRig(t, inTurn(first, fresh("new", "xkey: shoes")))
		leader := r.engine.Serve(r.request("/p"))
		r.engine.Purge(false, cache.TagLabel("shoes"))
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "new")
		close(gate)
		if a := read(leader); a.body != "old page" {
			t.Errorf("%v", a)
		}
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "new")
		if r.events.count("fetched purged-in-flight 200") != 1 {
			t.Errorf("%q", r.events.events)
		}
		for _, e := range r.store.sets {
			if strings.HasPrefix(string(e.Body), "old") {
				t.Error("the purged page was stored")
			}
		}
	})
}

// TestPurgedInFlightIsNotStored, nor landed, also where nobody asks again.
func TestPurgedInFlightIsNotStored(t *testing.T) {
	inBubble(t, counted(2*sec), func(r *rig) {
		time.AfterFunc(sec, func() { r.engine.Purge(false, cache.TagLabel("shoes")) })
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "0")
		settle()
		if r.store.setCount() != 0 || r.events.count("landed true")+r.events.count("landed false") != 0 {
			t.Errorf("%d sets, %q", r.store.setCount(), r.events.events)
		}
	})
}

// TestPurgeWhileRevalidating: the old body is not confirmed any more when the purge named
// it, also by a tag that the 304 takes away.
func TestPurgeWhileRevalidating(t *testing.T) {
	for name, purge := range purges() {
		t.Run(name, func(t *testing.T) {
			confirm := slowly(reply{status: 304, fields: lines("Surrogate-Key: boots")})
			inBubble(t, inTurn(brief("old", `ETag: "v"`, "Surrogate-Key: shoes"), confirm, slowly(fresh("new"))), func(r *rig) {
				r.get("/p")
				settle()
				time.Sleep(20 * sec)
				time.AfterFunc(sec/2, func() { purge(r.engine, false) })
				r.want(r.get("/p"), cache.Miss, cache.ReasonExpired, "new")
				settle()
				if a := r.get("/p"); a.body != "new" {
					t.Errorf("%v", a)
				}
			})
		})
	}
}

// TestPurgeWhileWaiting: a page that was good for staleness on error when the request came
// was purged for good before the origin failed.
func TestPurgeWhileWaiting(t *testing.T) {
	inBubble(t, inTurn(brief("old"), reply{after: 2 * sec, err: errDown}), func(r *rig) {
		r.get("/p")
		settle()
		time.Sleep(20 * sec)
		time.AfterFunc(sec, func() { r.engine.PurgeAll(false) })
		r.want(r.get("/p"), cache.Failed, cache.ReasonConnect, "")
	})
}

// TestSoftPurgeInFlight: a page that was purged softly while it was fetched is kept as one that was purged after it.
func TestSoftPurgeInFlight(t *testing.T) {
	inBubble(t, counted(2*sec), func(r *rig) {
		time.AfterFunc(sec, func() { r.engine.PurgeAll(true) })
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "0")
		settle()
		r.want(r.get("/p"), cache.Stale, cache.ReasonGrace, "0")
		time.Sleep(3 * sec)
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
	})
}

// TestSoftPurgeOutdone: what comes late from before a soft purge does not take the place of what was fetched after it.
func TestSoftPurgeOutdone(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		if n == 0 {
			return counted(3*sec)(n, q)
		}
		return counted(0)(n, q)
	}, func(r *rig) {
		late := make(chan struct{})
		go func() {
			defer close(late)
			r.get("/p")
		}()
		time.Sleep(sec)
		r.engine.PurgeAll(true)
		r.get("/p")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
		<-late
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
	})
}

// TestSoftPurgeOutdoneOnLanding: nor of what was fetched after it and is on its way into the store.
func TestSoftPurgeOutdoneOnLanding(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		if n == 0 {
			return counted(1200*time.Millisecond)(n, q)
		}
		return counted(0)(n, q)
	}, func(r *rig) {
		r.store.delay = 500 * time.Millisecond
		late := make(chan struct{})
		go func() {
			defer close(late)
			r.get("/p")
		}()
		time.Sleep(sec)
		r.engine.PurgeAll(true)
		r.get("/p")
		<-late
		r.want(r.get("/p"), cache.Hit, cache.ReasonLanding, "1")
		time.Sleep(sec)
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "1")
	})
}

// TestPurgeByURLTakesAllSegmentsAndVariants of that URL.
func TestPurgeByURLTakesAllSegmentsAndVariants(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		return fresh(fmt.Sprint(n), "Vary: Accept-Language")
	}, func(r *rig) {
		shoppers := []*dims{shopper("1", "", ""), shopper("2", "", ""), shopper("1", "", "").with("accept-language", "pt")}
		for i, d := range shoppers {
			r.getAs(d, "/p")
			settle()
			if a := r.getAs(d, "/p"); a.body != fmt.Sprint(i) || a.Outcome != cache.Hit {
				t.Errorf("before: %v", a)
			}
		}
		r.engine.Purge(false, cache.URLLabel(host, "/p"))
		for i, d := range shoppers {
			r.want(r.getAs(d, "/p"), cache.Miss, cache.ReasonPurgedHard, fmt.Sprint(3+i))
		}
	})
}
