package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
)

const limit = 64 << 10

// huge is a page far past max_object, in pieces of which none is like another.
func huge(pieces int) (reply, string) {
	re := fresh("")
	var whole strings.Builder
	for i := range pieces {
		text := strings.Repeat(fmt.Sprintf("%07d,", i), 1024)
		whole.WriteString(text)
		re.chunks = append(re.chunks, chunk{text: text})
	}
	return re, whole.String()
}

// TestOutgrown: a body of unknown length past max_object reaches all who read
// along, whole; it is not stored, nobody joins later, and the key is marked. That it
// comes faster than anybody begins to read cuts nobody off.
func TestOutgrown(t *testing.T) {
	re, whole := huge(64)
	for _, fields := range []string{"", "Vary: Accept", "Segment-Vary: channel"} {
		re := re
		re.after = sec
		if fields != "" {
			re.fields = append(lines(fields), re.fields...)
		}
		inBubble(t, always(re), func(r *rig) {
			r.policy.MaxObject = limit
			r.wantServedOrBehind(r.crowd(20, func(int) *cache.Request { return r.request("/p") }), whole)
			settle()
			if r.store.setCount() != 0 {
				t.Error("it was stored")
			}
			if r.events.count("fetched too-large 200") != 1 {
				t.Errorf("%q", r.events.events)
			}
			r.want(r.get("/p", taken), cache.HitForMiss, cache.ReasonMarked, "")
			r.wantFetches(1)
			time.Sleep(31 * sec)
			if a := r.get("/p"); a.body != whole || a.bodyErr != nil {
				t.Errorf("after the mark: %d bytes, %v", len(a.body), a.bodyErr)
			}
			r.wantFetches(2)
		})
	}
}

// wantServedOrBehind: whoever is not served whole was cut off, and somebody was served.
func (r *rig) wantServedOrBehind(all []*answer, whole string) {
	r.t.Helper()
	served := 0
	for i, a := range all {
		switch {
		case a.body == whole && a.bodyErr == nil:
			served++
		case a.bodyErr == nil || !strings.HasPrefix(whole, a.body):
			r.t.Errorf("request %d: %d bytes of %d, %v", i, len(a.body), len(whole), a.bodyErr)
		}
	}
	if served == 0 {
		r.t.Error("nobody was served")
	}
}

// TestFastOriginSlowReaders: the origin sends past the limit before the leader
// has so much as its verdict; the leader gets all of it.
func TestFastOriginSlowReaders(t *testing.T) {
	re, whole := huge(64)
	for range 20 { // the scheduler decides who is first
		inBubble(t, always(re), func(r *rig) {
			r.policy.MaxObject = limit
			res := r.engine.Serve(r.request("/p"))
			synctest.Wait()
			if a := read(res); a.body != whole || a.bodyErr != nil {
				t.Errorf("%d bytes of %d, %v", len(a.body), len(whole), a.bodyErr)
			}
		})
	}
}

// TestWindow: past the limit the fetch waits for the fastest reader, the memory
// it holds is bounded, and who falls out of the window is cut off.
func TestWindow(t *testing.T) {
	re, whole := huge(512)
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		re.chunks[0].wait = gate
		r := newRig(t, always(re))
		r.policy.MaxObject = limit
		fast, slow := r.engine.Serve(r.request("/p")), r.engine.Serve(r.request("/p"))
		if fast.Stream == nil || slow.Stream == nil || slow.Outcome != cache.Collapsed {
			t.Fatalf("%v %v", fast.Outcome, slow.Outcome)
		}
		close(gate)
		body := r.origin.bodies[0]
		synctest.Wait()
		r.want(r.get("/p", taken), cache.HitForMiss, cache.ReasonMarked, "") // nobody new joins
		got := ""
		for {
			synctest.Wait()
			if ahead := body.sent.Load() - int64(len(got)); ahead > 4*limit {
				t.Fatalf("the origin was read %d bytes ahead of the fastest reader", ahead)
			}
			if _, capacity, _ := cache.StreamHolds(fast.Stream); capacity > 4*limit {
				t.Fatalf("%d bytes are held", capacity)
			}
			b, err := fast.Stream.Next()
			if err != nil {
				break
			}
			got += string(b)
		}
		if got != whole {
			t.Errorf("the fast reader has %d bytes of %d", len(got), len(whole))
		}
		if a := read(slow); a.bodyErr == nil || !strings.Contains(a.bodyErr.Error(), "fell behind") || a.body != "" {
			t.Errorf("the slow reader: %d bytes, %v", len(a.body), a.bodyErr)
		}
		fast.Stream.Close()
	})
}

