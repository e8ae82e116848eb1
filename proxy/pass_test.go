package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/segment"
)

// A pass is the request as it came, written anew: one for one hop, the seal and
// inbound x-vtex-* are gone, and aisle says what it knows of the client.
func TestPassCarriesTheRequestAsItCame(t *testing.T) {
	r := newRig(t, cachedAs())
	r.get("/api/x?b=2&a=%31", everyField...)
	want := []string{view("GET /api/x?b=2&a=%31 of shop.example", "Accept: text/html", "Accept-Encoding: gzip", "Accept-Language: pt-BR", "Cache-Control: no-cache",
		"Connection: TE", "Content-Type: text/plain", "Cookie: a=b; vtex_session=S; VtexIdclientAutCookie_acme=T", "Cookie: checkout=1", "Cookie2: x", "Dnt: 1", "If-Match: \"x\"", "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT",
		"If-None-Match: \"x\"", "If-Range: \"x\"", "Origin: https://x.example", "Pragma: no-cache", "Priority: u=0", "Range: bytes=0-1", "Referer: https://x.example/", "Sec-Fetch-Mode: navigate",
		"Surrogate-Capability: x=\"ESI/1.0\"", "Te: trailers", "Upgrade-Insecure-Requests: 1", "User-Agent: Mozilla", "Via: 1.1 evil, 1.1 aisle", "X-Custom: c", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: shop.example",
		"X-Forwarded-Proto: http", "X-Http-Method-Override: DELETE", "X-Method-Override: DELETE", "X-Middleware-Prefetch: 1", "X-Original-Url: /admin", "X-Rewrite-Url: /admin", "X-Store-Preview: 1", "X-Vtex-Session: S")}
	if diff := cmp.Diff(want, r.views()); diff != "" {
		t.Error(diff)
	}
}

// What a trusted proxy says of the client goes on, with the proxy behind it.
func TestPassBehindATrustedProxy(t *testing.T) {
	r := newRig(t, cachedAs(), trustLoopback)
	f := func(want []string, headers ...string) {
		t.Helper()
		n := len(r.requests())
		r.get("/api/x", headers...)
		if diff := cmp.Diff(view("GET /api/x of "+want[0], want[1:]...), r.views()[n]); diff != "" {
			t.Error(diff)
		}
	}
	f([]string{"c.example", "Via: 1.1 aisle", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 127.0.0.1", "X-Forwarded-Host: c.example", "X-Forwarded-Proto: https", "X-Real-Ip: 1.2.3.4"},
		"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: C.example:443", "X-Real-IP: 1.2.3.4", "X-Vtex-Segment: forged")
	f([]string{"shop.example", "Via: 1.1 aisle", "X-Forwarded-For: 1.2.3.4, 127.0.0.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http"}, "Forwarded: for=1.2.3.4")
	f([]string{"shop.example", "Via: 1.1 aisle", "X-Forwarded-For: garbage, 127.0.0.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http"}, "X-Forwarded-For: garbage")
	if n := r.count("aisle_forwarded_garbage_total"); n != 1 {
		t.Errorf("%v requests with garbage counted, want 1", n)
	}
}

// What the edge derives from the cookies, by route: the token as it came where it
// can be read, on a segment route the default where it cannot.
func TestDerivedFieldsOfAPass(t *testing.T) {
	r := newRig(t, cachedAs())
	usd := `{"channel":"2"}`
	f := func(method, target, cookie string, want ...string) {
		t.Helper()
		n := len(r.requests())
		r.do(method, target, "", "Cookie: "+cookie)
		got := []string{}
		for line := range strings.Lines(r.views()[n]) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "X-Vtex-") || strings.HasPrefix(line, "Cookie: ") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(append([]string{"Cookie: " + decodeTokens(cookie)}, want...), got); diff != "" {
			t.Errorf("%s %s: %s", method, target, diff)
		}
	}
	both := "vtex_session=S; vtex_segment=" + tokenOf(usd)
	f("GET", "/api/x", both, "X-Vtex-Locale: en-US", "X-Vtex-Segment: "+usd, "X-Vtex-Session: S")
	f("POST", "/p", both, "X-Vtex-Locale: en-US", "X-Vtex-Segment: "+usd, "X-Vtex-Session: S")
	f("POST", "/assets/x.css", both)
	f("GET", "/api/x", "a=b")
	f("POST", "/p", "a=b", "X-Vtex-Segment: "+defaultSegment)
	f("GET", "/api/x", "vtex_segment=%%%")
	f("POST", "/p", "vtex_segment=%%%", "X-Vtex-Segment: "+defaultSegment)
	f("GET", "/api/x", "vtex_session=S; vtex_session=T")
	f("GET", "/api/x", `vtex_session="S"`, `X-Vtex-Session: "S"`)
}

