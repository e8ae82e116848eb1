package cache_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

func dateField(name string, t time.Time) string { return name + ": " + t.Format(http.TimeFormat) }

func span(d time.Duration) cache.Span { return cache.Span{Set: true, D: d} }

// times checks an admitted answer's ttl, grace and keep.
func times(t *testing.T, p *cache.Policy, x *cache.Exchange, ttl, grace, keep time.Duration) {
	t.Helper()
	m, reason := cache.Admit(x, p)
	if reason != cache.ReasonStored {
		t.Errorf("%v: not stored: %v", x.Response.Fields, reason)
		return
	}
	if m.TTL != ttl || m.Grace != grace || m.Keep != keep {
		t.Errorf("%v: ttl %v grace %v keep %v, want %v %v %v", x.Response.Fields, m.TTL, m.Grace, m.Keep, ttl, grace, keep)
	}
	if m.Retain < max(m.Grace, m.Keep) {
		t.Errorf("%v: retained %v, less than grace or keep", x.Response.Fields, m.Retain)
	}
}

// TestLifetime: s-maxage over max-age over Expires; the origin over the route,
// unless the route overrides; status_ttl over ttl.
func TestLifetime(t *testing.T) {
	day := 24 * time.Hour
	ttl := func(p *cache.Policy, want time.Duration, status int, fields ...string) {
		t.Helper()
		strict := false
		for _, f := range fields {
			strict = strict || f == "Cache-Control: s-maxage=20, max-age=60"
		}
		keep := day
		if strict {
			keep = 0
		}
		times(t, p, exchange(status, fields...), want, 0, keep)
	}
	ttl(segmentPolicy(), 60*sec, 200, "Cache-Control: max-age=60")
	ttl(segmentPolicy(), 20*sec, 200, "Cache-Control: s-maxage=20, max-age=60")
	ttl(segmentPolicy(), 60*sec, 200, "Cache-Control: max-age=60", dateField("Expires", received.Add(time.Hour)))
	ttl(segmentPolicy(), time.Hour, 200, dateField("Expires", received.Add(time.Hour)), dateField("Date", received))
	ttl(segmentPolicy(), time.Hour, 200, dateField("Expires", received.Add(time.Hour)))
	ttl(segmentPolicy(), 0, 200, "Expires: 0")
	ttl(segmentPolicy(), 30*sec, 200, "Cache-Control: max-age=60, max-age=30")

	own := segmentPolicy()
	own.TTL, own.StatusTTL = span(5*sec), map[int]time.Duration{404: 7 * sec, 302: 8 * sec}
	ttl(own, 5*sec, 200)
	ttl(own, 7*sec, 404)
	ttl(own, 8*sec, 302)
	ttl(own, 60*sec, 200, "Cache-Control: max-age=60")
	ttl(own, 60*sec, 404, "Cache-Control: max-age=60")
	own.Override = true
	ttl(own, 5*sec, 200, "Cache-Control: max-age=60")
	ttl(own, 5*sec, 200, "Cache-Control: max-age=0")
	ttl(own, 7*sec, 404, "Cache-Control: max-age=60")
	ttl(own, 60*sec, 307, "Cache-Control: max-age=60") // the route has no ttl for it
}

// TestTargetedFields covers RFC 9213: the first valid one wins over
// Cache-Control and Expires, in the policy's order.
func TestTargetedFields(t *testing.T) {
	f := func(want time.Duration, fields ...string) {
		t.Helper()
		if m, reason := cache.Admit(exchange(200, fields...), segmentPolicy()); reason != cache.ReasonStored || m.TTL != want {
			t.Errorf("%q: %v, ttl %v, want %v", fields, reason, m.TTL, want)
		}
	}
	f(9*sec, "Cache-Control: max-age=60", "CDN-Cache-Control: max-age=9")
	f(5*sec, "CDN-Cache-Control: max-age=9", "Aisle-CDN-Cache-Control: max-age=5")
	f(60*sec, "Cache-Control: max-age=60", "CDN-Cache-Control: max-age=")
	f(9*sec, "Cache-Control: no-store, private", "CDN-Cache-Control: max-age=9")
	if got := reasonOf(exchange(200, "Cache-Control: max-age=60", "CDN-Cache-Control: no-store"), segmentPolicy()); got != cache.ReasonNoStore {
		t.Errorf("targeted no-store: %v", got)
	}
	if got := reasonOf(exchange(200, "Cache-Control: max-age=60", "CDN-Cache-Control: private"), segmentPolicy()); got != cache.ReasonPrivate {
		t.Errorf("targeted private: %v", got)
	}
	p := segmentPolicy()
	p.Targeted = nil
	if m, _ := cache.Admit(exchange(200, "Cache-Control: max-age=60", "CDN-Cache-Control: max-age=9"), p); m.TTL != 60*sec {
		t.Errorf("a field that is not listed counts: %v", m.TTL)
	}
}

