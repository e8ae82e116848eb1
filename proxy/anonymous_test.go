package proxy_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// everyField is a request with one of everything, as an attacker would send it.
var everyField = []string{
	"Accept: text/html", "Accept-Language: pt-BR", "Accept-Encoding: gzip", "User-Agent: Mozilla", "Referer: https://x.example/", "Origin: https://x.example",
	"Sec-Fetch-Mode: navigate", "DNT: 1", "Priority: u=0", "Upgrade-Insecure-Requests: 1", "Cache-Control: no-cache", "Pragma: no-cache",
	"If-None-Match: \"x\"", "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT", "If-Range: \"x\"", "If-Match: \"x\"", "Range: bytes=0-1",
	"Cookie: a=b; vtex_session=S; VtexIdclientAutCookie_acme=T", "Cookie: checkout=1; aisle_seal=v1.k.1.00", "Cookie2: x",
	"X-Vtex-Segment: forged", "x-vtex-session: forged", "X-VTEX-Locale: en-US", "x-vtex-anything: forged",
	"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 444", "X-Forwarded-Prefix: /evil", "Forwarded: host=evil.example",
	"X-Real-IP: 6.6.6.6", "True-Client-IP: 6.6.6.6", "X-Host: evil.example", "Via: 1.1 evil",
	"X-Original-URL: /admin", "X-Rewrite-URL: /admin", "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE", "X-Middleware-Prefetch: 1", "Surrogate-Capability: x=\"ESI/1.0\"",
	"Content-Type: text/plain", "Expect: nothing", "TE: trailers", "Keep-Alive: timeout=5", "Proxy-Authorization: Basic x", "Proxy-Connection: close", "Upgrade: websocket", "HTTP2-Settings: x",
	"X_Vtex_Segment: forged", "X_Forwarded_Host: evil.example", "x-forwarded_for: 6.6.6.6", "Content_Length: 7", "X_HTTP_Method_Override: DELETE",
	"X-Custom: c", "CF-IPCountry: BR", "X-Store-Preview: 1", "X-Listed: gone", "Connection: X-Listed, Cookie, Authorization, CF-IPCountry",
}

