package proxy_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// Fields of a route are on every answer of it: from the origin, from memory, a 304, a pass, a refusal, a failure.
func TestResponseHeadersOfARoute(t *testing.T) {
	down := false
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Server: origin/1", "X-Frame-Options: SAMEORIGIN", "X-Frame-Options: x", `Etag: "v1"`)
		if down {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "page")
	}, withRoute("/r/**", func(o *proxy.Route) {
		o.Scope = cache.ScopeSegment
		o.ResponseHeaders = []proxy.ResponseHeader{{Name: "X-Frame-Options", Value: "DENY"}, {Name: "Server"}, {Name: "X-New", Value: "1, 2"}}
	}))
	f := func(name string, status int, a answer) {
		t.Helper()
		if a.Status != status || strings.Join(a.Header.Values("X-Frame-Options"), "|") != "DENY" || a.Header.Get("Server") != "" || a.Header.Get("X-New") != "1, 2" {
			t.Errorf("%s: %d %v", name, a.Status, a.Header)
		}
	}
	miss := r.get("/r/a")
	f("miss", 200, miss)
	f("hit", 200, r.get("/r/a"))
	f("304", 304, r.get("/r/a", "If-None-Match: "+miss.Header.Get("Etag")))
	f("206", 206, r.get("/r/a", "Range: bytes=0-1"))
	f("416", 416, r.get("/r/a", "Range: bytes=9-"))
	f("pass", 200, r.do("POST", "/r/a", "x"))
	f("HEAD", 200, r.do("HEAD", "/r/b", ""))
	down = true
	f("failure", 502, r.do("POST", "/r/a", "x"))
	if a := r.get("/other"); a.Header.Get("X-New") != "" {
		t.Errorf("another route: %v", a.Header)
	}
}