// TestStaleTimes covers RFC 5861 and who forbids stale (RFC 9111, 4.2.4).
func TestStaleTimes(t *testing.T) {
	site := segmentPolicy()
	site.SiteGrace, site.SiteKeep = 3*sec, 4*sec
	route := segmentPolicy()
	route.Grace, route.Keep = span(30*sec), span(40*sec)
	over := segmentPolicy()
	over.TTL, over.Grace, over.Keep, over.Override = span(10*sec), span(30*sec), span(40*sec), true
	f := func(p *cache.Policy, control string, ttl, grace, keep time.Duration) {
		t.Helper()
		times(t, p, exchange(200, "Cache-Control: "+control), ttl, grace, keep)
	}
	f(site, "max-age=60", 60*sec, 3*sec, 4*sec)
	f(route, "max-age=60", 60*sec, 30*sec, 40*sec)
	f(route, "max-age=60, stale-while-revalidate=5, stale-if-error=6", 60*sec, 5*sec, 6*sec)
	f(route, "max-age=60, stale-while-revalidate=0", 60*sec, 0, 40*sec)
	f(route, "s-maxage=60", 60*sec, 0, 0)
	f(route, "s-maxage=60, stale-while-revalidate=5", 60*sec, 5*sec, 0)
	f(route, "s-maxage=60, stale-if-error=6", 60*sec, 0, 6*sec)
	f(route, "max-age=60, must-revalidate", 60*sec, 0, 0)
	f(route, "max-age=60, proxy-revalidate", 60*sec, 0, 0)
	f(route, "max-age=60, must-revalidate, stale-while-revalidate=5, stale-if-error=6", 60*sec, 0, 0)
	f(over, "max-age=60, must-revalidate", 10*sec, 30*sec, 40*sec)
	f(over, "s-maxage=60, stale-while-revalidate=5", 10*sec, 30*sec, 40*sec)
	// Override is of what the route itself gives, not of the whole answer.
	over.Grace = cache.Span{}
	f(over, "max-age=60, must-revalidate, stale-while-revalidate=5", 10*sec, 0, 40*sec)
}

func TestNoCache(t *testing.T) {
	f := func(p *cache.Policy, status int, noCache bool, ttl, keep, retain time.Duration, fields ...string) {
		t.Helper()
		m, reason := cache.Admit(exchange(status, fields...), p)
		if reason != cache.ReasonStored || m.NoCache != noCache || m.TTL != ttl || m.Keep != keep || m.Retain != retain || m.Grace != 0 {
			t.Errorf("%d %q: %v %+v", status, fields, reason, m)
		}
	}
	day := 24 * time.Hour
	etag := `ETag: "a"`
	f(segmentPolicy(), 200, true, 0, 0, day, "Cache-Control: no-cache", etag)
	f(segmentPolicy(), 200, true, 0, 0, day, "Cache-Control: no-cache, max-age=60, stale-while-revalidate=9", etag)
	f(segmentPolicy(), 200, true, 0, 0, day, `Cache-Control: no-cache="x-a", max-age=60`, etag)
	p := segmentPolicy()
	p.Override, p.TTL, p.StatusTTL = true, span(5*sec), map[int]time.Duration{302: 6 * sec}
	f(p, 200, false, 5*sec, day, day, "Cache-Control: no-cache")
	f(p, 302, false, 6*sec, day, day, "Cache-Control: no-cache")
	f(p, 303, true, 0, 0, day, "Cache-Control: no-cache", etag) // the route gives it no ttl: nothing to override with
}