// what aisle says of host, scheme and itself on every request.
var ownLines = []string{"Via: 1.1 aisle", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http"}

func segmentLines(text, locale string) []string {
	return append(append([]string{}, ownLines...), "X-Vtex-Locale: "+locale, "X-Vtex-Segment: "+text)
}

// view is the text of a request: the line, then fields in order of their names.
func view(line string, fields ...string) string {
	return lines(append([]string{line}, fields...)...)
}

// On segment scope four fields of negotiation reach the origin, and what aisle
// derives; nothing else that a shopper sends can shape what others see.
func TestSegmentScopeForwardsAnAllowList(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	r.get("/shirt/p", everyField...)
	want := []string{view("GET /shirt/p of shop.example", append([]string{"Accept: text/html", "Accept-Encoding: gzip", "Accept-Language: pt-BR",
		"Cookie: vtex_segment=" + defaultSegment, "User-Agent: Mozilla"}, segmentLines(defaultSegment, "pt-BR")...)...)}
	if diff := cmp.Diff(want, r.views()); diff != "" {
		t.Error(diff)
	}
	if a := r.get("/shirt/p"); a.detail(t) != "hit fresh" {
		t.Errorf("another shopper's: %s", a.detail(t))
	}
}

// On public scope all fields but a deny-list do, since the origin's Vary rules.
func TestPublicScopeForwardsAllButADenyList(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	r.get("/_v/public/x", wholeFields()...)
	want := []string{view("GET /_v/public/x of shop.example", "Accept: text/html", "Accept-Encoding: gzip", "Accept-Language: pt-BR", "Dnt: 1", "Origin: https://x.example",
		"Priority: u=0", "Referer: https://x.example/", "Sec-Fetch-Mode: navigate", "Upgrade-Insecure-Requests: 1", "User-Agent: Mozilla",
		"Via: 1.1 aisle", "X-Custom: c", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http", "X-Store-Preview: 1")}
	if diff := cmp.Diff(want, r.views()); diff != "" {
		t.Error(diff)
	}
	if a := r.get("/_v/public/x"); a.detail(t) != "hit fresh" {
		t.Errorf("another shopper's: %s", a.detail(t))
	}
}

// wholeFields is everyField of a request for the whole page.
func wholeFields() []string {
	return slices.DeleteFunc(slices.Clone(everyField), func(f string) bool { return strings.HasPrefix(f, "Range:") || strings.HasPrefix(f, "If-Range:") })
}

func keyedRoute(scope cache.Scope) func(*setup) {
	return func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/k/**"}, Scope: scope,
			KeyHeaders: []proxy.Keyed{{Name: "CF-IPCountry", Values: []string{"BR", "AR"}}}, KeyCookies: []proxy.Keyed{{Name: "ab", Values: []string{"a", "b"}}},
			ForwardHeaders: []string{"X-Store-Preview"}}}
	}
}

// What a route keys reaches the origin with the values of its closed list; any
// other value counts as absent. What it forwards does so as it came.
func TestKeyedAndForwardedFields(t *testing.T) {
	for _, scope := range []cache.Scope{cache.ScopeSegment, cache.ScopePublic} {
		t.Run(scope.String(), func(t *testing.T) {
			r := newRig(t, cachedAs("Cache-Control: max-age=60"), keyedRoute(scope))
			base, cookie := ownLines, []string{}
			if scope == cache.ScopeSegment {
				base, cookie = segmentLines(defaultSegment, "pt-BR"), []string{"vtex_segment=" + defaultSegment}
			}
			want := func(country, ab string) string {
				var list []string
				if country != "" {
					list = append(list, "Cf-Ipcountry: "+country)
				}
				c := append([]string{}, cookie...)
				if ab != "" {
					c = append(c, "ab="+ab)
				}
				if len(c) > 0 {
					list = append(list, "Cookie: "+strings.Join(c, "; "))
				}
				return view("GET /k/x of shop.example", append(list, base...)...)
			}
			var asked []string
			f := func(country, ab string, headers ...string) {
				t.Helper()
				a := r.get("/k/x", headers...)
				key := want(country, ab)
				if a.detail(t) != "hit fresh" {
					asked = append(asked, key)
				}
				if diff := cmp.Diff(asked, r.views()); diff != "" {
					t.Errorf("%q: %s", headers, diff)
				}
			}
			f("BR", "", "CF-IPCountry: BR")
			f("BR", "", "cf-ipcountry:  BR ")
			f("AR", "", "CF-IPCountry: AR")
			f("", "", "CF-IPCountry: XX")
			f("", "")
			f("", "", "CF-IPCountry: br")
			f("", "", "CF-IPCountry: BR", "CF-IPCountry: AR")
			f("", "a", "Cookie: x=y; ab=a; z=1")
			f("BR", "b", "CF-IPCountry: BR", "Cookie: ab=b")
			f("BR", "b", "CF-IPCountry: BR", "Cookie: x=1", "Cookie: ab=b")
			f("", "", "Cookie: ab=c")
			f("", "", "Cookie: ab=a; ab=b")
			f("", "", "Cookie: AB=a")
			f("BR", "", "CF-IPCountry: BR", "Connection: CF-IPCountry")
			if len(asked) != 5 {
				t.Errorf("%d pages, want 5", len(asked))
			}
			r.get("/k/y", "X-Store-Preview: 1")
			if got := r.requests()[len(asked)].Header.Get("X-Store-Preview"); got != "1" {
				t.Errorf("X-Store-Preview reached the origin as %q", got)
			}
		})
	}
}

// A field that Connection lists is gone; but no list takes away what the edge
// goes by.
func TestConnectionLists(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	f := func(target string, headers []string, want ...string) {
		t.Helper()
		n := len(r.requests())
		r.get(target, headers...)
		if diff := cmp.Diff(view("GET "+target+" of shop.example", want...), r.views()[n]); diff != "" {
			t.Error(diff)
		}
	}
	f("/_v/public/1", []string{"Connection: x-a , X-B", "X-A: 1", "x-b: 2", "X-C: 3"}, "Via: 1.1 aisle", "X-C: 3", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http")
	f("/_v/public/2", []string{"Connection: authorization, host", "Authorization: Basic x"}, append([]string{"Authorization: Basic x"}, ownLines...)...)
	f("/api/x", []string{"Connection: X-A", "Connection: cookie, authorization, content-length", "X-A: 1", "Cookie: a=b", "Authorization: Basic x"},
		"Authorization: Basic x", "Cookie: a=b", "Via: 1.1 aisle", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http")
}

// An underscore that stands for a dash makes no other field of one; elsewhere it
// is a name as any other.
func TestUnderscoresInNames(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: private"))
	r.get("/_v/public/x", "X_Custom: 1", "X_Vtex_Session: forged", "COOKIE_: 2", "Proxy_Authorization: x", "If_None_Match: x")
	r.get("/api/x", "X_Custom: 1", "X_Vtex_Session: forged", "COOKIE_: 2", "authorization_: y", "Authori_zation: z", "Transfer_Encoding: chunked")
	want := []string{
		view("GET /_v/public/x of shop.example", append([]string{"Cookie_: 2"}, append(append([]string{}, ownLines...), "X_custom: 1")...)...),
		view("GET /api/x of shop.example", "Authori_zation: z", "Authorization_: y", "Cookie_: 2", "Via: 1.1 aisle", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http", "X_custom: 1"),
	}
	if diff := cmp.Diff(want, r.views()); diff != "" {
		t.Error(diff)
	}
}

// The projection is all that reaches the origin of a segment, and all that
// enters the key.
func TestProjectionReachesTheOrigin(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"), func(s *setup) {
		s.options.Routes = []proxy.Route{
			{Match: proxy.Match{Path: "/narrow"}, Scope: cache.ScopeSegment, Segment: []string{"channel", "priceTables"}},
			{Match: proxy.Match{Path: "/none"}, Scope: cache.ScopeSegment, Segment: []string{}}}
	})
	gold := segmentJSON("priceTables", "gold", "regionId", "v2.1", "utm_source", "news", "cultureInfo", "es-MX")
	f := func(target, want, locale string) {
		t.Helper()
		n := len(r.requests())
		if a := r.get(target, r.shopper(gold)); a.Body != "GET "+target+" for "+want {
			t.Errorf("%s: %q", target, a.Body)
		}
		list := append([]string{"Cookie: vtex_segment=" + want}, ownLines...)
		if locale != "" {
			list = append(list, "X-Vtex-Locale: "+locale)
		}
		if diff := cmp.Diff(view("GET "+target+" of shop.example", append(list, "X-Vtex-Segment: "+want)...), r.views()[n]); diff != "" {
			t.Error(diff)
		}
	}
	f("/narrow", segmentJSON("priceTables", "gold"), "")
	f("/none", defaultSegment, "")
	f("/all", gold, "es-MX")
	f2 := func(target, segment, want string) {
		t.Helper()
		if a := r.get(target, r.shopper(segment)); a.detail(t) != want {
			t.Errorf("%s of %s: %s", target, segment, a.detail(t))
		}
	}
	f2("/narrow", segmentJSON("priceTables", "gold", "regionId", "v2.2"), "hit fresh")
	f2("/narrow", segmentJSON("priceTables", "silver"), "uri-miss absent")
	f2("/none", segmentJSON("priceTables", "silver"), "hit fresh")
	f2("/all", segmentJSON("priceTables", "gold", "regionId", "v2.2"), "uri-miss absent")
}

// No line of a client can be smuggled into what aisle writes: a culture with line
// breaks in it, percent-encoded or not, reaches the origin in the token alone.
func TestLocaleInjectsNothing(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	evil := `{"channel":"1","cultureInfo":"en-US\r\nX-Injected: 1"}`
	r.get("/shirt/p", "Cookie: vtex_segment="+tokenOf(evil))
	r.get("/api/x", "Cookie: vtex_segment="+tokenOf(evil))
	if n := len(r.requests()); n != 2 {
		t.Fatalf("the origin was asked %d times", n)
	}
	for _, q := range r.requests() {
		if q.Header.Get("X-Injected") != "" || q.Header.Get("X-Vtex-Locale") != "" {
			t.Errorf("reached the origin: %s", q)
		}
	}
}

// Shapes of the cookie: each reads as it does for everybody (facts 2.1), and
// none fails the page.
func TestCookieShapes(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		_, _ = w.Write([]byte(decodeTokens(q.Header.Get("X-Vtex-Segment"))))
	})
	usd := segmentJSON("channel", "2", "currencyCode", "USD", "currencySymbol", "$", "countryCode", "USA", "cultureInfo", "en-US")
	f := func(result, want string, cookies ...string) {
		t.Helper()
		before := r.count("aisle_segment_cookies_total", "result", result)
		if a := r.get("/shirt/p", cookies...); a.Status != 200 || a.Body != want {
			t.Errorf("%q: %d %q", cookies, a.Status, a.Body)
		}
		if r.count("aisle_segment_cookies_total", "result", result) != before+1 {
			t.Errorf("%q was not counted as %s", cookies, result)
		}
	}
	token := tokenOf(`{"channel":"2"}`) // 20 characters and one of padding less
	f("ok", usd, "Cookie: vtex_segment="+token)
	f("ok", usd, "Cookie: vtex_segment="+token+"=")
	f("ok", usd, "Cookie: vtex_segment="+token+"%3D")
	f("ok", usd, `Cookie: vtex_segment="`+token+`"`)
	f("ok", usd, "Cookie: junk; a=b", "Cookie:  vtex_segment = "+token)
	f("ok", usd, "Cookie: vtex_segment="+token+"; vtex_segment="+token)
	f("ok", usd, "Cookie: vtex_segment="+tokenOf(`{"channel":2}`))
	f("malformed", defaultSegment, "Cookie: vtex_segment=%%%")
	f("duplicate", defaultSegment, "Cookie: vtex_segment="+token+"; vtex_segment="+tokenOf(`{"channel":"1"}`))
	f("duplicate", defaultSegment, "Cookie: vtex_segment="+token, "Cookie: vtex_segment="+tokenOf(`{"channel":"1"}`))
	f("oversized", defaultSegment, "Cookie: vtex_segment="+strings.Repeat("a", 5000))
	f("absent", defaultSegment)
	f("absent", defaultSegment, "Cookie: VTEX_SEGMENT="+token)
}

// An overlay acts on the segment of this request and leaves the target; the page
// is that of a shopper who has those values.
func TestOverlay(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	f := func(result, target, cookie, wantTarget, wantSegment string) {
		t.Helper()
		before := r.count("aisle_segment_overlays_total", "result", result)
		if a := r.get(target, "Cookie: "+cookie); a.Body != "GET "+wantTarget+" for "+wantSegment {
			t.Errorf("%s: %q", target, a.Body)
		}
		if r.count("aisle_segment_overlays_total", "result", result) != before+1 {
			t.Errorf("%s was not counted as %s", target, result)
		}
	}
	usd := []string{"channel", "2", "currencyCode", "USD", "currencySymbol", "$", "countryCode", "USA", "cultureInfo", "en-US"}
	f("applied", "/p?sc=2", "", "/p", segmentJSON(usd...))
	f("applied", "/p?a=1&sc=2&b=2", "vtex_segment="+tokenOf(`{"channel":"1","regionId":"v2.X"}`), "/p?a=1&b=2", segmentJSON(append(usd, "regionId", "v2.X")...))
	f("unlisted", "/p?sc=9", "", "/p", defaultSegment)
	f("private", "/p?sc=3", "", "/p", defaultSegment)
	f("applied", "/p?utm_source=news&utm_campaign=black+friday&utmi_cp=i", "", "/p", segmentJSON("utm_source", "news", "utm_campaign", "black friday", "utmi_campaign", "i"))
	f("applied", "/p?utm%5Fsource=news&utm_medium=x&gclid=y", "vtex_segment="+tokenOf(`{"utm_source":"old"}`), "/p", segmentJSON("utm_source", "news"))
	asked := len(r.requests())
	if a := r.get("/p", "Cookie: vtex_segment="+tokenOf(segmentJSON(usd...))); a.detail(t) != "hit fresh" || len(r.requests()) != asked {
		t.Errorf("a shopper of channel 2 has another page than ?sc=2: %s", a.detail(t))
	}
}

// The query by scope: overlay and query.drop on segment scope, query.drop alone
// on public scope, nothing on a pass.
func TestQueryByScope(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	const query = "?b=2&utm_source=n&gclid=x&sc=2&&a=%31&%75tm_medium=m"
	f := func(method, path, want string) {
		t.Helper()
		n := len(r.requests())
		r.do(method, path+query, "")
		if got := r.requests()[n].URI; got != want {
			t.Errorf("%s %s reached the origin as %s, want %s", method, path, got, want)
		}
	}
	f("GET", "/shirt/p", "/shirt/p?a=1&b=2")
	f("GET", "/_v/public/x", "/_v/public/x?a=1&b=2&sc=2&utm_source=n")
	f("GET", "/api/x", "/api/x"+query)
	f("GET", "/checkout", "/checkout"+query)
	f("POST", "/shirt/p", "/shirt/p"+query)
	f("POST", "/_v/public/x", "/_v/public/x"+query)
	unsorted := newRig(t, cachedAs("Cache-Control: max-age=60"), func(s *setup) { s.options.QuerySort = false })
	unsorted.get("/shirt/p?b=1&a=2")
	if got := unsorted.requests()[0].URI; got != "/shirt/p?b=1&a=2" {
		t.Errorf("sorted all the same: %s", got)
	}
}

// What claims a price table without a proof gets the default, or is a pass, as
// the site says.
func TestUnsealedSegment(t *testing.T) {
	gold := segmentJSON("priceTables", "gold", "regionId", "v2.1")
	open := newRig(t, cachedAs("Cache-Control: max-age=60"), func(s *setup) { s.segments.Unsealed = 0 })
	if a := open.get("/shirt/p", "Cookie: vtex_segment="+tokenOf(gold)); a.Body != "GET /shirt/p for "+segmentJSON("regionId", "v2.1") || a.detail(t) != "uri-miss absent" {
		t.Errorf("default: %s %q", a.detail(t), a.Body)
	}
	if a := open.get("/shirt/p", open.shopper(gold)); a.Body != "GET /shirt/p for "+gold {
		t.Errorf("default, sealed: %q", a.Body)
	}
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	for range 2 {
		a := r.get("/shirt/p", "Cookie: vtex_segment="+tokenOf(gold)+"; id=7; aisle_seal=v1.k1.1.00000000000000000000000000000000")
		if a.Body != "GET /shirt/p for "+gold || a.detail(t) != "bypass unsealed" {
			t.Errorf("pass: %s %q", a.detail(t), a.Body)
		}
	}
	pass := view("GET /shirt/p of shop.example", "Cookie: vtex_segment="+gold+"; id=7", "Via: 1.1 aisle", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http",
		"X-Vtex-Locale: pt-BR", "X-Vtex-Segment: "+gold)
	if diff := cmp.Diff([]string{pass, pass}, r.views()); diff != "" {
		t.Error(diff)
	}
	for i := range 2 {
		if a := r.get("/shirt/p", r.shopper(gold)); a.detail(t) != [...]string{"uri-miss absent", "hit fresh"}[i] {
			t.Errorf("sealed, time %d: %s", i, a.detail(t))
		}
	}
	expired := strings.Replace(r.shopper(gold), "aisle_seal=v1", "aisle_seal=v2", 1)
	if a := r.get("/shirt/p", expired); a.detail(t) != "bypass unsealed" {
		t.Errorf("with a seal of another version: %s", a.detail(t))
	}
	if n := r.count("aisle_segment_seals_total", "result", "valid"); n != 2 {
		t.Errorf("%v valid seals counted", n)
	}
}

// A GET that carries a body, or comes over a route of no scope, is no page.
func TestWhatIsNeverAskedAnonymously(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	f := func(method, target, body, want string, headers ...string) {
		t.Helper()
		for range 2 {
			a := r.do(method, target, body, append(headers, "Cookie: mine=1")...)
			if a.Status != 200 || a.detail(t) != want {
				t.Errorf("%s %s: %d %s, want %s", method, target, a.Status, a.detail(t), want)
			}
			last := r.requests()[len(r.requests())-1]
			if last.Header.Get("Cookie") != "mine=1" || last.Method != method || last.Body != body {
				t.Errorf("%s %s reached the origin as %s", method, target, last)
			}
		}
	}
	f("GET", "/shirt/p", "body", "method method")
	f("GET", "/shirt/p", "", "bypass authorization", "Authorization: Basic x")
	f("POST", "/shirt/p", "body", "method method")
	f("PURGE", "/shirt/p", "", "method method")
	f("OPTIONS", "/shirt/p", "", "method method")
	for _, target := range []string{"/api/x", "/account", "/account/x.css", "/checkout;x/y.js", "/br/checkout/x", "/Account/", "/x/%61ccount/y.png", "/login", "/_v/private/x", "/admin/app.js"} {
		a := r.get(target, "Cookie: mine=1")
		if a.detail(t) != "bypass private-route" {
			t.Errorf("%s: %s", target, a.detail(t))
		}
	}
	if got := r.count("aisle_requests_total", "route", "builtin:account", "outcome", "pass"); got != 4 {
		t.Errorf("%v passes of builtin:account counted, want 4", got)
	}
}
