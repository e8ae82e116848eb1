package proxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/tests/ports"
)

// fakeSessions is a sidecar as an edge sees it.
type fakeSessions struct {
	sealer *segment.Sealer

	mu     sync.Mutex
	asked  []string          // what was asked for, in order
	tokens map[string]string // session token to segment as JSON
	facets map[string]string
	down   bool
}

func (f *fakeSessions) note(what string) (down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
	return f.down
}

func (f *fakeSessions) Recover(_ context.Context, token string) (string, string, []string, error) {
	down := f.note("recover " + token)
	text, ok := f.tokens[token]
	if down || !ok {
		return "", "", nil, errors.New("no")
	}
	seg := tokenOf(text)
	seal := f.sealer.Seal(time.Now(), []byte(seg))
	return seg, seal, []string{"vtex_segment=" + seg + "; Path=/", "aisle_seal=" + seal + "; Path=/"}, nil
}

func (f *fakeSessions) Facets(_ context.Context, ref string) (string, error) {
	if text, ok := f.facets[ref]; !f.note("facets "+ref) && ok {
		return text, nil
	}
	return "", errors.New("no")
}

const goldUSD = `{"campaigns":null,"channel":"2","priceTables":"gold","regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,` +
	`"currencyCode":"USD","currencySymbol":"$","countryCode":"USA","cultureInfo":"en-US","channelPrivacy":"public"}`

var plainUSD = strings.Replace(goldUSD, `"gold"`, "null", 1) // read only

// withSidecar is a rig with a sidecar of ours.
func withSidecar(t *testing.T, origin http.HandlerFunc, change ...func(*setup)) (*rig, *fakeSessions) {
	t.Helper()
	f := &fakeSessions{tokens: map[string]string{"S": goldUSD}, facets: map[string]string{}}
	r := newRig(t, origin, append([]func(*setup){func(s *setup) {
		var err error
		if f.sealer, err = segment.NewSealer("acme", s.segments.Keys, time.Hour, nil); err != nil {
			t.Fatal(err)
		}
		s.sessions, s.segments.Unsealed = f, segment.UnsealedDefault
	}}, change...)...)
	return r, f
}

