package cache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// echoing answers with what it was asked: the values of these fields and segment fields.
func echoing(names []string, after time.Duration, fields ...string) func(int, *cache.OriginRequest) reply {
	return func(_ int, q *cache.OriginRequest) reply {
		body := ""
		for _, name := range names {
			body += asks(q, name) + "|"
		}
		re := fresh(body, fields...)
		re.after = after
		return re
	}
}

func speaking(language string) *dims { return shopper("1", "", "").with("accept-language", language) }

// TestVaryMakesVariants: one page per value of what the origin says it varies by.
func TestVaryMakesVariants(t *testing.T) {
	inBubble(t, echoing([]string{"accept-language"}, 0, "Vary: Accept-Language, x-vtex-segment"), func(r *rig) {
		for _, language := range []string{"pt", "en", ""} {
			reason := cache.ReasonAbsent
			if language != "pt" {
				reason = cache.ReasonVariant
			}
			r.want(r.getAs(speaking(language), "/p"), cache.Miss, reason, language+"|")
			settle()
		}
		r.want(r.get("/p"), cache.Miss, cache.ReasonVariant, "|") // absent is not empty
		settle()
		for _, language := range []string{"pt", "en", ""} {
			r.want(r.getAs(speaking(language), "/p"), cache.Hit, cache.ReasonFresh, language+"|")
		}
		r.want(r.getAs(speaking("pt").with("accept", "other"), "/p"), cache.Hit, cache.ReasonFresh, "pt|")
		r.wantFetches(4)
	})
}

// TestFollowersOfOtherVariants: they joined before it was known that the page varies; they
// get their own, each variant fetched once.
func TestFollowersOfOtherVariants(t *testing.T) {
	inBubble(t, echoing([]string{"accept-language"}, sec, "Vary: Accept-Language"), func(r *rig) {
		all := r.crowd(300, func(i int) *cache.Request { return r.requestOf(speaking(fmt.Sprint("l", i%3)), "/p") })
		for i, a := range all {
			if want := fmt.Sprint("l", i%3, "|"); a.body != want || a.bodyErr != nil {
				t.Errorf("request %d: %v, want %q", i, a, want)
			}
		}
		r.wantFetches(3)
	})
}

// TestVaryChanges: the origin says something else from now on. Pages stored before are used
// as they were; new ones vary by what is new.
func TestVaryChanges(t *testing.T) {
	vary := "Vary: Accept-Language"
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		return echoing([]string{"accept-language", "user-agent"}, 0, vary)(n, q)
	}, func(r *rig) {
		pt := speaking("pt").with("user-agent", "a")
		r.want(r.getAs(pt, "/p"), cache.Miss, cache.ReasonAbsent, "pt|a|")
		settle()
		vary = "Vary: Accept-Language, User-Agent"
		en := speaking("en").with("user-agent", "a")
		r.want(r.getAs(en, "/p"), cache.Miss, cache.ReasonVariant, "en|a|")
		settle()
		r.want(r.getAs(pt, "/p"), cache.Hit, cache.ReasonFresh, "pt|a|")
		r.want(r.getAs(en, "/p"), cache.Hit, cache.ReasonFresh, "en|a|")
		r.want(r.getAs(speaking("en").with("user-agent", "b"), "/p"), cache.Miss, cache.ReasonVariant, "en|b|")
		settle()
		r.engine.PurgeAll(false)
		r.want(r.getAs(pt, "/p"), cache.Miss, cache.ReasonPurgedHard, "pt|a|")
		settle()
		r.want(r.getAs(speaking("pt").with("user-agent", "b"), "/p"), cache.Miss, cache.ReasonPurgedHard, "pt|b|")
		vary = "X-None: 1"
		time.Sleep(2 * time.Minute)
		r.engine.PurgeAll(false)
		r.getAs(pt, "/p")
		settle()
		r.want(r.getAs(en, "/p"), cache.Hit, cache.ReasonFresh, "pt|a|") // it varies by nothing now
	})
}

