package cache_test

import (
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/httpcc"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const sec = time.Second

// at is an instant so many seconds after the page was born.
func at(seconds int) cache.Time { return cache.Time(time.Duration(1000+seconds) * sec) }

// stored is a page of ttl 10 s, grace 5 s, keep 20 s, with a tag of its own.
func stored(change ...func(*cache.Entry)) *cache.Entry {
	e := &cache.Entry{Born: at(0), TTL: 10 * sec, Grace: 5 * sec, Keep: 20 * sec, Retain: 20 * sec}
	e.ETag = `"v1"`
	for _, c := range change {
		c(e)
	}
	return e
}

func soft(since int) cache.Verdict {
	return cache.Verdict{State: cache.SoftPurged, Since: at(since)}
}

var hard = cache.Verdict{State: cache.HardPurged}

func TestDecide(t *testing.T) {
	segment := &cache.Policy{Scope: cache.ScopeSegment}
	f := func(name string, now int, e *cache.Entry, v cache.Verdict, want cache.Decision) {
		t.Helper()
		got := cache.Decide(at(now), &cache.Request{}, e, v, segment)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, after %d s (-want +got):\n%s", name, now, diff)
		}
	}
	decision := func(o cache.Outcome, r cache.Reason, age, ttl int, conditional, onError bool) cache.Decision {
		return cache.Decision{Outcome: o, Reason: r, Age: time.Duration(age) * sec, TTL: time.Duration(ttl) * sec, Conditional: conditional, OnError: onError}
	}
	none := cache.Verdict{}
	f("nothing stored", 0, nil, none, cache.Decision{Outcome: cache.Miss, Reason: cache.ReasonAbsent})
	f("new", 0, stored(), none, decision(cache.Hit, cache.ReasonFresh, 0, 10, true, true))
	f("last second", 9, stored(), none, decision(cache.Hit, cache.ReasonFresh, 9, 1, true, true))
	f("age equals ttl", 10, stored(), none, decision(cache.Stale, cache.ReasonGrace, 10, 0, true, true))
	f("in grace", 14, stored(), none, decision(cache.Stale, cache.ReasonGrace, 14, -4, true, true))
	f("grace over", 15, stored(), none, decision(cache.Miss, cache.ReasonExpired, 15, -5, true, true))
	f("in keep", 29, stored(), none, decision(cache.Miss, cache.ReasonExpired, 29, -19, true, true))
	f("keep over", 30, stored(), none, decision(cache.Miss, cache.ReasonExpired, 30, -20, true, false))
	f("clock set back", -5, stored(), none, decision(cache.Hit, cache.ReasonFresh, 0, 15, true, true))

	f("hard purged", 0, stored(), hard, cache.Decision{Outcome: cache.Miss, Reason: cache.ReasonPurgedHard})
	f("soft purged now", 4, stored(), soft(4), decision(cache.Stale, cache.ReasonGrace, 4, 0, false, true))
	f("soft purged, grace from there", 8, stored(), soft(4), decision(cache.Stale, cache.ReasonGrace, 8, -4, false, true))
	f("soft purged, grace over", 9, stored(), soft(4), decision(cache.Miss, cache.ReasonPurgedSoft, 9, -5, false, true))
	f("soft purged, keep over", 24, stored(), soft(4), decision(cache.Miss, cache.ReasonPurgedSoft, 24, -20, false, false))
	f("soft purged when stale", 14, stored(), soft(12), decision(cache.Stale, cache.ReasonGrace, 14, -4, false, true))

	noCache := func(e *cache.Entry) { e.NoCache, e.TTL, e.Grace, e.Keep = true, 0, 0, 0 }
	f("no-cache", 0, stored(noCache), none, decision(cache.Miss, cache.ReasonRevalidate, 0, 0, true, false))
	f("no-cache, purged", 1, stored(noCache), soft(1), decision(cache.Miss, cache.ReasonRevalidate, 1, -1, false, false))
	noTag := func(e *cache.Entry) { e.ETag = "" }
	f("no validator", 10, stored(noTag), none, decision(cache.Stale, cache.ReasonGrace, 10, 0, false, true))
}

// TestDateIsNoValidatorOfSegments: real storefronts have one Last-Modified for
// all segments; only public pages are revalidated by it.
func TestDateIsNoValidatorOfSegments(t *testing.T) {
	dated := stored(func(e *cache.Entry) { e.ETag, e.LastModified = "", "Sat, 01 Jan 2000 00:00:00 GMT" })
	f := func(scope cache.Scope, want bool) {
		t.Helper()
		d := cache.Decide(at(11), &cache.Request{}, dated, cache.Verdict{}, &cache.Policy{Scope: scope})
		if d.Conditional != want {
			t.Errorf("%v: conditional %v, want %v", scope, d.Conditional, want)
		}
	}
	f(cache.ScopeSegment, false)
	f(cache.ScopePublic, true)
}