// An unsafe request that succeeds takes the URL's page from memory, whatever the
// scope of the route that it came by (RFC 9111, 4.4).
func TestUnsafeMethodInvalidates(t *testing.T) {
	status := 200
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		if q.Method != http.MethodGet {
			w.WriteHeader(status)
		}
	}, func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/form", Methods: []string{"POST"}}, Scope: cache.ScopePrivate}}
	})
	f := func(method, target, page string, then string) {
		t.Helper()
		r.get(page)
		if a := r.get(page); !strings.HasPrefix(a.detail(t), "hit") {
			t.Fatalf("%s is not stored: %s", page, a.detail(t))
		}
		r.do(method, target, "")
		if a := r.get(page); a.detail(t) != then {
			t.Errorf("%s after %s %s %d: %s, want %s", page, method, target, status, a.detail(t), then)
		}
	}
	f("POST", "/p", "/p", "uri-miss purged-hard")
	f("DELETE", "/p?b=1&a=2&utm_source=x", "/p?a=2&b=1", "uri-miss purged-hard")
	f("PUT", "/assets/x.css", "/assets/x.css", "uri-miss purged-hard")
	f("POST", "/form", "/form", "uri-miss purged-hard")
	f("OPTIONS", "/p2", "/p2", "hit fresh")
	f("POST", "/p3?a=1", "/p3", "hit fresh")
	f("POST", "/api/x", "/p4", "hit fresh")
	status = 303
	f("POST", "/p5", "/p5", "uri-miss purged-hard")
	status = 403
	f("POST", "/p6", "/p6", "hit fresh")
	status = 500
	f("POST", "/p7", "/p7", "hit fresh")
}

// Where the origin has its own sessions system, its token is sealed in passing,
// and the sealed shopper then hits.
func TestSealingInPassing(t *testing.T) {
	gold := tokenOf(segmentJSON("priceTables", "gold"))
	var set []string
	origin := func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, "/api/") {
			for _, line := range set {
				w.Header().Add("Set-Cookie", line)
			}
			return
		}
		cachedAs("Cache-Control: max-age=60")(w, q)
	}
	r := newRig(t, origin)
	session := func(lines ...string) []string {
		set = lines
		return r.do("POST", "/api/sessions", "{}").Header.Values("Set-Cookie")
	}
	f := func(attributes string, token string, lines ...string) string {
		t.Helper()
		got := session(lines...)
		if len(got) != len(lines)+1 {
			t.Fatalf("%q: %q", lines, got)
		}
		if diff := cmp.Diff(lines, got[:len(lines)]); diff != "" {
			t.Error(diff)
		}
		pair, rest, _ := strings.Cut(got[len(lines)], ";")
		name, seal, _ := strings.Cut(pair, "=")
		if name != "aisle_seal" || strings.TrimSpace(rest) != attributes {
			t.Errorf("%q: sealed by %q", lines, got[len(lines)])
		}
		if (seal == "") != (token == "") {
			t.Errorf("%q: seal %q", lines, seal)
		}
		return seal
	}
	const attributes = "Path=/; Secure; HttpOnly; SameSite=None; Max-Age=432000"
	seal := f(attributes, gold, "vtex_session=S; Path=/", "vtex_segment="+gold+"; "+attributes)
	f("Path=/", gold, "vtex_segment="+gold+";Path=/")
	f("", gold, "vtex_segment="+gold)
	f("Path=/; Max-Age=0", "", "vtex_segment=; Path=/; Max-Age=0")
	last := f("Path=/b", gold, "vtex_segment=old; Path=/a", "vtex_segment="+gold+"; Path=/b")
	sealer, err := segment.NewSealer("acme", []segment.SealKey{r.key}, time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{seal, last} {
		if state, until := sealer.Open(time.Now(), []byte(gold), []byte(s)); state != segment.SealValid || time.Until(until) < 59*time.Minute {
			t.Errorf("%s: %v until %s", s, state, until)
		}
	}
	if got := session("other=1", "VTEX_SEGMENT=x", "vtex_segment2=y"); len(got) != 3 {
		t.Errorf("sealed without a token: %q", got)
	}
	shopper := "Cookie: vtex_segment=" + gold + "; aisle_seal=" + seal
	for i, want := range []string{"uri-miss absent", "hit fresh"} {
		if a := r.get("/p", shopper); a.detail(t) != want || a.Body != "GET /p for "+segmentJSON("priceTables", "gold") {
			t.Errorf("sealed, time %d: %s %q", i, a.detail(t), a.Body)
		}
	}
	unsealing := newRig(t, origin, func(s *setup) { s.noSealer = true })
	set = []string{"vtex_segment=" + gold}
	if got := unsealing.do("POST", "/api/sessions", "{}").Header.Values("Set-Cookie"); len(got) != 1 {
		t.Errorf("without a sealer: %q", got)
	}
}

