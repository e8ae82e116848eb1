package cache_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
)

// slowly makes a reply come after a second, so that a crowd waits for it.
func slowly(re reply) reply {
	re.after = sec
	return re
}

// TestNextTries: after a transient failure the next of those who waited tries,
// and the others wait for that one.
func TestNextTries(t *testing.T) {
	inBubble(t, inTurn(slowly(reply{err: errDown}), slowly(fresh("page"))), func(r *rig) {
		failed, served := 0, 0
		for _, a := range r.crowd(100, func(int) *cache.Request { return r.request("/p") }) {
			switch {
			case a.body == "page" && a.bodyErr == nil:
				served++
			case a.Outcome == cache.Failed && a.Reason == cache.ReasonConnect && errors.Is(a.Err, io.ErrClosedPipe) && a.Err.Server == "s1":
				failed++
			default:
				t.Errorf("%v (%v)", a, a.Err)
			}
		}
		if failed != 1 || served != 99 {
			t.Errorf("%d failed, %d served", failed, served)
		}
		r.wantFetches(2)
	})
}

// TestTriesAreBounded: a dead origin is not asked by each of those who wait.
func TestTriesAreBounded(t *testing.T) {
	inBubble(t, always(slowly(reply{err: errDown})), func(r *rig) {
		for _, a := range r.crowd(100, func(int) *cache.Request { return r.request("/p") }) {
			r.want(a, cache.Failed, cache.ReasonConnect, "")
		}
		r.wantFetches(2)
	})
}

// TestAnyError: an error that is no OriginError becomes one.
func TestAnyError(t *testing.T) {
	inBubble(t, always(reply{err: io.ErrNoProgress}), func(r *rig) {
		a := r.get("/p")
		r.want(a, cache.Failed, cache.ReasonConnect, "")
		if !errors.Is(a.Err, io.ErrNoProgress) || a.Err.Error() != "origin: connect: "+io.ErrNoProgress.Error() {
			t.Errorf("%v", a.Err)
		}
		if want := "origin s1: connect: " + io.ErrClosedPipe.Error(); errDown.Error() != want {
			t.Errorf("%q, want %q", errDown.Error(), want)
		}
	})
}

// TestPanicsWedgeNobody: wherever a fetch panics, those who wait are answered, the
// body is closed and the table is left (see newRig), and the next request is served.
func TestPanicsWedgeNobody(t *testing.T) {
	boom := fresh("first ")
	boom.chunks = []chunk{{boom: "in Read"}}
	verify := func(cache.Dimensions, bool, []string, *cache.Head, []byte) cache.Reason { panic("in Verify") }
	for name, c := range map[string]struct {
		reply  reply
		change func(r *rig)
	}{
		"in Fetch":  {reply{panics: "in Fetch"}, func(*rig) {}},
		"in Read":   {boom, func(*rig) {}},
		"in Verify": {fresh("page"), func(r *rig) { r.policy.Verify = verify }},
		"in ParseSegmentVary": {fresh("page", "Segment-Vary: a"), func(r *rig) {
			r.policy.ParseSegmentVary = func([]string) ([]string, bool) { panic("in ParseSegmentVary") }
		}},
		"in Set": {fresh("page"), func(r *rig) { r.store.refuse = func(*cache.Entry) bool { panic("in Set") } }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(n int, q *cache.OriginRequest) reply {
				if q.Target == "/sound" {
					return fresh("sound")
				}
				return slowly(c.reply)
			}, func(r *rig) { r.panicking(name, c.change) })
		})
	}
}

func (r *rig) panicking(name string, change func(r *rig)) {
	whole := name == "in Set" // there the page is whole before
	sound := *r
	policy := enginePolicy()
	change(r)
	sound.policy = policy
	for _, a := range r.crowd(20, func(int) *cache.Request { return r.request("/p") }) {
		switch {
		case whole && a.body == "page" && a.bodyErr == nil:
		case !whole && a.Err != nil && a.Err.Reason == cache.ReasonPanic:
		case name == "in Read" && a.body == "first " && a.bodyErr != nil:
		default:
			r.t.Errorf("%v, %v, %v", a, a.Err, a.bodyErr)
		}
	}
	synctest.Wait() // a page lands behind those who have read it
	if r.events.count("panicked "+name+" true") == 0 {
		r.t.Errorf("not told: %q", r.events.events)
	}
	if !whole {
		sound.want(sound.get("/sound"), cache.Miss, cache.ReasonAbsent, "sound")
	}
}

