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

// endToEnd are the fields of an answer that the origin sent and did not make for
// the edge; what every answer of the edge carries is left out.
func endToEnd(a answer) http.Header {
	h := a.Header.Clone()
	for _, name := range []string{"Date", "Via", "Cache-Status", "Age", "Content-Length", "Connection"} {
		h.Del(name)
	}
	return h
}

// Public scope keeps the origin's fields, but for what is for us alone.
func TestPublicScopeKeepsTheOriginsFields(t *testing.T) {
	r := newRig(t, cachedAs(append(loud, "Cache-Control: public, max-age=60", "Surrogate-Key: a b")...))
	want := http.Header{"Cache-Control": {"public, max-age=60"}, "Expires": {"Wed, 21 Oct 2099 07:28:00 GMT"}, "Last-Modified": {"Wed, 21 Oct 2015 07:28:00 GMT"}, "Pragma": {"public"},
		"Etag": {`"v1"`}, "Cdn-Cache-Control": {"max-age=9"}, "Surrogate-Control": {"max-age=9"}, "Edge-Control": {"max-age=9"}, "Cloudflare-Cdn-Cache-Control": {"max-age=9"},
		"X-Accel-Expires": {"9"}, "Content-Type": {"text/html"}, "X-Kept": {"1"}, "Surrogate-Key": {"a b"}}
	for i, detail := range []string{"uri-miss absent", "hit fresh"} {
		a := r.get("/assets/x.css")
		if ranges := a.Header.Values("Accept-Ranges"); len(ranges) != 1 || ranges[0] != "bytes" {
			t.Errorf("time %d: Accept-Ranges %q", i, ranges)
		}
		a.Header.Del("Accept-Ranges")
		if diff := cmp.Diff(want, endToEnd(a)); diff != "" || a.detail(t) != detail {
			t.Errorf("time %d: %s: %s", i, a.detail(t), diff)
		}
	}
	if diff := cmp.Diff(want, endToEnd(r.do("POST", "/assets/y.css", "x"))); diff != "" {
		t.Errorf("pass: %s", diff)
	}
}

// Conditions on a public page are answered from the entry (RFC 9110, 13.2.2).
func TestConditionsOnPublicScope(t *testing.T) {
	const modified = "Wed, 21 Oct 2015 07:28:00 GMT"
	r := newRig(t, cachedAs("Cache-Control: max-age=60", `Etag: "v1"`, "Last-Modified: "+modified, "Content-Type: text/css", "Content-Location: /y", "Vary: X-A", "X-Big: 1"))
	r.get("/assets/x.css")
	f := func(want int, headers ...string) {
		t.Helper()
		a := r.get("/assets/x.css", headers...)
		if a.Status != want || a.detail(t) != "hit fresh" {
			t.Errorf("%q: %d %s, want %d", headers, a.Status, a.detail(t), want)
		}
		if want != 304 {
			return
		}
		if diff := cmp.Diff(http.Header{"Cache-Control": {"max-age=60"}, "Etag": {`"v1"`}, "Last-Modified": {modified}, "Content-Location": {"/y"}, "Vary": {"X-A"}}, endToEnd(a)); diff != "" || a.Body != "" {
			t.Errorf("%q: a 304 with %q and %s", headers, a.Body, diff)
		}
		if a.Header.Get("Date") == "" || a.Header.Get("Age") == "" || a.Header.Get("Content-Length") != "" {
			t.Errorf("%q: a 304 with %v", headers, a.Header)
		}
	}
	f(304, `If-None-Match: "v1"`)
	f(304, `If-None-Match: W/"v1"`)
	f(304, `If-None-Match: "a", "v1"`)
	f(304, "If-None-Match: *")
	f(200, `If-None-Match: "v2"`)
	f(200, `If-None-Match: "v2"`, "If-Modified-Since: "+modified)
	f(304, "If-Modified-Since: "+modified)
	f(304, "If-Modified-Since: Wed, 21 Oct 2015 07:28:01 GMT")
	f(304, "If-Modified-Since: Wednesday, 21-Oct-15 07:28:00 GMT")
	f(200, "If-Modified-Since: Wed, 21 Oct 2015 07:27:59 GMT")
	f(200, "If-Modified-Since: yesterday")
	f(206, "Range: bytes=0-1")
	f(206, `Range: bytes=0-1`, `If-Range: "v1"`)
	f(200, `Range: bytes=0-1`, `If-Range: "v2"`)
	f(200, `Range: bytes=0-1`, `If-Range: W/"v1"`)
	f(206, `Range: bytes=0-1`, "If-Range: "+modified)
	f(200, `Range: bytes=0-1`, "If-Range: Wed, 21 Oct 2015 07:28:01 GMT") // exactly, or not at all (RFC 9110, 13.1.5)
	f(304, "Range: bytes=0-1", `If-None-Match: "v1"`)
}

