package proxy_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/proxy/upstream"
)

// keepable is a page that is stale at once and may be served when the origin fails.
const keepable = "Cache-Control: max-age=0, stale-if-error=60"

// TestBreakerOpenMeansStale: while the breaker is open nobody waits for the origin. What
// is there is served as stale, and all else is a 503 that says when to come again.
func TestBreakerOpenMeansStale(t *testing.T) {
	var ill atomic.Bool
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if ill.Load() {
			w.WriteHeader(503)
			return
		}
		cachedAs(keepable)(w, q)
	}, func(s *setup) { s.up.Breaker = upstream.Breaker{ErrorRatio: 0.5, OpenFor: time.Minute} })
	r.get("/p")
	r.waitForLandings(1)
	ill.Store(true)
	for i := range 10 {
		r.get("/api/" + itoa(i))
	}
	asked := len(r.requests())
	f := func(method, target string, status int, detail string) {
		t.Helper()
		a := r.do(method, target, "")
		if a.Status != status || a.detail(t) != detail {
			t.Errorf("%s %s: %d %s, want %d %s", method, target, a.Status, a.detail(t), status, detail)
		}
		wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
		if told := err == nil && wait > 0 && wait <= 60; told != (status == 503) {
			t.Errorf("%s %s: %d with Retry-After %q", method, target, a.Status, a.Header.Get("Retry-After"))
		}
	}
	f("GET", "/p", 200, "hit stale-on-error")
	f("HEAD", "/p", 200, "hit stale-on-error")
	f("GET", "/q", 503, "miss breaker-open")
	f("GET", "/api/x", 503, "miss breaker-open")
	f("POST", "/p", 503, "miss breaker-open")
	if n := len(r.requests()); n != asked {
		t.Errorf("the origin was asked %d times", n-asked)
	}
}

// TestBusyUpstreamMeansStale: who gets no connection in time is served what is there, or
// told to come again in a second.
func TestBusyUpstreamMeansStale(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/api/held" {
			close(held)
			<-release
			return
		}
		cachedAs(keepable)(w, q)
	}, func(s *setup) { s.up.MaxConnections, s.up.Connect = 1, 20*time.Millisecond })
	r.get("/p")
	r.waitForLandings(1)
	ended := make(chan answer)
	go func() { ended <- r.get("/api/held") }()
	<-held
	f := func(target string, status int, detail, retryAfter string) {
		t.Helper()
		a := r.get(target)
		if a.Status != status || a.detail(t) != detail || a.Header.Get("Retry-After") != retryAfter {
			t.Errorf("%s: %d %s, Retry-After %q; want %d %s, %q", target, a.Status, a.detail(t), a.Header.Get("Retry-After"), status, detail, retryAfter)
		}
	}
	f("/p", 200, "hit stale-on-error", "")
	f("/q", 503, "miss no-upstream", "1")
	f("/api/x", 503, "miss no-upstream", "1")
	close(release)
	if a := <-ended; a.Status != 200 {
		t.Errorf("the request that held the connection got %d", a.Status)
	}
	f("/q", 200, "uri-miss absent", "")
}
