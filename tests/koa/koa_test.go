package koa_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/tests/rig"
)

// saw is the answer of origin.js: what reached it.
type saw struct {
	Path, Segment, Session, Cookie string
	Served                         int // a number of its own for each answer
}

// channels names the store group, so that a shopper without a cookie is one of the default channel.
const channels = `segment: {channels: {"1": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$"}}}`

// start runs the Koa origin and an edge before it.
func start(t *testing.T) (edge *rig.Edge, origin string) {
	t.Helper()
	origin = startOrigin(t)
	return rig.RunEdge(t, rig.Aisle(t), rig.Config(origin, channels)), origin
}

func startOrigin(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("node_modules/@vtex/api"); err != nil {
		rig.Need(t, "the npm package @vtex/api")
	}
	p := rig.Run(t, exec.Command(rig.Node(t, "../.."), "origin.js"))
	line, err := p.WaitStdout("listening on ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(line, "listening on ")
}

// token is a segment cookie as the public system issues it: compact, keys in its order, without padding.
func token(utmSource, region string) string {
	null := func(v string) string {
		if v == "" {
			return "null"
		}
		return strconv.Quote(v)
	}
	return base64.RawStdEncoding.EncodeToString([]byte(`{"campaigns":null,"channel":"1","priceTables":null,"regionId":` + null(region) +
		`,"utm_campaign":null,"utm_source":` + null(utmSource) + `,"utmi_campaign":null,"currencyCode":"BRL","currencySymbol":"R$",` +
		`"countryCode":"BRA","cultureInfo":"pt-BR","channelPrivacy":"public"}`))
}

// stated decodes a token as a storefront does.
func stated(t *testing.T, token string) (fields struct{ UTMSource, RegionID string }) {
	t.Helper()
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(token, "="))
	var all map[string]any
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatalf("the origin got no segment token but %q: %v", token, err)
	}
	fields.UTMSource, _ = all["utm_source"].(string)
	fields.RegionID, _ = all["regionId"].(string)
	return fields
}

func get(t *testing.T, edge *rig.Edge, path string, headers ...string) (saw, *rig.Response) {
	t.Helper()
	r := rig.Get(t, edge.URL+path, headers...)
	var s saw
	if err := json.Unmarshal([]byte(r.Body), &s); err != nil || r.Status != 200 {
		t.Fatalf("GET %s: %d %q: %v", path, r.Status, r.Body, err)
	}
	return s, r
}

// TestConditionalVary is the trap of store-graphql #145: on an ordinary path the middleware names x-vtex-segment in
// Vary only where the request carried it. A first request without a cookie must not become everybody's page.
func TestConditionalVary(t *testing.T) {
	edge, origin := start(t)
	direct := rig.Get(t, origin+"/shirt/p")
	if vary := strings.Join(direct.Header.Values("Vary"), ","); strings.Contains(vary, "x-vtex-segment") {
		t.Fatalf("the origin sets no trap: Vary %q without a segment", vary)
	}
	served := map[int]string{}
	f := func(name, cookie, utmSource, region string) {
		t.Helper()
		var headers []string
		if cookie != "" {
			headers = []string{"Cookie: " + cookie}
		}
		first, r := get(t, edge, "/shirt/p", headers...)
		if r.Hit() {
			t.Errorf("%s: the first request was a hit: %s", name, r.CacheStatus())
		}
		if other, taken := served[first.Served]; taken {
			t.Errorf("%s got the page of %s", name, other)
		}
		served[first.Served] = name
		if got := stated(t, first.Segment); got.UTMSource != utmSource || got.RegionID != region {
			t.Errorf("%s: the page was made for %+v", name, got)
		}
		if first.Session != "" || strings.Contains(first.Cookie, "vtex_session") || strings.Contains(first.Cookie, "ours") {
			t.Errorf("%s: a cacheable page was asked for with %+v", name, first)
		}
		again, r := get(t, edge, "/shirt/p", headers...)
		if diff := cmp.Diff(first, again); diff != "" || !r.Hit() {
			t.Errorf("%s: the second request was no hit (%s):\n%s", name, r.CacheStatus(), diff)
		}
		if cc := r.Header.Get("Cache-Control"); cc != "private, no-cache" {
			t.Errorf("%s: others may keep the page: Cache-Control %q", name, cc)
		}
	}
	f("nobody", "", "", "")
	f("google", "vtex_session=jwt; vtex_segment="+token("google", "")+"; ours=1", "google", "")
	f("the south", "vtex_segment="+token("", "v2.ABC"), "", "v2.ABC")
}