// On a pass of public scope conditions and Range go along, and 304 and 206 come back.
func TestConditionsOfAPassOnPublicScope(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: private", `Etag: "v1"`)
		switch {
		case q.Header.Get("If-None-Match") != "":
			w.WriteHeader(304)
		case q.Header.Get("Range") != "":
			fields(w, "Content-Range: bytes 0-1/10")
			w.WriteHeader(206)
			_, _ = io.WriteString(w, "ab")
		default:
			_, _ = io.WriteString(w, "abcdefghij")
		}
	})
	if a := r.get("/assets/x.css", "Cookie: id=7", `If-None-Match: "v1"`); a.Status != 304 || a.Header.Get("Etag") != `"v1"` {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	if a := r.get("/assets/x.css", "Cookie: id=7", "Range: bytes=0-1"); a.Status != 206 || a.Body != "ab" || a.Header.Get("Content-Range") != "bytes 0-1/10" {
		t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
	}
	first := r.requests()[0]
	if first.Header.Get("If-None-Match") != "" {
		t.Errorf("the anonymous request carried a condition: %s", first)
	}
}

// HEAD is answered from memory with the length of the page; a HEAD miss goes as
// HEAD and never fills.
func TestHead(t *testing.T) {
	for _, target := range []string{"/p", "/assets/x.css"} {
		r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
			fields(w, "Cache-Control: max-age=60")
			w.Header().Set("Content-Length", "5")
			if q.Method == http.MethodGet {
				_, _ = io.WriteString(w, "hello")
			}
		})
		f := func(method, detail, body string) {
			t.Helper()
			a := r.do(method, target, "")
			if a.Status != 200 || a.detail(t) != detail || a.Body != body || a.Header.Get("Content-Length") != "5" || a.Err != nil || !a.Closed {
				t.Errorf("%s %s: %d %s %q %v", method, target, a.Status, a.detail(t), a.Body, a.Header)
			}
		}
		f("HEAD", "uri-miss absent", "")
		f("HEAD", "uri-miss absent", "")
		f("GET", "uri-miss absent", "hello")
		f("HEAD", "hit fresh", "")
		f("GET", "hit fresh", "hello")
		var methods []string
		for _, q := range r.requests() {
			methods = append(methods, q.Method)
		}
		if diff := cmp.Diff([]string{"HEAD", "HEAD", "GET"}, methods); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
}

// A HEAD that is for no one goes as a pass with the shopper's own credentials.
func TestHeadForNoOne(t *testing.T) {
	r := newRig(t, unstorable(200, "Cache-Control: private", "X-Length: 1"))
	if a := r.do("HEAD", "/p", "", "Cookie: id=7"); a.Status != 200 || a.detail(t) != "bypass private" || a.Body != "" {
		t.Errorf("%d %s %q", a.Status, a.detail(t), a.Body)
	}
	if v := r.views(); len(v) != 2 || !strings.HasPrefix(v[1], "HEAD /p") || !strings.Contains(v[1], "Cookie: id=7\n") {
		t.Errorf("reached the origin: %q", v)
	}
}

// Heuristic freshness is for public scope alone.
func TestHeuristicsByScope(t *testing.T) {
	r := newRig(t, cachedAs("Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"))
	f := func(target, want string) {
		t.Helper()
		r.get(target)
		if a := r.get(target); a.detail(t) != want {
			t.Errorf("%s: %s, want %s", target, a.detail(t), want)
		}
	}
	f("/assets/x.css", "hit fresh")
	f("/p", "bypass marked")
}