// TestPanicAfterTheLastByte takes nothing from who reads at leisure.
func TestPanicAfterTheLastByte(t *testing.T) {
	inBubble(t, always(fresh("page")), func(r *rig) {
		r.store.refuse = func(*cache.Entry) bool { panic("in Set") }
		gate := make(chan struct{})
		r.origin.script = always(reply{fields: lines("Cache-Control: max-age=60"), chunks: []chunk{{wait: gate, text: "page"}}})
		res := r.engine.Serve(r.request("/p"))
		close(gate)
		synctest.Wait()
		if r.events.count("panicked in Set true") != 1 {
			t.Errorf("%q", r.events.events)
		}
		if a := read(res); a.body != "page" || a.bodyErr != nil {
			t.Errorf("%v, %v", a, a.bodyErr)
		}
	})
}

// TestPanicOfTheAsker: a panic on the request's own goroutine, which its server
// recovers, leaves no lock held: the next request of the same shard is served.
func TestPanicOfTheAsker(t *testing.T) {
	inBubble(t, always(fresh("page")), func(r *rig) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			q := r.request("/p")
			q.Asker = panicking{}
			r.engine.Serve(q)
		}()
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "page")
	})
}

type panicking struct{}

func (panicking) Ask() *cache.Ask { panic("in Ask") }

// TestHangingOrigin: whoever has a deadline leaves at it; Close frees the rest.
func TestHangingOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, always(reply{hangs: true}))
		time.AfterFunc(time.Minute, r.engine.Close)
		began := time.Now()
		all := r.crowd(20, func(i int) *cache.Request {
			if i%2 == 0 {
				return r.request("/p", within(sec))
			}
			return r.request("/p")
		})
		for i, a := range all {
			want := cache.ReasonWaitedTooLong
			if i%2 == 1 {
				want = cache.ReasonTimeout
			}
			if a.Outcome != cache.Failed || a.Reason != want && a.Reason != cache.ReasonShuttingDown {
				t.Errorf("request %d: %v", i, a)
			}
		}
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("%v", waited)
		}
	})
}

// TestServerError: a 5xx is passed to all who waited, without its cookies, and is
// neither stored nor joined by those who come later.
func TestServerError(t *testing.T) {
	down := slowly(failing(503, "down"))
	down.fields = lines("Set-Cookie: a=b", "Retry-After: 3", "Cache-Control: max-age=60", `ETag: "e"`)
	inBubble(t, inTurn(down, fresh("page")), func(r *rig) {
		for i, a := range r.crowd(50, func(int) *cache.Request { return r.request("/p", cookieless, taken) }) {
			if a.body != "down" || a.Reason != cache.ReasonServerError || a.FwdStatus != 503 || a.Stream == nil || a.Stream.Head.Status != 503 || a.Stored {
				t.Errorf("request %d: %v, status %d", i, a, a.FwdStatus)
			}
			for _, f := range a.Stream.Head.Header.Fields() {
				if f.Name == "Set-Cookie" {
					t.Error("a cookie")
				}
			}
			if a.SetCookies != nil {
				t.Errorf("cookies %q", a.SetCookies)
			}
		}
		r.wantFetches(1)
		settle()
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "page")
	})
}

// TestServerErrorByStatusTTL: a site may have errors stored for a while; one never
// takes the place of a page, nor is it served stale.
func TestServerErrorByStatusTTL(t *testing.T) {
	tagged := failing(503, "down")
	tagged.fields = lines(`ETag: "e"`) // so that it is retained when it is over
	inBubble(t, inTurn(tagged, failing(503, "still down"), page("page", "Cache-Control: max-age=1"), failing(503, "again")), func(r *rig) {
		r.policy.StatusTTL = map[int]time.Duration{503: 5 * sec}
		r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, "down")
		time.Sleep(sec)
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "down")
		time.Sleep(5 * sec)
		r.get("/p") // "down" is over, and no page to fall back on
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "still down")
		time.Sleep(6 * sec)
		r.get("/p")
		settle()
		time.Sleep(2 * sec)
		r.want(r.get("/p"), cache.Stale, cache.ReasonGrace, "page")
		settle()
		r.want(r.get("/p"), cache.Stale, cache.ReasonGrace, "page")
	})
}

// TestMalformedAnswers: a 304 that nobody asked for, a 206 and an interim status
// are failures, for a flight and for a HEAD, and their bodies are closed.
func TestMalformedAnswers(t *testing.T) {
	for _, status := range []int{304, 206, 103} {
		inBubble(t, always(reply{status: status, fields: lines("Cache-Control: max-age=60")}), func(r *rig) {
			r.want(r.get("/p"), cache.Failed, cache.ReasonMalformed, "")
			r.want(r.get("/p", head), cache.Failed, cache.ReasonMalformed, "")
		})
	}
}
