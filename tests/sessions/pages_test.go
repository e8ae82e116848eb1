package sessions_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aislecache/aisle/tests/rig"
)

// A product and what it costs by default, in dollars, and for gold customers.
const (
	product   = "/table-lamp-aurora/p"
	inReais   = "R$ 168,90"
	inDollars = "$31.28"
	forGold   = "R$ 143,57"
)

// price is what a page asks for the product.
func price(r *rig.Response) string {
	if m := regexp.MustCompile(`data-live-price>([^<]+)`).FindStringSubmatch(strings.ReplaceAll(r.Body, "\u00a0", " ")); m != nil {
		return m[1]
	}
	return "none"
}

// page gets a page twice: the second time it is a hit with the same price.
func page(t *testing.T, edge *rig.Edge, cookies, want string) {
	t.Helper()
	for i := range 2 {
		r := rig.Get(t, edge.URL+product, "Cookie: "+cookies)
		if got := price(r); r.Status != 200 || got != want {
			t.Errorf("%d: the page asks for %q, not %q", r.Status, got, want)
		}
		if i == 1 && !r.Hit() {
			t.Errorf("the page with %s is not kept: %s", want, r.CacheStatus())
		}
		if len(r.Header.Values("Set-Cookie")) != 0 {
			t.Errorf("a shopper with all cookies is set others: %q", r.Header.Values("Set-Cookie"))
		}
	}
}

// TestThePageChanges: a campaign and a channel, and then a log-in, make another page at the next request, at every edge.
func TestThePageChanges(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		page(t, s.first(), "", inReais)
		a := raw(t, s.first(), "POST /api/sessions?utm_campaign=black+friday&sc=2 HTTP/1.1\nHost: shop.example\n\n{}").want(201)
		dollars := a.jar("vtex_session", "vtex_segment", "aisle_seal")
		page(t, s.first(), dollars, inDollars)
		page(t, s.last(), dollars, inDollars)
		a = raw(t, s.last(), "PATCH /api/sessions HTTP/1.1\nHost: shop.example\nContent-Type: application/json\nCookie: "+dollars+"\n\n"+
			`{"public":{"email":{"value":"gold@acme.example"},"sc":{"value":"1"}}}`).want(200)
		gold := a.jar("vtex_session", "vtex_segment", "aisle_seal")
		page(t, s.first(), gold, forGold)
		page(t, s.first(), "", inReais)
	})
}

// lost is a page for a shopper who still has the session: its price, and the cookies that it sets.
func lost(t *testing.T, edge *rig.Edge, cookies, want string) (set map[string]string) {
	t.Helper()
	r := rig.Get(t, edge.URL+product, "Cookie: "+cookies)
	if got := price(r); got != want {
		t.Errorf("the page asks for %q, not %q", got, want)
	}
	if cc := r.Header.Get("Cache-Control"); cc != "private, no-cache" {
		t.Errorf("a page that sets cookies may be kept by others: Cache-Control %q", cc)
	}
	set = map[string]string{}
	for _, line := range r.Header.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		if set[name] = value; !strings.Contains(attributes, "Path=/") || !strings.Contains(attributes, "HttpOnly") {
			t.Errorf("Set-Cookie %q", line)
		}
	}
	return set
}

// TestLostSegment: whoever has the session alone gets its page and the cookies again, a hit for others or not; a seal that proves
// nothing is lost too, and a token that nobody issued recovers nothing.
func TestLostSegment(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		a := raw(t, s.first(), "POST /api/sessions HTTP/1.1\nHost: shop.example\nContent-Type: application/json\n\n"+`{"public":{"email":{"value":"gold@acme.example"}}}`).want(201)
		session, segment := a.jar("vtex_session"), a.jar("vtex_segment")
		f := func(cookies, want string, recovered bool) {
			t.Helper()
			set := lost(t, s.last(), cookies, want)
			if got := set["vtex_segment"] != "" && set["aisle_seal"] != ""; got != recovered {
				t.Errorf("%s: set %q", cookies, set)
			}
			if recovered {
				if set["vtex_segment"] != a.cookies["vtex_segment"] {
					t.Errorf("the segment is %s, and was %s", set["vtex_segment"], a.cookies["vtex_segment"])
				}
				page(t, s.first(), session+"; vtex_segment="+set["vtex_segment"]+"; aisle_seal="+set["aisle_seal"], forGold)
			}
		}
		f(session, forGold, true)
		f(session, forGold, true) // from the cache
		f(session+"; "+segment+"; aisle_seal=v1.k1.1.AAAA", forGold, true)
		f(session+"; "+segment, forGold, true)
		f(segment, inReais, false)
		f("vtex_session=eyJhbGciOiJFUzI1NiJ9.e30.AAAA", inReais, false)
	})
}

// TestPublicScope: what all shoppers share is the same for one with a session alone, costs no recovery and sets nothing.
func TestPublicScope(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		a := raw(t, s.first(), "POST /api/sessions?sc=2 HTTP/1.1\nHost: shop.example\n\n{}").want(201)
		asset := regexp.MustCompile(`/assets/[^"]+\.css`).FindString(rig.Get(t, s.first().URL+"/").Body)
		if asset == "" {
			t.Fatal("the demo's home has no style sheet")
		}
		fresh := rig.Get(t, s.first().URL+asset)
		for range 2 {
			r := rig.Get(t, s.first().URL+asset, "Cookie: "+a.jar("vtex_session"))
			if r.Status != 200 || r.Body != fresh.Body || !r.Hit() || len(r.Header.Values("Set-Cookie")) != 0 {
				t.Errorf("%d %s, Set-Cookie %q", r.Status, r.CacheStatus(), r.Header.Values("Set-Cookie"))
			}
			if cc := r.Header.Get("Cache-Control"); cc != fresh.Header.Get("Cache-Control") || !strings.Contains(cc, "public") {
				t.Errorf("Cache-Control %q, and %q for one without a cookie", cc, fresh.Header.Get("Cache-Control"))
			}
		}
		if m := rig.Get(t, s.first().Admin+"/metrics").Body; strings.Contains(m, `aisle_segment_recoveries_total{result="recovered"} 1`) {
			t.Error("a segment was recovered for public scope")
		}
		lost(t, s.first(), a.jar("vtex_session"), inDollars)
		if m := rig.Get(t, s.first().Admin+"/metrics").Body; !strings.Contains(m, `aisle_segment_recoveries_total{result="recovered"} 1`) {
			t.Error("a recovery on a page is not counted")
		}
	})
}