// The sidecar's endpoints go to it, under any prefix, as they came and before any route of the operator's; nothing of them is stored.
func TestSidecarEndpoints(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		mu.Lock()
		seen = append(seen, q.Method+" "+q.RequestURI+" "+q.Header.Get("Cookie")+" "+string(body)+" "+q.Header.Get("X-Vtex-Segment")+q.Header.Get("X-Forwarded-For"))
		mu.Unlock()
		fields(w, "Cache-Control: public, max-age=60", "Set-Cookie: vtex_session=N; Path=/", "Set-Cookie: vtex_segment=x; Path=/", "Set-Cookie: aisle_seal=y; Path=/")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(sidecar.Close)
	r, _ := withSidecar(t, cachedAs("Cache-Control: max-age=60"), func(s *setup) {
		s.sidecar = sidecar.URL
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/**"}, Scope: cache.ScopePublic, TTL: cache.Span{Set: true, D: time.Minute}, SetCookie: cache.SetCookieStore}}
	})
	cookies := "Cookie: a=b; vtex_session=S; vtex_segment=T; aisle_seal=x"
	for range 2 {
		a := r.get("/api/sessions?items=*&utm_source=x&b=%7E&a=1", cookies)
		if a.Body != "{}" || len(a.Header.Values("Set-Cookie")) != 3 || !strings.Contains(a.Header.Get("Cache-Status"), "fwd=bypass") {
			t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
		}
	}
	r.do("PATCH", "/br/api/sessions", `{"public":{}}`, cookies)
	r.get("/api/segments/abc==")
	r.do("DELETE", "/api/sessions/T", "")
	mu.Lock()
	got := seen
	mu.Unlock()
	one := "GET /api/sessions?items=*&utm_source=x&b=%7E&a=1 a=b; vtex_session=S; vtex_segment=T  127.0.0.1"
	want := []string{one, one, "PATCH /br/api/sessions a=b; vtex_session=S; vtex_segment=T {\"public\":{}} 127.0.0.1", "GET /api/segments/abc==   127.0.0.1", "DELETE /api/sessions/T   127.0.0.1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.get("/api/sessionsX")
	if n := len(r.requests()); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// What the edge itself answers in the sidecar's place is JSON, whatever pages the operator has: with the status and Retry-After
// of before, and the id that the client gave the call.
func TestSidecarDown(t *testing.T) {
	down := "http://" + ports.Address(t)
	page := filepath.Join(t.TempDir(), "502.html")
	if err := os.WriteFile(page, []byte("<p>sorry"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(r *rig, method, target string, status int, kind, message, given string) {
		t.Helper()
		a := r.do(method, target, "{}", "X-VTEX-Operation-Id: "+given)
		var got struct{ Type, Message, OperationID string }
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != status || got.Type != kind || got.Message != message {
			t.Errorf("%s %s: %d %q", method, target, a.Status, a.Body)
		}
		id := a.Header.Get("X-Vtex-Operation-Id")
		if id == "" || id != got.OperationID || (given == "abc-1") != (id == given) || a.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s %s: %q %v", method, target, a.Body, a.Header)
		}
	}
	r, _ := withSidecar(t, cachedAs(), func(s *setup) {
		s.sidecar, s.options.SidecarRegions, s.options.ErrorPages = down, true, map[int]string{502: page}
	})
	f(r, "PATCH", "/br/api/sessions?items=*", 502, "Unavailable", "aisle: connect", "abc-1")
	f(r, "POST", "/api/segments/x", 502, "Unavailable", "aisle: connect", `a"b`)
	f(r, "POST", "/api/checkout/pub/regions", 502, "Unavailable", "aisle: connect", "")
	closed, _ := withSidecar(t, cachedAs(), func(s *setup) {
		s.sidecar, s.options.Maintenance = down, &proxy.Maintenance{Status: 410, RetryAfter: 9 * time.Second}
	})
	f(closed, "POST", "/api/sessions", 410, "Gone", "aisle: maintenance", "abc-1")
	if got := closed.get("/api/sessions").Header.Get("Retry-After"); got != "9" {
		t.Errorf("Retry-After %q", got)
	}
	if a := closed.get("/p"); a.Body != "aisle: maintenance\n" || a.Header.Get("X-Vtex-Operation-Id") != "" {
		t.Errorf("%q %v", a.Body, a.Header)
	}
}

// The id of a call reaches the sidecar, which echoes it; other fields of the kind are nobody's to send, and no origin gets either.
func TestSidecarOperation(t *testing.T) {
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("X-Vtex-Operation-Id", q.Header.Get("X-Vtex-Operation-Id"))
		_, _ = io.WriteString(w, q.Header.Get("X-Vtex-Segment"))
	}))
	t.Cleanup(sidecar.Close)
	r, _ := withSidecar(t, cachedAs(), func(s *setup) { s.sidecar = sidecar.URL })
	fields := []string{"X-VTEX-Operation-Id: abc-1", "X_Vtex_Operation_Id: abc-2", "X-Vtex-Segment: x"}
	if a := r.get("/api/sessions", fields...); a.Header.Get("X-Vtex-Operation-Id") != "abc-1" || a.Body != "" {
		t.Errorf("%q %v", a.Body, a.Header)
	}
	r.get("/api/other", fields...)
	for _, q := range r.requests() {
		if got := q.Header.Get("X-Vtex-Operation-Id"); got != "" {
			t.Errorf("the origin of %s got %q", q.URI, got)
		}
	}
}

// The regions API goes to the sidecar where it has the data, and else to the origin as any API does.
func TestSidecarRegions(t *testing.T) {
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, "sidecar "+q.RequestURI) }))
	t.Cleanup(sidecar.Close)
	for _, ours := range []bool{true, false} {
		r, _ := withSidecar(t, cachedAs(), func(s *setup) { s.sidecar, s.options.SidecarRegions = sidecar.URL, ours })
		for target, regions := range map[string]bool{
			"/api/checkout/pub/regions/?country=BRA&sc=2&postalCode=04561000": true, "/br/api/checkout/pub/regions/U1cj": true,
			"/api/checkout/pub/postal-code/BRA/04561000": true, "/api/checkout/pub/orderForm": false,
		} {
			if a := r.get(target); (a.Body == "sidecar "+target) != (ours && regions) || a.Status != 200 {
				t.Errorf("%s with regions of ours %v: %d %q", target, ours, a.Status, a.Body)
			}
		}
	}
}

// What `aisle check` prints is the table of the edge that runs: the sidecar's routes are first, those of the regions API among them
// where they are ours.
func TestDescribeWithSidecar(t *testing.T) {
	f := func(regions bool, want ...string) {
		t.Helper()
		var o proxy.Options
		r, _ := withSidecar(t, cachedAs(), func(s *setup) {
			s.options.SidecarRegions = regions
			s.options.Routes = []proxy.Route{{Name: "own", Match: proxy.Match{Path: "/**"}, Scope: cache.ScopePrivate}}
			o = s.options
		})
		o.Sidecar = true
		got := mustDescribe(t, o)
		if diff := cmp.Diff(r.edge.Describe(), got); diff != "" {
			t.Errorf("(-edge +check):\n%s", diff)
		}
		for i, begin := range want {
			if !strings.HasPrefix(got[i], begin) {
				t.Errorf("line %q, want %q", got[i], begin)
			}
		}
	}
	f(false, "1 sidecar:sessions host=* path=/**/api/sessions/**", "2 sidecar:segments ", "3 own ")
	f(true, "1 sidecar:sessions ", "2 sidecar:segments ", "3 sidecar:regions ", "4 sidecar:postal-code ", "5 own ")

	o := proxy.Options{Sidecar: true, SidecarRegions: true, Routes: []proxy.Route{{Match: proxy.Match{Path: "no-slash"}}}}
	if _, err := proxy.Describe(o); err == nil || !strings.Contains(err.Error(), "routes[0].match.path:") {
		t.Errorf("the operator's first route is at fault: %v", err)
	}
}

// A shopper who has lost the segment, or whose seal proves nothing any more, gets the page of the session, and both cookies again.
func TestRecovery(t *testing.T) {
	r, f := withSidecar(t, cachedAs("Cache-Control: max-age=60"), func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/loose/**"}, Scope: cache.ScopeSegment, Downstream: proxy.Downstream{Set: true, Browser: time.Minute}}}
	})
	stale := "vtex_segment=" + tokenOf(goldUSD) + "; aisle_seal=v1.k.1.00"
	check := func(target, cookie, want string, cookies int) {
		t.Helper()
		a := r.get(target, "Cookie: "+cookie)
		if a.Body != "GET "+target+" for "+want || len(a.Header.Values("Set-Cookie")) != cookies {
			t.Errorf("%s with %s: %q, cookies %q", target, cookie, a.Body, a.Header.Values("Set-Cookie"))
		}
	}
	check("/p", "vtex_session=S", goldUSD, 2)
	check("/p", "vtex_session=S", goldUSD, 2) // a hit
	check("/p", "vtex_session=S; "+stale, goldUSD, 2)
	check("/p", stale, plainUSD, 0) // without a session nobody proves it
	check("/p", "vtex_session=other", defaultSegment, 0)
	check("/loose/p", "vtex_session=S", goldUSD, 0)
	check("/assets/x.css", "vtex_session=S", "", 0)
	f.down = true
	check("/q", "vtex_session=S", defaultSegment, 0)
	if n := r.count("aisle_segment_recoveries_total", "result", "recovered"); n != 4 {
		t.Errorf("%v recoveries", n)
	}
	for _, q := range r.requests() {
		if strings.Contains(q.Header.Get("Cookie"), "vtex_session") || q.Header.Get("X-Vtex-Session") != "" {
			t.Errorf("a session reached the origin of a page: %s", q)
		}
	}
}

// A shopper with both cookies costs no call.
func TestNoRecovery(t *testing.T) {
	r, f := withSidecar(t, cachedAs("Cache-Control: max-age=60"))
	for range 2 {
		if a := r.get("/p", "Cookie: vtex_session=S; vtex_segment="+tokenOf(goldUSD)+"; aisle_seal="+f.sealer.Seal(time.Now(), []byte(tokenOf(goldUSD)))); a.Body != "GET /p for "+goldUSD {
			t.Errorf("%q", a.Body)
		}
	}
	r.get("/p", "Cookie: vtex_session=S; vtex_segment="+tokenOf(`{"channel":"2"}`))
	if len(f.asked) != 0 {
		t.Errorf("asked for %q", f.asked)
	}
}

// Facets that stand as a reference reach key and origin as what they stand for; what nobody can resolve is the origin's to judge.
func TestFacetsReference(t *testing.T) {
	const ref = "0123456789abcdef"
	r, f := withSidecar(t, cachedAs("Cache-Control: max-age=60"))
	with := func(facets string) string { return strings.TrimSuffix(goldUSD, "}") + `,"facets":"` + facets + `"}` }
	cookie := func(text string) string {
		return "Cookie: vtex_segment=" + tokenOf(text) + "; aisle_seal=" + f.sealer.Seal(time.Now(), []byte(tokenOf(text)))
	}
	f.facets[ref] = "zip-code=1;"
	if a := r.get("/p", cookie(with("ref="+ref))); a.Body != "GET /p for "+with("zip-code=1;") || !strings.HasPrefix(a.detail(t), "uri-miss") {
		t.Errorf("%q %s", a.Body, a.detail(t))
	}
	if a := r.get("/p", cookie(with("zip-code=1;"))); a.detail(t) != "hit fresh" {
		t.Errorf("the same facets, written out: %s", a.detail(t))
	}
	a := r.get("/p", cookie(with("ref=unknown")))
	if a.detail(t) != "bypass unresolved" {
		t.Errorf("%q %s", a.Body, a.detail(t))
	}
	f.facets["long"] = strings.Repeat("k=v;", 2000)
	if a := r.get("/p", cookie(with("ref=long"))); a.detail(t) != "bypass unresolved" {
		t.Errorf("facets that make the segment too long: %s", a.detail(t))
	}
}

// On private routes the origin gets the segment as verified, in the cookie too, and the session; the seal stays here.
func TestVerifiedSegmentOnPrivateRoutes(t *testing.T) {
	r, f := withSidecar(t, cachedAs())
	forged := tokenOf(goldUSD)
	r.get("/checkout/cart", "Cookie: a=b; vtex_session=S2; vtex_segment="+forged+"; aisle_seal=v1.k.1.00; c=d")
	r.get("/checkout/cart", "Cookie: vtex_session=S; vtex_segment="+forged+"; aisle_seal="+f.sealer.Seal(time.Now(), []byte(forged)))
	r.get("/checkout/cart")
	f2 := func(i int, cookie, text, session string) {
		t.Helper()
		q := r.requests()[i]
		if got := decodeTokens(q.Header.Get("Cookie")); got != cookie || len(q.Header.Values("Cookie")) != 1 || decodeTokens(q.Header.Get("X-Vtex-Segment")) != text || q.Header.Get("X-Vtex-Session") != session {
			t.Errorf("request %d: %q, segment %s, session %q", i, got, decodeTokens(q.Header.Get("X-Vtex-Segment")), q.Header.Get("X-Vtex-Session"))
		}
	}
	f2(0, "a=b; vtex_session=S2; c=d; vtex_segment="+plainUSD, plainUSD, "S2")
	f2(1, "vtex_session=S; vtex_segment="+goldUSD, goldUSD, "S")
	f2(2, "vtex_segment="+defaultSegment, defaultSegment, "")
}

// An origin's own idea of the sessions' cookies reaches nobody; its other cookies do.
func TestOriginsSessionCookiesAreDropped(t *testing.T) {
	r, _ := withSidecar(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Set-Cookie: vtex_segment=forged; Path=/", "Set-Cookie: vtex_session=forged", "Set-Cookie: aisle_seal=forged")
		if q.URL.Path == "/checkout/x" {
			fields(w, "Set-Cookie: cart=1; Path=/")
		}
		_, _ = io.WriteString(w, "page")
	})
	if a := r.get("/checkout/x"); cmp.Diff([]string{"cart=1; Path=/"}, a.Header.Values("Set-Cookie")) != "" {
		t.Errorf("pass: %q", a.Header.Values("Set-Cookie"))
	}
	if a := r.get("/p"); len(a.Header.Values("Set-Cookie")) != 0 || a.detail(t) != "uri-miss absent" {
		t.Errorf("page: %q %s", a.Header.Values("Set-Cookie"), a.detail(t))
	}
	if a := r.get("/p"); a.detail(t) != "hit fresh" {
		t.Errorf("it was not stored: %s", a.detail(t))
	}
}