// TestDecideHeedsTheRequest covers RFC 9111, 5.2.1.
func TestDecideHeedsTheRequest(t *testing.T) {
	f := func(directives string, now int, outcome cache.Outcome, reason cache.Reason) {
		t.Helper()
		r := &cache.Request{Directives: httpcc.ParseCacheControl([]byte(directives))}
		d := cache.Decide(at(now), r, stored(), cache.Verdict{}, &cache.Policy{Scope: cache.ScopeSegment})
		if d.Outcome != outcome || d.Reason != reason {
			t.Errorf("%q after %d s: %v, %v; want %v, %v", directives, now, d.Outcome, d.Reason, outcome, reason)
		}
		if !d.Conditional || !d.OnError {
			t.Errorf("%q after %d s: the page may still be revalidated and served on error, got %+v", directives, now, d)
		}
	}
	refused := func(directives string, now int) {
		t.Helper()
		f(directives, now, cache.Miss, cache.ReasonRequestDirective)
	}
	hit := func(directives string, now int) { t.Helper(); f(directives, now, cache.Hit, cache.ReasonFresh) }
	stale := func(directives string, now int) { t.Helper(); f(directives, now, cache.Stale, cache.ReasonGrace) }

	hit("", 3)
	refused("no-cache", 3)
	refused("no-store", 3)
	hit("max-age=3", 3)
	refused("max-age=3", 4)
	hit("max-age=3, max-stale=1", 4)
	refused("max-age=3, max-stale=1", 5)
	hit("max-age=3, max-stale", 9)
	refused("max-age=0", 1)
	hit("min-fresh=6", 4)
	refused("min-fresh=7", 4)
	stale("", 12)
	stale("max-stale=2", 12)
	stale("max-stale", 14)
	refused("max-stale=1", 12)
	refused("max-age=60", 12)
	refused("min-fresh=0", 12)
	f("no-cache", 16, cache.Miss, cache.ReasonExpired) // already a miss: its own reason stays
	hit("only-if-cached", 3)
	hit("no-transform, x=y", 3)
}

// TestDecideNeverServesTooOld: whatever the times and purges, Hit means that
// the age is below the ttl, Stale that it is below ttl and grace, and no-cache
// or a hard purge mean neither.
func TestDecideNeverServesTooOld(t *testing.T) {
	span := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.IntRange(0, 30).Draw(t, "s")) * sec })
	rapid.Check(t, func(t *rapid.T) {
		e := stored(func(e *cache.Entry) {
			e.TTL, e.Grace, e.Keep = span.Draw(t, "ttl"), span.Draw(t, "grace"), span.Draw(t, "keep")
			e.NoCache = rapid.IntRange(0, 4).Draw(t, "no-cache") == 0
		})
		v := rapid.SampledFrom([]cache.Verdict{{}, soft(rapid.IntRange(0, 20).Draw(t, "since")), hard}).Draw(t, "purges")
		now := rapid.IntRange(0, 60).Draw(t, "now")
		d := cache.Decide(at(now), &cache.Request{}, e, v, &cache.Policy{Scope: cache.ScopePublic})
		age := time.Duration(now) * sec
		switch {
		case d.Outcome == cache.Hit && (age >= e.TTL || v.State != cache.NotPurged && at(now) >= v.Since):
			t.Fatalf("hit: %+v of %+v at %d", d, v, now)
		case d.Outcome == cache.Stale && age >= e.TTL+e.Grace:
			t.Fatalf("stale: %+v of %+v at %d", d, v, now)
		case d.OnError && age >= e.TTL+e.Keep:
			t.Fatalf("on error: %+v of %+v at %d", d, v, now)
		case (e.NoCache || v.State == cache.HardPurged) && d.Outcome != cache.Miss:
			t.Fatalf("used: %+v of %+v at %d", d, v, now)
		case v.State != cache.NotPurged && d.Conditional, v.State == cache.HardPurged && d.OnError:
			t.Fatalf("purged, yet confirmed or served on error: %+v at %d", d, now)
		case d.Outcome != cache.Hit && d.Outcome != cache.Stale && d.Outcome != cache.Miss:
			t.Fatalf("outcome %v", d.Outcome)
		}
	})
}
