package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// asker counts what reaches the origin around one request.
func (r *rig) asks(target string, headers ...string) (a answer, asked int) {
	r.t.Helper()
	before := len(r.requests())
	a = r.get(target, headers...)
	return a, len(r.requests()) - before
}

// A page that an origin narrows by Segment-Vary is shared by all who agree in
// those fields; nobody else gets it, and the field does not leave.
func TestSegmentVarySharesAPage(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60", `Etag: "v1"`, "Segment-Vary: channel, regionId")
		_, _ = io.WriteString(w, decodeTokens(q.Header.Get("X-Vtex-Segment")))
	})
	f := func(want int, pairs ...string) answer {
		t.Helper()
		a, asked := r.asks("/p", r.shopper(segmentJSON(pairs...)))
		if asked != want {
			t.Errorf("%v: the origin was asked %d times, want %d", pairs, asked, want)
		}
		if a.Header.Get("Segment-Vary") != "" {
			t.Error("Segment-Vary left the edge")
		}
		region := segmentJSON(pairs...)
		region = region[strings.Index(region, `"regionId"`):strings.Index(region, `"utm_campaign"`)]
		if !strings.Contains(a.Body, region) {
			t.Errorf("%v got the page of %s", pairs, a.Body)
		}
		return a
	}
	first := f(1, "priceTables", "gold")
	second := f(0, "priceTables", "silver")
	f(0, "priceTables", "gold", "utm_source", "news")
	f(1, "regionId", "v2.A")
	f(0, "regionId", "v2.A", "priceTables", "gold")
	f(1, "regionId", "v2.B")
	f(0)
	if first.Header.Get("Etag") == second.Header.Get("Etag") {
		t.Error("two segments have one tag, though the page may be narrowed otherwise tomorrow")
	}
	if a, _ := r.asks("/p", r.shopper(segmentJSON("priceTables", "silver")), "If-None-Match: "+first.Header.Get("Etag")); a.Status != 200 {
		t.Errorf("another segment's tag was confirmed: %d", a.Status)
	}
}

// Vary on a request field makes variants; on one that does not reach the origin,
// none.
func TestVaryMakesVariants(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Vary: Accept-Language, X-Vtex-Segment, X-Custom")
		fmt.Fprintf(w, "%s%s", q.Header.Values("Accept-Language"), q.Header.Values("X-Custom"))
	})
	f := func(target string, want int, body string, headers ...string) {
		t.Helper()
		if a, asked := r.asks(target, headers...); asked != want || a.Body != body {
			t.Errorf("%s %q: %q, the origin was asked %d times, want %d", target, headers, a.Body, asked, want)
		}
	}
	f("/p", 1, "[pt-BR][]", "Accept-Language: pt-BR")
	f("/p", 0, "[pt-BR][]", "accept-language:  pt-BR ")
	f("/p", 1, "[en][]", "Accept-Language: en")
	f("/p", 1, "[][]")
	f("/p", 1, "[][]", "Accept-Language:") // empty is not absent
	f("/p", 0, "[][]", "X-Custom: 1")
	f("/p", 1, "[en pt][]", "Accept-Language: en", "Accept-Language: pt")
	f("/p", 0, "[en pt][]", "Accept-Language: en, pt")
	f("/p", 0, "[][]", "Accept-Language: en", "Connection: accept-language")
	public := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Vary: X-Custom")
		fmt.Fprint(w, q.Header.Values("X-Custom"))
	})
	r = public
	f("/assets/x.css", 1, "[1]", "X-Custom: 1")
	f("/assets/x.css", 0, "[1]", "X-CUSTOM: 1")
	f("/assets/x.css", 1, "[2]", "X-Custom: 2")
	f("/assets/x.css", 1, "[]", "Accept: x")
	f("/assets/x.css", 0, "[]", "X-Custom: 1", "Connection: x-custom")
}

