package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
)

func compiled(t testing.TB, routes ...Route) *routeTable {
	t.Helper()
	table, err := compileRoutes(Options{SegmentCookie: "vtex_segment", Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestOwnRoutesMatchFirst(t *testing.T) {
	table := compiled(t,
		Route{Name: "get", Match: Match{Path: "/m", Methods: []string{"GET"}}},
		Route{Name: "post", Match: Match{Path: "/m", Methods: []string{"PURGE", "POST"}}},
		Route{Name: "sub", Match: Match{Host: "*.Shop.example"}, Scope: cache.ScopePublic},
		Route{Name: "exact", Match: Match{Host: "b2b.example:8443", Path: "/x/**"}},
		Route{Match: Match{Path: "/**/p"}, Scope: cache.ScopeSegment},
		Route{Name: "checkout", Match: Match{Path: "/checkout/static/**"}, Scope: cache.ScopePublic},
	)
	f := func(method, host, path, want string) {
		t.Helper()
		if got := table.match([]byte(method), []byte(host), []byte(path)); got.Name != want || table.routes[got.index] != got {
			t.Errorf("%s %s%s: %s (%d)", method, host, path, got.Name, got.index)
		}
	}
	f("GET", "h", "/m", "get")
	f("HEAD", "h", "/m", "get")
	f("POST", "h", "/m", "post")
	f("get", "h", "/m", "builtin:rest")
	f("PUT", "h", "/m", "builtin:rest")
	f("PUT", "a.shop.example:81", "/m", "sub")
	f("GET", "shop.example", "/x/a", "builtin:rest")
	f("GET", "b2b.example:8443", "/x", "exact")
	f("GET", "b2b.example", "/x", "builtin:rest")
	f("GET", "h", "/shirt/p", "/**/p")
	f("GET", "h", "/checkout/static/app.js", "checkout") // the operator's word counts
	f("GET", "h", "/checkout/app.js", "builtin:checkout")
	f("OPTIONS", "h", "*", "builtin:rest")
}

func TestDescribe(t *testing.T) {
	table := compiled(t,
		Route{Name: "product", Match: Match{Host: "*.shop.example", Path: "/**/p", Methods: []string{"GET", "POST"}}, Scope: cache.ScopeSegment,
			Segment: []string{"channel", "priceTables"}, TTL: cache.Span{Set: true, D: 5 * time.Minute}, Grace: cache.Span{Set: true, D: time.Hour}, Upstream: "storefront"},
		Route{Match: Match{Path: "/home"}, Scope: cache.ScopeSegment, Segment: []string{}},
		Route{Match: Match{}, Scope: cache.ScopePrivate},
	)
	want := []string{
		"1 product host=*.shop.example path=/**/p methods=GET,POST scope=segment segment=channel,priceTables ttl=5m0s grace=1h0m0s keep=unset upstream=storefront",
		"2 /home host=* path=/home methods=* scope=segment segment=none ttl=unset grace=unset keep=unset upstream=default",
		"3 * host=* path=* methods=* scope=private upstream=default",
		"4 builtin:api host=* path=/**/api/** methods=* scope=private upstream=default",
		"5 builtin:checkout host=* path=/**/checkout/** methods=* scope=private upstream=default",
		"6 builtin:account host=* path=/**/account/** methods=* scope=private upstream=default",
		"7 builtin:login host=* path=/**/login/** methods=* scope=private upstream=default",
		"8 builtin:admin host=* path=/**/admin/** methods=* scope=private upstream=default",
		"9 builtin:_v/private host=* path=/**/_v/private/** methods=* scope=private upstream=default",
		"10 builtin:_secure host=* path=/**/_secure/** methods=* scope=private upstream=default",
		"11 builtin:_v/segment host=* path=/_v/segment/** methods=* scope=segment segment=all ttl=unset grace=unset keep=unset upstream=default",
		"12 builtin:_v/public host=* path=/_v/public/** methods=* scope=public ttl=unset grace=unset keep=unset upstream=default",
		"13 builtin:assets host=* path=/**/*.{css,js,mjs,map,woff,woff2,ttf,otf,png,jpg,jpeg,gif,webp,avif,svg,ico,mp4,webm} methods=* scope=public ttl=unset grace=unset keep=unset upstream=default",
		"14 builtin:rest host=* path=/** methods=* scope=segment segment=all ttl=unset grace=unset keep=unset upstream=default",
	}
	if diff := cmp.Diff(want, table.Describe()); diff != "" {
		t.Error(diff)
	}
}

func TestKeyedNames(t *testing.T) {
	table := compiled(t, Route{Match: Match{Path: "/x"}, Scope: cache.ScopeSegment,
		KeyHeaders: []Keyed{{Name: "CF-IPCountry", Values: []string{"BR", "AR"}}}, KeyCookies: []Keyed{{Name: "CF-IPCountry", Values: []string{"a"}}}})
	r := table.routes[0]
	k := r.keyedHeader([]byte("cf-ipcountry"))
	if k == nil || k.tag == r.keyCookies[0].tag || r.keyedHeader([]byte("accept")) != nil {
		t.Fatalf("%+v", r)
	}
	f := func(value string, want bool) {
		t.Helper()
		picked := k.pick([]byte(value))
		if (picked != nil) != want || want && string(picked) != value {
			t.Errorf("%q: picked %q", value, picked)
		}
	}
	f("BR", true)
	f("AR", true)
	f("br", false)
	f("US", false)
	f("", false)
	if diff := cmp.Diff([]string{"vtex_segment", "aisle_seal", "vtex_session", "CF-IPCountry"}, r.cookies); diff != "" {
		t.Error(diff)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	table := compiled(t, Route{Match: Match{Host: "*.a.example", Path: "/**/x/*y*"}}, Route{Match: Match{Path: "/**/p", Methods: []string{"GET"}}})
	method, host := []byte("GET"), []byte("shop.example:8080")
	paths := [][]byte{[]byte("/shirt/p"), []byte("/a/b/app.WOFF2"), []byte("/br/Checkout;x/cart"), []byte("/rest/of/it")}
	if n := testing.AllocsPerRun(100, func() {
		for _, p := range paths {
			table.match(method, host, p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// refusals compiles one route and gives its errors, one per line.
func refusals(r Route) string {
	_, err := compileRoutes(Options{Routes: []Route{{Match: Match{Path: "/ok"}}, r}})
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRouteErrors(t *testing.T) {
	f := func(r Route, want ...string) {
		t.Helper()
		got := refusals(r)
		if lines := strings.Split(got, "\n"); len(lines) != len(want) {
			t.Errorf("got %q, want %q", lines, want)
		}
		for _, w := range want {
			if !strings.Contains(got, "routes[1]."+w) {
				t.Errorf("got %q, want %q in it", got, w)
			}
		}
	}
	set := cache.Span{Set: true, D: time.Second}
	segmentRoute := Route{Scope: cache.ScopeSegment}
	f(Route{Match: Match{Host: "a b", Path: "x", Methods: []string{"GET", "get", "A B"}}}, "match.host: ", "match.path: ", "match.methods[1]: ", "match.methods[2]: ")
	f(Route{Scope: 9}, "scope: unknown value 9")
	f(Route{Segment: []string{}, EchoCheck: true, Downstream: Downstream{Set: true}, TTL: set, Grace: set, Keep: set, StatusTTL: map[int]time.Duration{404: 1}, SetCookie: cache.SetCookieStrip},
		"segment: means nothing on private", "echo_check: ", "downstream: ", "ttl: ", "grace: ", "keep: ", "status_ttl: ", "set_cookie: ")
	f(Route{Scope: cache.ScopePublic, Segment: []string{"channel"}}, "segment: means nothing on public scope")
	f(Route{KeyHeaders: []Keyed{{"A", []string{"a"}}}, KeyCookies: []Keyed{{"a", []string{"a"}}}, ForwardHeaders: []string{"B"}}, "key.headers: ", "key.cookies: ", "forward.headers: ")
	r := segmentRoute
	r.TTL, r.Grace, r.Keep = cache.Span{Set: true, D: -1}, cache.Span{D: -2}, cache.Span{D: -3}
	r.Downstream = Downstream{Set: true, Browser: -1, CDN: -1}
	f(r, "ttl: -1ns", "grace: ", "keep: ", "downstream.browser: ", "downstream.cdn: ")
	r = segmentRoute
	r.StatusTTL = map[int]time.Duration{304: 1, 200: -1}
	f(r, "status_ttl.304: no answer", "status_ttl.200: ")
	r = segmentRoute
	r.Override, r.SetCookie = true, 7
	f(r, "override: ", "set_cookie: unknown value 7")
}

func TestKeyedErrors(t *testing.T) {
	f := func(header, cookie Keyed, want string) {
		t.Helper()
		got := refusals(Route{Scope: cache.ScopeSegment, KeyHeaders: []Keyed{{"X-Ok", []string{"1"}}, header}, KeyCookies: []Keyed{{"ok", []string{"1"}}, cookie}})
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	one := []string{"1"}
	good, goodCookie := Keyed{"X-Other", one}, Keyed{"other", one}
	f(good, goodCookie, "")
	f(Keyed{"a b", one}, goodCookie, `key.headers[1]: "a b" is no field name`)
	f(Keyed{"x-OK", one}, goodCookie, `key.headers[1]: "x-OK" stands twice`)
	f(Keyed{"X-Other", nil}, goodCookie, `key.headers[1]: "X-Other" needs the list`)
	for _, name := range []string{"Cookie", "Authorization", "Host", "X-Vtex-Segment", "X-Forwarded-For", "Connection", "Range", "If-None-Match", "Via", "Content-Type"} {
		f(Keyed{name, one}, goodCookie, "key.headers[1]: "+name+" must not reach")
	}
	for _, v := range []string{"", " a", "a;b", "a\nb", "a,b", `"a"`} {
		f(Keyed{"X-Other", []string{"1", v}}, goodCookie, "key.headers[1]: value ")
	}
	f(good, Keyed{"OK", one}, "") // cookies' names have a case
	f(good, Keyed{"ok", one}, `key.cookies[1]: "ok" stands twice`)
	f(good, Keyed{"a=b", one}, `key.cookies[1]: "a=b" is no cookie name`)
	for _, name := range []string{"vtex_segment", "vtex_session", "aisle_seal"} {
		f(good, Keyed{name, one}, "key.cookies[1]: "+name)
	}
	if got := refusals(Route{Scope: cache.ScopeSegment, ForwardHeaders: []string{"X-Preview", "Cookie"}}); !strings.HasPrefix(got, "routes[1].forward.headers[1]: Cookie ") {
		t.Error(got)
	}
}

// The table gives the first of its routes that would match alone.
func TestFirstMatchWins(t *testing.T) {
	routeOf := rapid.Custom(func(t *rapid.T) Route {
		return Route{Match: Match{
			Host:    rapid.SampledFrom([]string{"", "a.example", "*.example", "b.example:81"}).Draw(t, "host"),
			Path:    rapid.SampledFrom([]string{"", "/x/**", "/**/p", "/*", "/x/*/p", "/login"}).Draw(t, "path"),
			Methods: rapid.SampledFrom([][]string{nil, {"GET"}, {"POST", "PUT"}, {"HEAD"}}).Draw(t, "methods"),
		}}
	})
	rapid.Check(t, func(rt *rapid.T) {
		routes := rapid.SliceOfN(routeOf, 0, 5).Draw(rt, "routes")
		method := []byte(rapid.SampledFrom([]string{"GET", "HEAD", "POST", "DELETE"}).Draw(rt, "method"))
		host := []byte(rapid.SampledFrom([]string{"a.example", "b.example", "b.example:81", "other"}).Draw(rt, "host"))
		path := []byte(rapid.SampledFrom([]string{"/", "/x", "/x/a/p", "/p", "/login", "/a.css", "/x/b.js"}).Draw(rt, "path"))
		got := compiled(t, routes...).match(method, host, path)
		for i := range routes {
			if alone := compiled(t, routes[i]).match(method, host, path); alone.index == 0 {
				if got.index != i {
					rt.Fatalf("got %d, want %d", got.index, i)
				}
				return
			}
		}
		if want := compiled(t).match(method, host, path); got.Name != want.Name || got.index != len(routes)+want.index {
			rt.Fatalf("got %s (%d), want %s", got.Name, got.index, want.Name)
		}
	})
}