// TestSpecsAreBounded: an origin that varies by something else each time costs lookups,
// not memory.
func TestSpecsAreBounded(t *testing.T) {
	inBubble(t, func(n int, _ *cache.OriginRequest) reply { return fresh("page", fmt.Sprintf("Vary: X-%d", n)) }, func(r *rig) {
		for range 20 {
			r.engine.PurgeAll(false)
			r.get("/p")
			settle()
		}
		if n := r.engine.Specs(r.request("/p").Base); n != cache.MaxSpecs {
			t.Errorf("%d specifications", n)
		}
	})
}

// TestCodedAnswers imply Accept-Encoding: who does not ask for gzip gets none.
func TestCodedAnswers(t *testing.T) {
	inBubble(t, func(_ int, q *cache.OriginRequest) reply {
		if asks(q, "accept-encoding") == "gzip" {
			return fresh("coded", "Content-Encoding: gzip")
		}
		return fresh("clear")
	}, func(r *rig) {
		gzip := shopper("1", "", "").with("accept-encoding", "gzip")
		r.want(r.getAs(gzip, "/p"), cache.Miss, cache.ReasonAbsent, "coded")
		settle()
		r.want(r.get("/p"), cache.Miss, cache.ReasonVariant, "clear")
		settle()
		r.want(r.get("/p"), cache.Hit, cache.ReasonFresh, "clear")
	})
}

// TestMaxVariants: past it a page is its leader's alone; the variants that are there stay,
// and when theirs are over there is room again.
func TestMaxVariants(t *testing.T) {
	inBubble(t, echoing([]string{"accept-language"}, sec, "Vary: Accept-Language"), func(r *rig) {
		for i := range r.policy.MaxVariants {
			r.getAs(speaking(fmt.Sprint(i)), "/p")
			settle()
		}
		all := r.crowd(5, func(i int) *cache.Request {
			time.Sleep(time.Duration(i) * time.Millisecond)
			return r.requestOf(speaking("odd"), "/p", taken)
		})
		r.want(all[0], cache.Miss, cache.ReasonVariantLimit, "odd|")
		for _, a := range all[1:] {
			r.want(a, cache.Pass, cache.ReasonVariantLimit, "")
		}
		r.want(r.getAs(speaking("odd"), "/p"), cache.HitForMiss, cache.ReasonMarked, "")
		for i := range r.policy.MaxVariants {
			r.want(r.getAs(speaking(fmt.Sprint(i)), "/p"), cache.Hit, cache.ReasonFresh, fmt.Sprint(i, "|"))
		}
		// The same language in another segment is no further variant of the URL.
		other := shopper("2", "", "").with("accept-language", "0")
		r.want(r.getAs(other, "/p"), cache.Miss, cache.ReasonVariant, "0|")
		time.Sleep(2 * time.Hour)
		r.want(r.getAs(speaking("odd"), "/p"), cache.Miss, cache.ReasonVariant, "odd|")
		settle()
		r.want(r.getAs(speaking("odd"), "/p"), cache.Hit, cache.ReasonFresh, "odd|")
	})
}

// TestForgottenIndex: an index entry that was evicted costs a fetch, never a wrong page.
func TestForgottenIndex(t *testing.T) {
	inBubble(t, echoing([]string{"accept-language"}, 0, "Vary: Accept-Language"), func(r *rig) {
		r.getAs(speaking("pt"), "/p")
		settle()
		r.engine.ForgetVariants()
		r.want(r.getAs(speaking("en"), "/p"), cache.Miss, cache.ReasonAbsent, "en|")
		settle()
		r.want(r.getAs(speaking("pt"), "/p"), cache.Hit, cache.ReasonFresh, "pt|") // found again by the new record
		r.want(r.getAs(speaking("en"), "/p"), cache.Hit, cache.ReasonFresh, "en|")
	})
}

// TestFinalKey: leader, followers and later hits name the page by one key.
func TestFinalKey(t *testing.T) {
	inBubble(t, echoing(nil, sec, "Segment-Vary: channel"), func(r *rig) {
		all := r.crowd(3, func(int) *cache.Request { return r.request("/p") })
		settle()
		all = append(all, r.get("/p"))
		want := string(r.store.entries()[0].Key)
		for i, a := range all {
			if string(a.Key) != want {
				t.Errorf("request %d has key %q, want %q", i, a.Key, want)
			}
		}
	})
}