// Who does not accept a coding never gets it, though the origin forgot to say
// that its answer depends on Accept-Encoding.
func TestCodedPageIsAVariant(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		if q.Header.Get("Accept-Encoding") == "gzip" {
			fields(w, "Content-Encoding: gzip")
			_, _ = io.WriteString(w, "coded")
			return
		}
		_, _ = io.WriteString(w, "plain")
	})
	for i, want := range []string{"coded", "coded", "plain", "plain"} {
		var headers []string
		if want == "coded" {
			headers = []string{"Accept-Encoding: gzip"}
		}
		if a := r.get("/p", headers...); a.Body != want || a.Header.Get("Content-Encoding") == "gzip" != (want == "coded") {
			t.Errorf("request %d: %q, want %q", i, a.Body, want)
		}
	}
	if n := len(r.requests()); n != 2 {
		t.Errorf("the origin was asked %d times, want 2", n)
	}
}

// On a route that does not project the culture, a page that varies by locale is
// for no one; where it is projected, the key meets it.
func TestVaryByLocale(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60", "Vary: x-vtex-locale"), func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/narrow"}, Scope: cache.ScopeSegment, Segment: []string{"channel"}}}
	})
	if a := r.get("/narrow"); a.detail(t) != "miss vary-locale" {
		t.Errorf("%s", a.detail(t))
	}
	for i, want := range []string{"uri-miss absent", "hit fresh"} {
		if a := r.get("/p"); a.detail(t) != want {
			t.Errorf("time %d: %s", i, a.detail(t))
		}
	}
}

// The echo check: a page is stored only if the token that it embeds is of the
// projection it was asked for with; else everybody goes as a pass.
func TestEchoCheck(t *testing.T) {
	route := func(segment ...string) func(*setup) {
		return func(s *setup) {
			s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/p"}, Scope: cache.ScopeSegment, Segment: segment, EchoCheck: true}}
		}
	}
	gold, silver := segmentJSON("priceTables", "gold", "regionId", "v2.A"), segmentJSON("priceTables", "silver", "regionId", "v2.A")
	f := func(name string, setup func(*setup), detail string, body func(token string) string, list ...string) {
		t.Helper()
		r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
			fields(w, append(list, "Cache-Control: max-age=60")...)
			_, _ = io.WriteString(w, body(q.Header.Get("X-Vtex-Segment")))
		}, setup)
		a := r.get("/p", r.shopper(gold, "id=7"), "Accept-Encoding: gzip")
		if a.detail(t) != detail || a.Status != 200 {
			t.Errorf("%s: %d %s, want %s", name, a.Status, a.detail(t), detail)
		}
		second := "hit fresh"
		if strings.HasPrefix(detail, "bypass") {
			second = "bypass marked"
			if a.Body != body(tokenOf(gold)) {
				t.Errorf("%s: the pass brought %q", name, a.Body)
			}
		}
		if a := r.get("/p", r.shopper(gold)); a.detail(t) != second {
			t.Errorf("%s, then: %s, want %s", name, a.detail(t), second)
		}
		if diff := cmp.Diff("identity", r.requests()[0].Header.Get("Accept-Encoding")); diff != "" {
			t.Errorf("%s: Accept-Encoding: %s", name, diff)
		}
	}
	embed := func(token string) func(string) string {
		return func(own string) string {
			if token == "" {
				token = own
			}
			return `<script>{"segmentToken":"` + token + `","session":"eyJhbGciOiJFUzI1NiJ9.eyJpZCI6IjEifQ.sig"}</script>`
		}
	}
	f("its own", route(), "uri-miss absent", embed(""))
	f("its own, padded and split over the page", route(), "uri-miss absent", func(own string) string { return embed(own)("") + own + "=" })
	f("another's", route(), "bypass echo-mismatch", embed(tokenOf(silver)))
	f("its own and another's", route(), "bypass echo-mismatch", func(own string) string { return own + " " + tokenOf(silver) })
	f("the default", route(), "bypass echo-mismatch", embed(tokenOf(defaultSegment)))
	f("none", route(), "uri-miss absent", func(string) string { return "no token" })
	f("another's, in what is not projected", route("regionId"), "uri-miss absent", embed(tokenOf(silver)))
	f("another's, in what the page is narrowed from", route(), "uri-miss absent", embed(tokenOf(silver)), "Segment-Vary: regionId")
	f("another's, in what the page is narrowed to", route(), "bypass echo-mismatch", embed(tokenOf(silver)), "Segment-Vary: priceTables")
	f("a coded page", route(), "bypass echo-unreadable", embed(""), "Content-Encoding: gzip")
}
