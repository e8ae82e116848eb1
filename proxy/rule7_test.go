package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// loud are fields that would let others keep a page for too long.
var loud = []string{"Expires: Wed, 21 Oct 2099 07:28:00 GMT", "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT", "Pragma: public", "Etag: \"v1\"",
	"Cdn-Cache-Control: max-age=9", "Surrogate-Control: max-age=9", "Edge-Control: max-age=9", "Cloudflare-Cdn-Cache-Control: max-age=9", "X-Accel-Expires: 9", "Aisle-Cdn-Cache-Control: max-age=60",
	"Segment-Vary: channel", "Content-Type: text/html", "X-Kept: 1"}

// quiet checks what every answer on a segment route has in common (DESIGN.md, rule 7).
func quiet(t *testing.T, name string, a answer, control string) {
	t.Helper()
	got := http.Header{}
	for k := range a.Header {
		if strings.Contains(k, "Control") || k == "Expires" || k == "Last-Modified" || k == "Pragma" || k == "X-Accel-Expires" || k == "Segment-Vary" {
			got[k] = a.Header[k]
		}
	}
	if diff := cmp.Diff(http.Header{"Cache-Control": {control}}, got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// Every kind of answer leaves a segment route private, without Last-Modified and
// targeted fields, and with no entity tag of the origin's own.
func TestDownstreamOfEveryAnswerOnASegmentRoute(t *testing.T) {
	status, dead := 200, false
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if dead {
			panic(http.ErrAbortHandler)
		}
		fields(w, loud...)
		if strings.HasPrefix(q.URL.Path, "/short") {
			w.Header().Set("Aisle-Cdn-Cache-Control", "max-age=0, stale-if-error=60")
		}
		fields(w, "Cache-Control: public, max-age=31536000, immutable")
		w.WriteHeader(status)
		if q.Method != http.MethodHead {
			_, _ = io.WriteString(w, "page")
		}
	})
	const always = "private, no-cache"
	f := func(name string, want int, detail string, a answer, tagged bool) {
		t.Helper()
		if a.Status != want || a.detail(t) != detail {
			t.Errorf("%s: %d %s", name, a.Status, a.detail(t))
		}
		quiet(t, name, a, always)
		if tag := a.Header.Get("Etag"); (tag != "") != tagged || tag == `"v1"` {
			t.Errorf("%s: ETag %q", name, tag)
		}
	}
	f("miss", 200, "uri-miss absent", r.get("/p"), true)
	r.waitForLandings(1) // what a POST takes back meanwhile does not
	hit := r.get("/p")
	f("hit", 200, "hit fresh", hit, true)
	f("304", 304, "hit fresh", r.get("/p", "If-None-Match: "+hit.Header.Get("Etag")), true)
	f("HEAD from memory", 200, "hit fresh", r.do("HEAD", "/p", ""), true)
	f("HEAD", 200, "uri-miss absent", r.do("HEAD", "/q", ""), true)
	f("pass by method", 200, "method method", r.do("POST", "/p", "x"), true)
	f("pass by credentials", 200, "bypass authorization", r.get("/p", "Authorization: Basic x"), true)
	status = 404
	f("404", 404, "uri-miss absent", r.get("/gone"), true)
	f("404 from memory", 404, "hit fresh", r.get("/gone"), true)
	status = 503
	f("5xx", 503, "miss origin-5xx", r.get("/broken"), true)
	f("5xx of a pass", 503, "method method", r.do("POST", "/broken", "x"), true)
	status = 302
	f("redirect", 302, "uri-miss absent", r.get("/moved"), true)
	status = 200
	f("stale to be", 200, "uri-miss absent", r.get("/short"), true)
	r.waitForLandings(4) // all but the 5xx and the HEAD
	dead = true
	f("stale", 200, "hit stale-on-error", r.get("/short"), true)
	a := r.get("/dead")
	if a.Status != 502 || a.Body != "aisle: "+a.status(t)["detail"].(string)+"\n" {
		t.Errorf("error of ours: %d %q", a.Status, a.Body)
	}
	quiet(t, "error of ours", a, "private, no-cache, no-store")
	quiet(t, "refused", r.get("/\\"), "no-store") // before there is a route
}

// The origin's no-store is kept, on a pass and on a page alike.
func TestNoStoreIsKept(t *testing.T) {
	f := func(want string, list ...string) {
		t.Helper()
		r := newRig(t, unstorable(200, list...))
		for range 2 {
			quiet(t, want, r.get("/p"), want)
		}
		quiet(t, want, r.do("POST", "/p", "x"), want)
	}
	f("private, no-cache, no-store", "Cache-Control: no-store")
	f("private, no-cache, no-store", "Cache-Control: max-age=60", "Cache-Control: max-age=1, No-Store")
	f("private, no-cache, no-store", "Cache-Control: no-store", "Aisle-Cdn-Cache-Control: max-age=60")
	f("private, no-cache", "Cache-Control: max-age=60")
	f("private, no-cache", "Cache-Control: private=\"no-store\"")
}

