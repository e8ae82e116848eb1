package cache_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// received is when the answers of these tests come; a whole second, as Date has.
var received = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// lines reads "Name: value" lines.
func lines(all ...string) []cache.Field {
	var fields []cache.Field
	for _, l := range all {
		name, value, ok := strings.Cut(l, ": ")
		if !ok {
			panic(fmt.Sprintf("no field line: %q", l))
		}
		fields = append(fields, cache.Field{Name: name, Value: value})
	}
	return fields
}

func exchange(status int, fields ...string) *cache.Exchange {
	r := &cache.OriginResponse{Status: status, Fields: lines(fields...), Body: io.NopCloser(strings.NewReader("")), Length: -1}
	return &cache.Exchange{Response: r, Requested: cache.TimeOf(received), Received: cache.TimeOf(received)}
}

func segmentPolicy() *cache.Policy {
	return &cache.Policy{Scope: cache.ScopeSegment, SiteKeep: 24 * time.Hour, Targeted: []string{"Aisle-CDN-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"}}
}

func publicPolicy() *cache.Policy {
	p := segmentPolicy()
	p.Scope, p.HeuristicFraction, p.HeuristicMax = cache.ScopePublic, 0.1, 24*time.Hour
	return p
}

func reasonOf(x *cache.Exchange, p *cache.Policy) cache.Reason {
	_, r := cache.Admit(x, p)
	return r
}

// TestAdmitDirectives covers RFC 9111, 3 and 5.2.2, on segment scope.
func TestAdmitDirectives(t *testing.T) {
	f := func(status int, control string, want cache.Reason) {
		t.Helper()
		if got := reasonOf(exchange(status, "Cache-Control: "+control), segmentPolicy()); got != want {
			t.Errorf("%d with %q: %v, want %v", status, control, got, want)
		}
	}
	f(200, "max-age=60", cache.ReasonStored)
	f(200, "Max-Age=60", cache.ReasonStored)
	f(200, "s-maxage=60", cache.ReasonStored)
	f(200, "public", cache.ReasonNoFreshness)
	f(200, "max-age=60, no-store", cache.ReasonNoStore)
	f(200, "max-age=60, private", cache.ReasonPrivate)
	f(200, `max-age=60, private="x-a"`, cache.ReasonPrivate)
	f(200, "s-maxage=60, private", cache.ReasonPrivate)
	f(200, "no-store, private", cache.ReasonNoStore)
	f(200, "max-age=60, must-revalidate", cache.ReasonStored)
	f(200, "max-age=60, no-cache", cache.ReasonNoValidator)
	f(200, "no-cache", cache.ReasonNoValidator)
	f(200, "max-age=junk", cache.ReasonStored) // counts as 0; keep still makes it of use
	// must-understand, 5.2.2.3
	f(200, "max-age=60, must-understand", cache.ReasonStored)
	f(200, "max-age=60, must-understand, no-store", cache.ReasonStored)
	f(299, "max-age=60, must-understand", cache.ReasonStatus)
	f(299, "max-age=60, must-understand, no-store", cache.ReasonNoStore)
	f(299, "max-age=60", cache.ReasonStored)
	f(404, "max-age=60", cache.ReasonStored)
	f(302, "max-age=60", cache.ReasonStored)
}