// TestDefaultSegment: the token that says nothing but defaults is the same shopper as none.
func TestDefaultSegment(t *testing.T) {
	edge, _ := start(t)
	first, _ := get(t, edge, "/")
	second, r := get(t, edge, "/", "Cookie: vtex_segment="+token("", ""))
	if !r.Hit() || first != second {
		t.Errorf("absent and default are two pages: %s\n%s", r.CacheStatus(), cmp.Diff(first, second))
	}
}

// TestSessionVary: what the middleware lets vary by session is nobody else's, and is not kept.
func TestSessionVary(t *testing.T) {
	edge, _ := start(t)
	cookie := "Cookie: vtex_session=jwt-1; vtex_segment=" + token("google", "")
	f := func(path string, want saw) {
		t.Helper()
		first, r := get(t, edge, path, cookie)
		second, again := get(t, edge, path, cookie)
		if r.Hit() || again.Hit() || first.Served == second.Served {
			t.Errorf("%s was stored: %s", path, again.CacheStatus())
		}
		if vary := strings.Join(again.Header.Values("Vary"), ","); !strings.Contains(vary, "x-vtex-session") {
			t.Errorf("%s: Vary %q: this is not the answer that the test is about", path, vary)
		}
		first.Served = 0
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("%s, as the origin saw it (-want +got):\n%s", path, diff)
		}
	}
	f("/_v/private/cart", saw{
		Path: "/_v/private/cart", Segment: token("google", ""), Session: "jwt-1",
		Cookie: "vtex_session=jwt-1; vtex_segment=" + token("google", ""),
	})
}

// TestPublicPath: no segment, no session, no cookie, one page for all.
func TestPublicPath(t *testing.T) {
	edge, _ := start(t)
	first, r := get(t, edge, "/_v/public/flags", "Cookie: vtex_session=jwt; vtex_segment="+token("google", "")+"; other=1")
	if diff := cmp.Diff(saw{Path: "/_v/public/flags", Served: first.Served}, first); diff != "" || r.Hit() {
		t.Errorf("the origin saw more than the path (%s):\n%s", r.CacheStatus(), diff)
	}
	for _, headers := range [][]string{nil, {"Cookie: vtex_segment=" + token("bing", "")}} {
		second, r := get(t, edge, "/_v/public/flags", headers...)
		if !r.Hit() || second != first {
			t.Errorf("with %q: %s, %+v", headers, r.CacheStatus(), second)
		}
		if cc := r.Header.Get("Cache-Control"); cc != "public, max-age=60" {
			t.Errorf("public scope keeps the origin's Cache-Control, not %q", cc)
		}
	}
}

// TestSegmentPath: keyed by the segment, without the session.
func TestSegmentPath(t *testing.T) {
	edge, _ := start(t)
	google, _ := get(t, edge, "/_v/segment/prices", "Cookie: vtex_session=jwt; vtex_segment="+token("google", ""))
	if stated(t, google.Segment).UTMSource != "google" || google.Session != "" || strings.Contains(google.Cookie, "jwt") {
		t.Errorf("the origin saw %+v", google)
	}
	bing, r := get(t, edge, "/_v/segment/prices", "Cookie: vtex_segment="+token("bing", ""))
	if r.Hit() || stated(t, bing.Segment).UTMSource != "bing" {
		t.Errorf("another segment got %+v (%s)", bing, r.CacheStatus())
	}
	again, r := get(t, edge, "/_v/segment/prices", "Cookie: vtex_segment="+token("google", ""))
	if !r.Hit() || again != google {
		t.Errorf("the same segment got %+v (%s)", again, r.CacheStatus())
	}
}