// The tag names the projected segment and the origin's validator: no other
// shopper's, and not the origin's own, confirms a page.
func TestETagOfASegmentPage(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60", `Etag: "v1"`, "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT", "Vary: Accept"))
	usd := "Cookie: vtex_segment=" + tokenOf(`{"channel":"2"}`)
	mine, theirs := r.get("/p").Header.Get("Etag"), r.get("/p", usd).Header.Get("Etag")
	if mine == theirs || !strings.HasSuffix(mine, `-v1"`) || len(mine) != len(`"-v1"`)+32 {
		t.Fatalf("tags %s and %s", mine, theirs)
	}
	f := func(want int, headers ...string) {
		t.Helper()
		a := r.get("/p", headers...)
		if a.Status != want || a.detail(t) != "hit fresh" || a.Header.Get("Etag") == "" {
			t.Errorf("%q: %d %s %q", headers, a.Status, a.detail(t), a.Header.Get("Etag"))
		}
		if want == 304 && (a.Body != "" || a.Header.Get("Vary") != "Accept" || a.Header.Get("Content-Length") != "" || a.Header.Get("Content-Type") != "") {
			t.Errorf("%q: a 304 with %q and %v", headers, a.Body, a.Header)
		}
	}
	f(304, "If-None-Match: "+mine)
	f(304, "If-None-Match: W/"+mine)
	f(304, `If-None-Match: "a", `+mine)
	f(304, `If-None-Match: "a"`, "If-None-Match: "+mine)
	f(304, "If-None-Match: *")
	f(304, "If-None-Match: "+theirs, usd)
	f(200, "If-None-Match: "+mine, usd)
	f(200, "If-None-Match: "+theirs)
	f(200, `If-None-Match: "v1"`)
	f(200, `If-None-Match: W/"v1"`)
	f(200, "If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT")
	f(200, "If-Modified-Since: Wed, 21 Oct 2099 07:28:00 GMT")
	f(200, `If-None-Match: "x"`, "If-Modified-Since: Wed, 21 Oct 2099 07:28:00 GMT")
	if a := r.do("HEAD", "/p", "", "If-None-Match: "+mine); a.Status != 304 {
		t.Errorf("HEAD with the tag: %d", a.Status)
	}
}

// A page of an origin that gives no tag gets one of its body, once it is whole.
func TestETagOfAPageWithoutOne(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	r.get("/p")
	tag := r.get("/p").Header.Get("Etag")
	if a := r.get("/p", "If-None-Match: "+tag); tag == "" || a.Status != 304 {
		t.Errorf("%q: %d", tag, a.Status)
	}
}

// On a pass conditions stay behind, and the tag names all that the request said
// of its shopper: after a log-in nothing of before is confirmed.
func TestConditionsOfAPassOnASegmentRoute(t *testing.T) {
	r := newRig(t, unstorable(200, "Cache-Control: private", `Etag: W/"v1"`, "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"))
	conditions := []string{`If-None-Match: "v1"`, "If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT", "If-Range: \"v1\"", "Range: bytes=0-1", "Cookie: id=7"}
	a := r.get("/p", conditions...)
	tag := a.Header.Get("Etag")
	if a.Status != 200 || !strings.HasPrefix(tag, `W/"p`) || !strings.HasSuffix(tag, `-v1"`) {
		t.Errorf("%d %s", a.Status, tag)
	}
	last := r.requests()[1]
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Range", "Range"} {
		if last.Header.Get(name) != "" {
			t.Errorf("%s reached the origin", name)
		}
	}
	f := func(want int, body string, headers ...string) {
		t.Helper()
		if a := r.get("/p", headers...); a.Status != want || a.Body != body {
			t.Errorf("%q: %d %q", headers, a.Status, a.Body)
		}
	}
	f(304, "", "If-None-Match: "+tag, "Cookie: id=7")
	f(200, "for 8", "If-None-Match: "+tag, "Cookie: id=8")
	f(200, "for nobody", "If-None-Match: "+tag)
	f(200, "for 7", "If-None-Match: "+tag, "Cookie: id=7", "Authorization: Basic x")
	r.get("/p", "Cookie: id=7", "Range: bytes=0-1")
	if last := r.requests()[len(r.requests())-1]; last.Header.Get("Range") != "bytes=0-1" {
		t.Error("an unconditional Range did not go with the pass")
	}
}

// `downstream:` loosens a page, but neither an error, nor a pass, nor what
// carries one shopper's cookie, nor the origin's no-store.
func TestDownstreamLoosened(t *testing.T) {
	route := func(path string, d proxy.Downstream) proxy.Route {
		d.Set = true
		return proxy.Route{Match: proxy.Match{Path: path}, Scope: cache.ScopeSegment, Downstream: d, SetCookie: cache.SetCookieStrip, StatusTTL: map[int]time.Duration{500: time.Minute}}
	}
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60, "+q.URL.Query().Get("also"))
		status := 200
		switch q.URL.Query().Get("kind") {
		case "cookie":
			fields(w, "Set-Cookie: a=b")
		case "500":
			status = 500
		case "404":
			status = 404
		}
		w.WriteHeader(status)
	}, func(s *setup) {
		s.options.Routes = []proxy.Route{route("/cdn", proxy.Downstream{Browser: 5 * time.Second, CDN: time.Minute}), route("/browser", proxy.Downstream{Browser: 5 * time.Second}), route("/none", proxy.Downstream{})}
	})
	f := func(method, target, want string) {
		t.Helper()
		if a := r.do(method, target, ""); a.Header.Get("Cache-Control") != want {
			t.Errorf("%s %s: %q, want %q", method, target, a.Header.Get("Cache-Control"), want)
		}
	}
	for range 2 {
		f("GET", "/cdn", "public, max-age=5, s-maxage=60")
		f("GET", "/browser", "private, max-age=5")
		f("GET", "/none", "private, no-cache")
		f("GET", "/cdn?kind=404", "public, max-age=5, s-maxage=60")
		f("GET", "/cdn?kind=500", "private, no-cache")
		f("POST", "/cdn", "private, no-cache")
		f("GET", "/cdn?also=no-store", "private, no-cache, no-store")
	}
	f("GET", "/cdn?kind=cookie", "private, no-cache")
	f("GET", "/cdn?kind=cookie", "public, max-age=5, s-maxage=60")
}