// Lines of Cookie keep their order and bytes but for the seal, and a line that
// held nothing else goes.
func TestCookiesOfAPass(t *testing.T) {
	r := newRig(t, cachedAs())
	f := func(want []string, lines ...string) {
		t.Helper()
		n := len(r.requests())
		r.get("/api/x", lines...)
		if diff := cmp.Diff(want, r.requests()[n].Header["Cookie"]); diff != "" {
			t.Errorf("%q: %s", lines, diff)
		}
	}
	f([]string{"b=2;  a=1 ;junk; =x", "a=\xe9\""}, "Cookie: b=2;  a=1 ;junk; =x", "Cookie: a=\xe9\"")
	f([]string{"a=1"}, "Cookie: aisle_seal=x; a=1")
	f([]string{"a=1; b=2"}, "Cookie: a=1; aisle_seal=x; b=2", "Cookie: aisle_seal=y")
	f(nil, "Cookie: aisle_seal=x")
}

// Many requests of many shoppers over the same pooled exchanges: none sees a
// trace of another.
func TestNothingOfAShopperStaysInAPooledExchange(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: private")
		fmt.Fprint(w, q.Header.Get("Cookie"), "|", q.Header.Get("Authorization"), "|", q.Header.Get("X-Vtex-Session"), "|", q.Header.Get("X-Vtex-Locale"), "|", q.Header.Get("X-Forwarded-For"), "|", q.URL.RawQuery)
	})
	const plain = "||||127.0.0.1|"
	for i := range 50 {
		cookie := fmt.Sprintf("id=%d; vtex_session=S%d; vtex_segment=%s", i, i, tokenOf(`{"channel":"2"}`))
		if got := r.get(fmt.Sprintf("/api/x?q=%d", i), "Cookie: "+cookie, fmt.Sprintf("Authorization: A%d", i), "X-Forwarded-For: 6.6.6.6").Body; got != fmt.Sprintf("%s|A%d|S%d|en-US|127.0.0.1|q=%d", cookie, i, i, i) {
			t.Errorf("%q", got)
		}
		if got := r.get("/api/x").Body; got != plain {
			t.Errorf("a request with nothing got %q", got)
		}
		r.raw("GET", "GET /\x01 HTTP/1.1\r\n\r\n")
		if got := r.get("/p").Body; got != "vtex_segment="+tokenOf(defaultSegment)+"|||pt-BR||" && got != "|||pt-BR|127.0.0.1|" && got != plain {
			t.Errorf("a page with nothing taken got %q", got)
		}
	}
}