// TestNobodyReadsTheRest: a window without readers ends the fetch; it is not read to
// its end for nobody.
func TestNobodyReadsTheRest(t *testing.T) {
	re, whole := huge(512)
	inBubble(t, always(re), func(r *rig) {
		r.policy.MaxObject = limit
		res := r.engine.Serve(r.request("/p"))
		if _, err := res.Stream.Next(); err != nil {
			t.Fatal(err)
		}
		res.Stream.Close()
		synctest.Wait()
		if sent := r.origin.bodies[0].sent.Load(); sent > 4*limit || sent == int64(len(whole)) {
			t.Errorf("%d bytes were read", sent)
		}
		if r.engine.Flights() != 0 || r.origin.bodies[0].closed.Load() != 1 {
			t.Error("the fetch goes on")
		}
		if r.events.count("fetched too-large 200") != 1 {
			t.Errorf("%q", r.events.events)
		}
	})
}

// TestWaiterWhoLeavesIsNoReader: a window does not wait for one whose deadline
// passed before it had its answer.
func TestWaiterWhoLeavesIsNoReader(t *testing.T) {
	re, _ := huge(512)
	re.after = 2 * sec
	inBubble(t, always(re), func(r *rig) {
		r.policy.MaxObject = limit
		for _, a := range r.crowd(3, func(int) *cache.Request { return r.request("/p", within(sec)) }) {
			r.want(a, cache.Failed, cache.ReasonWaitedTooLong, "")
		}
		time.Sleep(2 * sec)
		synctest.Wait()
		if r.origin.bodies[0].closed.Load() != 1 {
			t.Error("the fetch waits for readers that are gone")
		}
	})
}

// TestKnownTooLarge: a page that says that it is too large is its leader's alone; all
// others go on their own, and the key is marked. Its cookies are the leader's too.
func TestKnownTooLarge(t *testing.T) {
	re := slowly(fresh(strings.Repeat("x", limit+1), "Set-Cookie: a=b"))
	re.known = true
	inBubble(t, always(re), func(r *rig) {
		r.policy.MaxObject, r.policy.SetCookie = limit, cache.SetCookieStrip
		handed := 0
		for _, a := range r.crowd(10, func(int) *cache.Request { return r.request("/p", taken, cookieless) }) {
			switch {
			case a.Handover != nil:
				handed++
				if len(a.body) != limit+1 || a.Reason != cache.ReasonTooLarge || len(a.SetCookies) != 1 {
					t.Errorf("leader: %d bytes, %v, %q", len(a.body), a.Reason, a.SetCookies)
				}
				for _, f := range a.Handover.Fields {
					if f.Name == "Set-Cookie" {
						t.Error("the cookie is left in the answer")
					}
				}
			default:
				r.want(a, cache.Pass, cache.ReasonTooLarge, "")
			}
		}
		if handed != 1 {
			t.Errorf("%d handed over", handed)
		}
		r.want(r.get("/p"), cache.HitForMiss, cache.ReasonMarked, "")
		r.wantFetches(1)
	})
}

// TestExactlyTheLimit: max_object itself is not too large, known or not.
func TestExactlyTheLimit(t *testing.T) {
	for _, known := range []bool{true, false} {
		re := fresh(strings.Repeat("x", limit))
		re.known = known
		inBubble(t, always(re), func(r *rig) {
			r.policy.MaxObject = limit
			r.want(r.get("/p"), cache.Miss, cache.ReasonAbsent, re.body)
			settle()
			r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, re.body)
			if e := r.store.entries()[0]; known && cap(e.Body) != limit {
				t.Errorf("%d bytes held for %d announced", cap(e.Body), limit)
			}
		})
	}
}

// TestLargeServerError: an error page past the limit reaches who waits for it.
func TestLargeServerError(t *testing.T) {
	re, whole := huge(64)
	re.status, re.fields = 500, nil
	inBubble(t, always(re), func(r *rig) {
		r.policy.MaxObject = limit
		if a := r.get("/p"); a.body != whole || a.bodyErr != nil || a.Reason != cache.ReasonServerError {
			t.Errorf("%d bytes of %d, %v %v", len(a.body), len(whole), a.Reason, a.bodyErr)
		}
	})
}
