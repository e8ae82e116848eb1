package proxy_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// The request's own Cache-Control counts where the site says so of this client,
// and of nobody else.
func TestRequestDirectives(t *testing.T) {
	honour := func(prefix string) func(*setup) {
		return func(s *setup) { s.options.HonourFrom = []netip.Prefix{netip.MustParsePrefix(prefix)} }
	}
	f := func(change func(*setup), target, control, want string, status int) {
		t.Helper()
		r := newRig(t, cachedAs("Cache-Control: max-age=60"), change)
		r.get("/stored")
		if a := r.get(target, "Cache-Control: "+control); a.detail(t) != want || a.Status != status {
			t.Errorf("%s %s: %d %s, want %d %s", target, control, a.Status, a.detail(t), status, want)
		}
	}
	f(honour("127.0.0.0/8"), "/stored", "no-cache", "request request-directive", 200)
	f(honour("127.0.0.0/8"), "/stored", "no-store", "request request-directive", 200)
	f(honour("127.0.0.0/8"), "/stored", "min-fresh=3600", "request request-directive", 200)
	f(honour("127.0.0.0/8"), "/stored", "max-age=60", "hit fresh", 200)
	f(honour("127.0.0.0/8"), "/other", "only-if-cached", "only-if-cached", 504)
	f(honour("::ffff:127.0.0.0/104"), "/stored", "no-cache", "request request-directive", 200)
	f(honour("10.0.0.0/8"), "/stored", "no-cache", "hit fresh", 200)
	f(honour("10.0.0.0/8"), "/other", "only-if-cached", "uri-miss absent", 200)
}

// A page past its ttl but within grace is served, and refreshed behind.
func TestStaleWhileRevalidate(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=0", `Etag: "v1"`), func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/p"}, Scope: cache.ScopeSegment, Grace: cache.Span{Set: true, D: time.Hour}}}
	})
	r.get("/p")
	r.waitForLandings(1)
	a := r.get("/p")
	if a.detail(t) != "hit grace" || a.Header.Get("Age") == "" || a.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%s %v", a.detail(t), a.Header)
	}
	r.waitUntil("the refresh", func() bool { return len(r.requests()) == 2 })
	if q := r.requests()[1]; q.Header.Get("If-None-Match") != `"v1"` || q.Method != "GET" {
		t.Errorf("refreshed by %s", q)
	}
}

// What a route says of times and statuses is what its pages live by.
func TestRouteTimes(t *testing.T) {
	r := newRig(t, unstorable(404), func(s *setup) {
		s.options.Routes = []proxy.Route{
			{Match: proxy.Match{Path: "/gone"}, Scope: cache.ScopeSegment, StatusTTL: map[int]time.Duration{404: time.Minute}},
			{Match: proxy.Match{Path: "/ttl", Host: "*.example", Methods: []string{"GET"}}, Scope: cache.ScopePublic, TTL: cache.Span{Set: true, D: time.Minute}, Name: "mine"},
		}
	})
	f := func(target, want string) {
		t.Helper()
		r.get(target)
		if a := r.get(target); a.Status != 404 || a.detail(t) != want {
			t.Errorf("%s: %d %s, want %s", target, a.Status, a.detail(t), want)
		}
	}
	f("/gone", "hit fresh")
	f("/ttl", "hit fresh")
	f("/other", "bypass marked")
	if n := r.count("aisle_requests_total", "route", "mine", "outcome", "hit"); n != 1 {
		t.Errorf("%v hits of the route counted", n)
	}
}