// TestUseless: what is stale at once, cannot be served stale and has nothing to
// be revalidated with is not stored.
func TestUseless(t *testing.T) {
	f := func(p *cache.Policy, want cache.Reason, fields ...string) {
		t.Helper()
		if got := reasonOf(exchange(200, fields...), p); got != want {
			t.Errorf("%v, %q: %v, want %v", p.Scope, fields, got, want)
		}
	}
	bare := func(p *cache.Policy) *cache.Policy { p.SiteKeep = 0; return p }
	modified := dateField("Last-Modified", received.Add(-time.Hour))
	f(bare(segmentPolicy()), cache.ReasonNoValidator, "Cache-Control: max-age=0")
	f(bare(segmentPolicy()), cache.ReasonNoValidator, "Cache-Control: max-age=0", modified)
	f(bare(publicPolicy()), cache.ReasonStored, "Cache-Control: max-age=0", modified)
	f(bare(segmentPolicy()), cache.ReasonStored, "Cache-Control: max-age=0", `ETag: "a"`)
	f(bare(segmentPolicy()), cache.ReasonStored, "Cache-Control: max-age=0, stale-while-revalidate=5")
	f(bare(segmentPolicy()), cache.ReasonNoValidator, "Cache-Control: max-age=10", "Age: 10")
	f(bare(segmentPolicy()), cache.ReasonStored, "Cache-Control: max-age=10", "Age: 9")
	f(bare(segmentPolicy()), cache.ReasonNoFreshness, modified)
	f(bare(segmentPolicy()), cache.ReasonNoFreshness)
	f(segmentPolicy(), cache.ReasonNoFreshness, `ETag: "a"`)
}

// TestHeuristics covers RFC 9111, 4.2.2: public scope alone.
func TestHeuristics(t *testing.T) {
	f := func(p *cache.Policy, status int, want time.Duration, reason cache.Reason, fields ...string) {
		t.Helper()
		m, got := cache.Admit(exchange(status, append(fields, dateField("Date", received))...), p)
		if got != reason || m.TTL != want && reason == cache.ReasonStored {
			t.Errorf("%v %d %q: %v, ttl %v; want %v, %v", p.Scope, status, fields, got, m.TTL, reason, want)
		}
	}
	old := dateField("Last-Modified", received.Add(-10*time.Hour))
	f(publicPolicy(), 200, time.Hour, cache.ReasonStored, old)
	f(publicPolicy(), 404, time.Hour, cache.ReasonStored, old)
	f(publicPolicy(), 200, 24*time.Hour, cache.ReasonStored, dateField("Last-Modified", received.Add(-10000*time.Hour)))
	f(publicPolicy(), 302, 0, cache.ReasonNoFreshness, old)
	f(publicPolicy(), 302, time.Hour, cache.ReasonStored, old, "Cache-Control: public")
	f(publicPolicy(), 200, 0, cache.ReasonNoFreshness)
	f(segmentPolicy(), 200, 0, cache.ReasonNoFreshness, old)
	off := publicPolicy()
	off.HeuristicFraction = 0
	f(off, 200, 0, cache.ReasonNoFreshness, old)
}

// TestAgeArithmetic covers RFC 9111, 4.2.3: the greater of what Date and Age say,
// the latter with the delay of the fetch.
func TestAgeArithmetic(t *testing.T) {
	f := func(want time.Duration, delay time.Duration, fields ...string) {
		t.Helper()
		x := exchange(200, append(fields, "Cache-Control: max-age=600")...)
		x.Requested = cache.TimeOf(received.Add(-delay))
		m, reason := cache.Admit(x, segmentPolicy())
		if age := time.Duration(x.Received - m.Born); reason != cache.ReasonStored || age != want {
			t.Errorf("%q after %v: %v, age %v, want %v", fields, delay, reason, age, want)
		}
	}
	f(0, 0)
	f(2*sec, 2*sec)
	f(30*sec, 0, "Age: 30")
	f(32*sec, 2*sec, "Age: 30")
	f(40*sec, 0, dateField("Date", received.Add(-40*sec)))
	f(40*sec, 2*sec, dateField("Date", received.Add(-40*sec)), "Age: 30")
	f(52*sec, 2*sec, dateField("Date", received.Add(-40*sec)), "Age: 50")
	f(0, 0, dateField("Date", received.Add(time.Hour)))
	f(2*sec, 2*sec, "Age: junk")
}