// Several lines of one field, Set-Cookie above all, leave in their order and
// byte for byte; nothing that is for one hop leaves.
func TestFieldsOfAnAnswer(t *testing.T) {
	cookies := []string{"a=1; Path=/; HttpOnly", "b=\"x,y\"; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "a=2", "c=\xc3\xa9 ; Secure"}
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range cookies {
			w.Header().Add("Set-Cookie", c)
		}
		fields(w, "Cache-Control: max-age=60", "Link: </a>", "Link: </b>", "X-Listed: 1", "Connection: X-Listed", "Keep-Alive: timeout=1", "Proxy-Authenticate: x", "Trailer: x-t", "Upgrade: h2c")
	}, func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/store"}, Scope: cache.ScopePublic, SetCookie: cache.SetCookieStore}}
	})
	f := func(name string, a answer) {
		t.Helper()
		want := http.Header{"Set-Cookie": cookies, "Link": {"</a>", "</b>"}, "Cache-Control": {"max-age=60"}}
		if diff := cmp.Diff(want, endToEnd(a)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	f("pass", r.do("POST", "/api/x", "x"))
	f("pass of a GET", r.get("/api/x"))
	f("handed over", r.get("/assets/x.css"))
	for i := range 2 {
		a := r.get("/store", "Cookie: a=b")
		// Of a page that is still coming the length may not be known.
		if i > 0 && a.Header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("stored, without Accept-Ranges: %v", a.Header)
		}
		a.Header.Del("Accept-Ranges")
		f("stored", a)
	}
}

// Set-Cookie by route: refused, stripped for all but a leader without a cookie.
func TestSetCookieStripped(t *testing.T) {
	strip := func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/s/**"}, Scope: cache.ScopeSegment, SetCookie: cache.SetCookieStrip}}
	}
	r := newRig(t, cachedAs("Cache-Control: max-age=60", "Set-Cookie: a=b"), strip)
	f := func(target, detail, cookie string, headers ...string) {
		t.Helper()
		a := r.get(target, headers...)
		if a.detail(t) != detail || a.Header.Get("Set-Cookie") != cookie {
			t.Errorf("%s %q: %s, Set-Cookie %q", target, headers, a.detail(t), a.Header.Get("Set-Cookie"))
		}
	}
	f("/s/1", "uri-miss absent", "a=b")
	f("/s/1", "hit fresh", "")
	f("/s/2", "uri-miss absent", "", "Cookie: x=y")
	f("/s/2", "hit fresh", "")
	f("/s/3", "uri-miss absent", "", "Cookie: vtex_segment="+tokenOf(`{"channel":"2"}`))
	f("/s/4", "uri-miss absent", "", "Cookie: ")
	if n := len(r.requests()); n != 4 {
		t.Errorf("the origin was asked %d times, want 4", n)
	}
}

// A stored 404 or redirect is a page as any other; a 5xx only by status_ttl.
func TestOtherStatusesFromMemory(t *testing.T) {
	status := 0
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Location: /elsewhere")
		w.WriteHeader(status)
		if status != 204 {
			fmt.Fprint(w, status)
		}
	})
	for _, status = range []int{404, 301, 302, 410, 204} {
		for i, detail := range []string{"uri-miss absent", "hit fresh"} {
			a := r.get(fmt.Sprint("/x", status))
			body, length := fmt.Sprint(status), "3"
			if status == 204 {
				body, length = "", ""
				// Its answer is whole before its fetch is over, which a second request may meet.
				waitFor(t, func() bool { return i == 0 || r.get("/x204").detail(t) == "hit fresh" })
			}
			if a.Status != status || a.detail(t) != detail || a.Body != body || a.Header.Get("Location") != "/elsewhere" || i > 0 && a.Header.Get("Content-Length") != length {
				t.Errorf("%d, time %d: %d %s %q %v", status, i, a.Status, a.detail(t), a.Body, a.Header)
			}
		}
	}
}