func TestResponseHeadersThatAreRefused(t *testing.T) {
	f := func(scope cache.Scope, name, value, want string) {
		t.Helper()
		err := proxy.CheckResponseHeader(proxy.ResponseHeader{Name: name, Value: value}, scope)
		if got := textOf(err); !strings.Contains(got, want) || want == "" && err != nil {
			t.Errorf("%s: %q on %s scope: %q, want %q", name, value, scope, got, want)
		}
	}
	for _, name := range []string{"Cache-Control", "cdn-cache-control", "Vary", "Set-Cookie", "Expires", "X-Vtex-Segment"} {
		f(cache.ScopeSegment, name, "x", "says who may keep an answer")
		f(cache.ScopePrivate, name, "", "says who may keep an answer")
		f(cache.ScopePublic, name, "x", "")
	}
	for _, scope := range []cache.Scope{cache.ScopePublic, cache.ScopeSegment, cache.ScopePrivate} {
		for _, name := range []string{"Content-Length", "ETag", "Content-Encoding", "Via", "Age", "cache-status"} {
			f(scope, name, "x", "is written by aisle")
		}
		f(scope, "Connection", "x", "belongs to the connection")
		f(scope, "Transfer-Encoding", "x", "belongs to the connection")
		f(scope, "X Y", "x", "is no field name")
		f(scope, "X-Y", "a\r\nb", "control characters")
		f(scope, "X-Y", " a", "white space")
		f(scope, "X-Frame-Options", "DENY", "")
		f(scope, "Server", "", "")
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func pageFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Maintenance answers everything of a route, whatever its scope and method are and though a page is stored; the origin hears of nothing.
func TestMaintenanceOfARoute(t *testing.T) {
	file := pageFile(t, "closed.html", "<h1>back at noon</h1>")
	for _, scope := range []cache.Scope{cache.ScopePublic, cache.ScopeSegment, cache.ScopePrivate} {
		r := newRig(t, cachedAs("Cache-Control: max-age=60"), withRoute("/closed/**", func(o *proxy.Route) {
			o.Scope, o.Maintenance = scope, &proxy.Maintenance{Status: 503, BodyFile: file, RetryAfter: 90 * time.Second}
		}))
		for _, method := range []string{"GET", "HEAD", "POST"} {
			a := r.do(method, "/closed/a", "")
			want := "<h1>back at noon</h1>"
			if method == "HEAD" {
				want = ""
			}
			if a.Status != 503 || a.Body != want || a.Header.Get("Retry-After") != "90" || a.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
				!strings.Contains(a.Header.Get("Cache-Control"), "no-store") || a.detail(t) != " maintenance" && !strings.Contains(a.Header.Get("Cache-Status"), "detail=maintenance") {
				t.Errorf("%s scope, %s: %d %q %v", scope, method, a.Status, a.Body, a.Header)
			}
		}
		if a := r.get("/open"); a.Status != 200 {
			t.Errorf("another route: %d", a.Status)
		}
		if n := len(r.requests()); n != 1 {
			t.Errorf("%s scope: the origin was asked %d times", scope, n)
		}
	}
}

func TestMaintenanceOfTheSite(t *testing.T) {
	r := newRig(t, cachedAs(), func(s *setup) {
		s.options.Maintenance = &proxy.Maintenance{Status: 503}
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/own/**"}, Scope: cache.ScopePrivate, Maintenance: &proxy.Maintenance{Status: 410}}}
	})
	f := func(target string, want int) {
		t.Helper()
		if a := r.get(target); a.Status != want || a.Body != "aisle: maintenance\n" || a.Header.Get("Retry-After") != "" {
			t.Errorf("%s: %d %q", target, a.Status, a.Body)
		}
	}
	f("/p", 503)
	f("/checkout", 503)
	f("/assets/x.css", 503)
	f("/own/a", 410)
}

// An upload into maintenance is answered before it is over, and ends the connection.
func TestMaintenanceOfAnUpload(t *testing.T) {
	r := newRig(t, cachedAs(), func(s *setup) { s.options.Maintenance = &proxy.Maintenance{Status: 503} })
	c := r.dial()
	c.write("POST /api/up HTTP/1.1\r\n" + hostLine + "Content-Length: 1000000\r\n\r\nsome")
	if a := c.answer("POST"); a.Status != 503 || !a.Closed {
		t.Errorf("%d, closed %v", a.Status, a.Closed)
	}
}

// Error pages are for answers that aisle itself has to give: an origin's own 502 is the origin's.
func TestErrorPages(t *testing.T) {
	site, own := pageFile(t, "502.html", "site's 502"), pageFile(t, "502.json", `{"own":502}`)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Query().Has("own") {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "origin's 502")
			return
		}
		panic(http.ErrAbortHandler)
	}, func(s *setup) { s.options.ErrorPages = map[int]string{502: site} }, withRoute("/v1/**", func(o *proxy.Route) {
		o.Scope, o.ErrorPages = cache.ScopePrivate, map[int]string{502: own}
	}))
	f := func(target, body, contentType string) {
		t.Helper()
		a := r.do("POST", target, "x")
		if a.Status != 502 || a.Body != body || contentType != "" && a.Header.Get("Content-Type") != contentType {
			t.Errorf("%s: %d %q %v", target, a.Status, a.Body, a.Header)
		}
		if contentType != "" && !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: Cache-Control %q", target, a.Header.Get("Cache-Control"))
		}
	}
	f("/p", "site's 502", "text/html; charset=utf-8")
	f("/checkout/x", "site's 502", "text/html; charset=utf-8")
	f("/v1/x", `{"own":502}`, "application/json")
	f("/p?own", "origin's 502", "")
}

// Every file that cannot be had is a fault of its key.
func TestPagesThatCannotBeRead(t *testing.T) {
	s := defaultSetup(t)
	large := pageFile(t, "large.html", strings.Repeat("x", 1<<20+1))
	s.options.ErrorPages = map[int]string{502: "/no/such/file", 404: large}
	s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/a"}, Maintenance: &proxy.Maintenance{Status: 503, BodyFile: large}}}
	f := func(wants ...string) {
		t.Helper()
		got := textOf(proxy.CheckFiles(s.options))
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
	}
	f("error_pages.502: open /no/such/file", "error_pages.404: aisle gives no answer", large+" is larger than 1048576 bytes")
	s.options.Routes[0].Maintenance = &proxy.Maintenance{Status: 200, RetryAfter: -1}
	f("routes[0].maintenance.status: 200 is not between 400 and 599", "routes[0].maintenance.retry_after: -1ns is negative")
}

// status_ttl gives the freshness of answers of a status, end to end.
func TestStatusTTLEndToEnd(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, withRoute("/s/**", func(o *proxy.Route) {
		o.Scope, o.StatusTTL = cache.ScopeSegment, map[int]time.Duration{404: time.Minute}
	}))
	if a := r.get("/s/a"); a.Status != 404 || a.detail(t) != "uri-miss absent" {
		t.Errorf("%d %s", a.Status, a.detail(t))
	}
	if a := r.get("/s/a"); a.Status != 404 || a.detail(t) != "hit fresh" {
		t.Errorf("%d %s", a.Status, a.detail(t))
	}
	r.get("/other")
	if a := r.get("/other"); strings.HasPrefix(a.detail(t), "hit") {
		t.Errorf("another route: %s", a.detail(t))
	}
}