func TestAdmitStatus(t *testing.T) {
	f := func(status int, want cache.Reason) {
		t.Helper()
		if got := reasonOf(exchange(status, "Cache-Control: max-age=60"), segmentPolicy()); got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
	f(101, cache.ReasonStatus)
	f(206, cache.ReasonStatus)
	f(304, cache.ReasonStatus)
	f(401, cache.ReasonLogin)
	f(407, cache.ReasonLogin)
	f(403, cache.ReasonStored)
	f(204, cache.ReasonStored)
	f(301, cache.ReasonStored)
	// A 5xx is a failure, not an answer, whatever it says of itself.
	f(500, cache.ReasonServerError)
	f(501, cache.ReasonServerError)
	f(503, cache.ReasonServerError)
}

func TestAdmitServerErrorByStatusTTL(t *testing.T) {
	p := segmentPolicy()
	p.StatusTTL = map[int]time.Duration{503: 5 * sec}
	p.SiteGrace = time.Hour
	m, reason := cache.Admit(exchange(503), p)
	if reason != cache.ReasonStored || m.TTL != 5*sec {
		t.Fatalf("%v, ttl %v", reason, m.TTL)
	}
	if m.Grace != 0 || m.Keep != 0 {
		t.Errorf("an error would be served stale: grace %v, keep %v", m.Grace, m.Keep)
	}
	if got := reasonOf(exchange(500), p); got != cache.ReasonServerError {
		t.Errorf("500: %v", got)
	}
}

func TestAdmitLoginRedirect(t *testing.T) {
	p := segmentPolicy()
	p.LeadsToLogin = func(location string) bool { return strings.HasPrefix(location, "/login") }
	f := func(status int, location string, want cache.Reason) {
		t.Helper()
		if got := reasonOf(exchange(status, "Cache-Control: max-age=60", "Location: "+location), p); got != want {
			t.Errorf("%d to %q: %v, want %v", status, location, got, want)
		}
	}
	f(302, "/login?back=/p", cache.ReasonLogin)
	f(307, "/login", cache.ReasonLogin)
	f(302, "/home", cache.ReasonStored)
	f(200, "/login", cache.ReasonStored)
}

// TestAdmitAuthorization covers RFC 9111, 3.5.
func TestAdmitAuthorization(t *testing.T) {
	f := func(control string, want cache.Reason) {
		t.Helper()
		x := exchange(200, "Cache-Control: "+control)
		x.Authorized = true
		if got := reasonOf(x, publicPolicy()); got != want {
			t.Errorf("%q: %v, want %v", control, got, want)
		}
	}
	f("max-age=60", cache.ReasonSharedAuth)
	f("max-age=60, proxy-revalidate", cache.ReasonSharedAuth)
	f("max-age=60, public", cache.ReasonStored)
	f("max-age=60, must-revalidate", cache.ReasonStored)
	f("s-maxage=60", cache.ReasonStored)
	f("public, private, max-age=60", cache.ReasonPrivate)
	f("public, no-store, max-age=60", cache.ReasonNoStore)
}

func TestAdmitSetCookie(t *testing.T) {
	f := func(mode cache.SetCookie, cookie bool, want cache.Reason, strips bool) {
		t.Helper()
		p := segmentPolicy()
		p.SetCookie = mode
		fields := []string{"Cache-Control: max-age=60"}
		if cookie {
			fields = append(fields, "set-cookie: a=b")
		}
		m, got := cache.Admit(exchange(200, fields...), p)
		if got != want || m.StripCookies != strips {
			t.Errorf("mode %d, cookie %v: %v strips %v, want %v %v", mode, cookie, got, m.StripCookies, want, strips)
		}
	}
	f(cache.SetCookieRefuse, false, cache.ReasonStored, true)
	f(cache.SetCookieRefuse, true, cache.ReasonSetCookie, false)
	f(cache.SetCookieStrip, true, cache.ReasonStored, true)
	f(cache.SetCookieStore, true, cache.ReasonStored, false)
}

func TestAdmitTags(t *testing.T) {
	f := func(want []string, fields ...string) {
		t.Helper()
		m, reason := cache.Admit(exchange(200, append(fields, "Cache-Control: max-age=60")...), segmentPolicy())
		if diff := cmp.Diff(want, m.Tags); diff != "" || reason != cache.ReasonStored {
			t.Errorf("%q: %v (-want +got):\n%s", fields, reason, diff)
		}
	}
	f(nil)
	f([]string{"a", "b", "c"}, "Surrogate-Key: a b  c")
	f([]string{"a", "b"}, "cache-tag: a, b")
	f([]string{"a", "b"}, "xkey: a", "xkey: b")
	f([]string{"k", "t", "x"}, "xkey: x", "Cache-Tag: t", "Surrogate-Key: k")
	f(nil, "Surrogate-Key: ")
}

// TestRestrictionsAlwaysWin: no policy makes private, no-store, a cookie on a
// route that refuses it, or Vary on a shopper storable: override is over times.
func TestRestrictionsAlwaysWin(t *testing.T) {
	forbidding := []string{"Cache-Control: private", "Cache-Control: no-store", "Set-Cookie: a=b", "Vary: Cookie", "Vary: *", "Vary: x-vtex-session", "Vary: Authorization"}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]func() *cache.Policy{segmentPolicy, publicPolicy}).Draw(t, "scope")()
		p.TTL = cache.Span{Set: true, D: time.Hour}
		p.Override = true
		p.StatusTTL = map[int]time.Duration{200: time.Hour, 404: time.Hour}
		p.Grace, p.Keep = p.TTL, p.TTL
		fields := []string{rapid.SampledFrom(forbidding).Draw(t, "forbidding")}
		for _, more := range []string{"Cache-Control: public, max-age=60", "ETag: \"a\"", "Expires: Fri, 01 May 2026 13:00:00 GMT", "Vary: Accept"} {
			if rapid.Bool().Draw(t, more) {
				fields = append(fields, more)
			}
		}
		status := rapid.SampledFrom([]int{200, 404, 301}).Draw(t, "status")
		if got := reasonOf(exchange(status, fields...), p); got == cache.ReasonStored {
			t.Fatalf("stored: %d %q", status, fields)
		}
	})
}
