package cache_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aislecache/aisle/cache"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// verified is what a Verify was called with.
type verified struct {
	calls    int
	channel  string
	narrowed bool
	fields   []string
	status   int
	body     string
}

// verify records its call and gives reason.
func (v *verified) verify(reason cache.Reason) func(cache.Dimensions, bool, []string, *cache.Head, []byte) cache.Reason {
	return func(d cache.Dimensions, narrowed bool, fields []string, head *cache.Head, body []byte) cache.Reason {
		v.calls++
		v.channel, v.narrowed, v.fields, v.status, v.body = d.(*dims).segment[0].Value, narrowed, fields, head.Status, string(body)
		return reason
	}
}

// TestVerifyHoldsBack: nobody gets a byte before the whole body was looked at; then all do.
func TestVerifyHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		re := fresh("first ", "Segment-Vary: regionId, channel")
		re.chunks = []chunk{{wait: gate, text: "last"}}
		r := newRig(t, always(re))
		var v verified
		r.policy.Verify = v.verify(cache.ReasonStored)
		answered := false
		done := make(chan []*answer)
		go func() {
			all := r.crowd(10, func(int) *cache.Request { return r.request("/p") })
			answered = true
			done <- all
		}()
		synctest.Wait()
		if answered {
			t.Error("answered before the body was whole")
		}
		close(gate)
		r.wantServed(<-done, "first last")
		want := verified{1, "1", true, []string{"channel", "regionId"}, 200, "first last"}
		if diff := cmp.Diff(want, v, cmp.AllowUnexported(verified{})); diff != "" {
			t.Errorf("Verify (-want +got):\n%s", diff)
		}
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "first last")
	})
}

// TestVerifyRefuses: on a mismatch all go as a pass, the leader too, whatever was taken from
// it; nothing is stored, the key is marked.
func TestVerifyRefuses(t *testing.T) {
	for _, change := range []func(*cache.Request){taken, cookieless} {
		inBubble(t, always(slowly(fresh("page of another"))), func(r *rig) {
			var v verified
			r.policy.Verify = v.verify(cache.ReasonEcho)
			for _, a := range r.crowd(10, func(int) *cache.Request { return r.request("/p", change) }) {
				r.want(a, cache.Pass, cache.ReasonEcho, "")
			}
			settle()
			if r.store.setCount() != 0 {
				t.Error("it was stored")
			}
			r.want(r.get("/p", change), cache.HitForMiss, cache.ReasonMarked, "")
			r.wantFetches(1)
			if v.calls != 1 || r.events.count("fetched echo-mismatch 200") != 1 {
				t.Errorf("%d calls, %q", v.calls, r.events.events)
			}
		})
	}
}

// TestVerifyTooLarge: a page that is not looked at is for nobody from whom something was
// taken, whether its length was announced or not.
func TestVerifyTooLarge(t *testing.T) {
	for _, known := range []bool{true, false} {
		re := slowly(fresh(strings.Repeat("x", limit+1)))
		re.known = known
		inBubble(t, always(re), func(r *rig) {
			var v verified
			r.policy.Verify, r.policy.MaxObject = v.verify(cache.ReasonStored), limit
			for _, a := range r.crowd(5, func(int) *cache.Request { return r.request("/p", taken) }) {
				r.want(a, cache.Pass, cache.ReasonTooLarge, "")
			}
			if v.calls != 0 || r.store.setCount() != 0 {
				t.Errorf("%d calls, %d sets", v.calls, r.store.setCount())
			}
		})
	}
}

// TestVerifyTruncated: a body that ends early is a failure, and the next tries.
func TestVerifyTruncated(t *testing.T) {
	cut := slowly(fresh("half"))
	cut.chunks = []chunk{{err: io.ErrUnexpectedEOF}}
	inBubble(t, inTurn(cut, slowly(fresh("page"))), func(r *rig) {
		var v verified
		r.policy.Verify = v.verify(cache.ReasonStored)
		failed := 0
		for _, a := range r.crowd(5, func(int) *cache.Request { return r.request("/p") }) {
			if a.Err != nil && a.Err.Reason == cache.ReasonTruncated {
				failed++
			} else if a.body != "page" || a.bodyErr != nil {
				t.Errorf("%v", a)
			}
		}
		if failed != 1 || v.calls != 1 {
			t.Errorf("%d failed, %d verified", failed, v.calls)
		}
	})
}

// TestVerifyAtEachPage of the variants that followers fetch for themselves.
func TestVerifyAtEachPage(t *testing.T) {
	inBubble(t, echoing([]string{"segment-channel"}, sec, "Segment-Vary: channel"), func(r *rig) {
		r.policy.Verify = func(d cache.Dimensions, _ bool, fields []string, _ *cache.Head, body []byte) cache.Reason {
			if !cmp.Equal([]string{"channel"}, fields, cmpopts.EquateEmpty()) || string(body) != d.(*dims).segment[0].Value+"|" {
				return cache.ReasonEcho
			}
			return cache.ReasonStored
		}
		for i, a := range r.crowd(30, func(i int) *cache.Request { return r.requestOf(shopper(string(rune('0'+i%3)), "", ""), "/p") }) {
			if want := string(rune('0'+i%3)) + "|"; a.body != want {
				t.Errorf("request %d: %v", i, a)
			}
		}
		r.wantFetches(3)
	})
}
