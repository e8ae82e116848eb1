package proxy_test

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Cache-Status parses as RFC 9211 has it, behind the members of caches nearer to
// the origin; others than those in debug_from see hit and fwd alone.
func TestCacheStatusMembers(t *testing.T) {
	for _, debug := range []bool{true, false} {
		r := newRig(t, cachedAs("Cache-Control: max-age=60", `Cache-Status: inner; hit; ttl=5`, "Cache-Status: middle; fwd=miss"), func(s *setup) {
			if !debug {
				s.options.DebugFrom = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			}
		})
		var keys []any
		f := func(a answer, want map[string]any) {
			t.Helper()
			all := a.Header.Values("Cache-Status")
			if len(all) != 1 || !strings.HasPrefix(all[0], "inner; hit; ttl=5, middle; fwd=miss, aisle; ") {
				t.Errorf("Cache-Status %q", all)
			}
			got := a.status(t)
			for _, volatile := range []string{"key", "ttl"} {
				if _, ok := want[volatile]; ok && got[volatile] != nil {
					keys = append(keys, got[volatile])
					got[volatile] = true
				}
			}
			if !debug {
				want = map[string]any{"hit": want["hit"], "fwd": want["fwd"]}
				for k, v := range want {
					if v == nil {
						delete(want, k)
					}
				}
			} else if got["detail"] == "landing" {
				got["detail"] = "fresh"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("debug %v: %s", debug, diff)
			}
		}
		f(r.get("/p"), map[string]any{"fwd": "uri-miss", "fwd-status": int64(200), "stored": true, "ttl": true, "detail": "absent", "key": true})
		f(r.get("/p"), map[string]any{"hit": true, "ttl": true, "detail": "fresh", "key": true})
		f(r.do("POST", "/p", "x"), map[string]any{"fwd": "method", "fwd-status": int64(200), "detail": "method"})
		f(r.get("/api/x"), map[string]any{"fwd": "bypass", "fwd-status": int64(200), "detail": "private-route"})
		if debug && (len(keys) != 4 || keys[1] != keys[3] && keys[0] != keys[2]) {
			t.Errorf("the same page has two key digests: %v", keys)
		}
	}
}

// The client behind a trusted proxy is the one that may see more, not the proxy.
func TestDebugIsForTheClientBehindTheProxy(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"), trustLoopback)
	if s := r.get("/p", "X-Forwarded-For: 6.6.6.6").status(t); len(s) != 1 {
		t.Errorf("a stranger sees %v", s)
	}
	if s := r.get("/p", "X-Forwarded-For: 127.0.0.1").status(t); s["detail"] == nil {
		t.Errorf("debug_from sees %v", s)
	}
}

// Via names aisle in both directions, behind those who came before.
func TestVia(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60", "Via: 1.1 origin-proxy", "Via: 1.0 other"))
	for _, target := range []string{"/p", "/p", "/api/x"} {
		if via := r.get(target, "Via: 1.1 client-proxy", "Via: 1.0 two").Header.Values("Via"); len(via) != 1 || via[0] != "1.1 origin-proxy, 1.0 other, 1.1 aisle" {
			t.Errorf("%s: Via %q", target, via)
		}
	}
	for _, q := range r.requests() {
		want := "1.1 aisle"
		if q.URI == "/api/x" { // a page for all knows nothing of the way of one request
			want = "1.1 client-proxy, 1.0 two, 1.1 aisle"
		}
		if diff := cmp.Diff([]string{want}, q.Header["Via"]); diff != "" {
			t.Errorf("%s: %s", q.URI, diff)
		}
	}
}

// Date is the origin's, and Age what has passed since, the origin's own Age
// included. An answer without a Date is dated by when it was made.
func TestAgeAndDate(t *testing.T) {
	made := time.Now().Add(-100 * time.Second).UTC()
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=600")
		switch q.URL.Path {
		case "/dated", "/api/dated":
			fields(w, "Date: "+made.Format(http.TimeFormat), "Age: 30")
		case "/aged":
			fields(w, "Age: 200")
			w.Header()["Date"] = nil
		case "/new", "/api/new":
			w.Header()["Date"] = nil
		}
	})
	f := func(target string, date time.Time, ages ...string) {
		t.Helper()
		for range 2 {
			a := r.get(target)
			got, err := http.ParseTime(a.Header.Get("Date"))
			if err != nil || got.Sub(date).Abs() > 3*time.Second || len(a.Header.Values("Date")) != 1 {
				t.Errorf("%s: Date %q, want about %s", target, a.Header.Values("Date"), date)
			}
			if age := strings.Join(a.Header.Values("Age"), "|"); !strings.Contains("|"+strings.Join(ages, "|")+"|", "|"+age+"|") {
				t.Errorf("%s: Age %q, want one of %q", target, age, ages)
			}
		}
	}
	f("/dated", made, "100", "101", "102")
	f("/aged", time.Now().Add(-200*time.Second), "200", "201")
	f("/new", time.Now(), "", "0", "1")
	f("/api/dated", made, "30")
	f("/api/new", time.Now(), "")
}

// A page that is stale on error says so, and a revalidated one that the origin
// was asked.
func TestStaleAndRevalidated(t *testing.T) {
	var mode atomic.Value
	mode.Store("ok")
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		switch {
		case mode.Load() == "500":
			w.WriteHeader(500)
		case mode.Load() == "dead":
			panic(http.ErrAbortHandler)
		case q.Header.Get("If-None-Match") == `"v1"`:
			fields(w, "Cache-Control: max-age=60", `Etag: "v1"`)
			w.WriteHeader(304)
		default:
			cachedAs("Cache-Control: max-age=0, stale-if-error=60", `Etag: "v1"`)(w, q)
		}
	})
	f := func(target, detail string, status any) {
		t.Helper()
		a := r.get(target)
		if a.Status != 200 || !strings.HasPrefix(a.Body, "GET "+target) || a.detail(t) != detail || a.status(t)["fwd-status"] != status {
			t.Errorf("%s: %d %q %v", target, a.Status, a.Body, a.status(t))
		}
	}
	f("/p", "uri-miss absent", int64(200))
	f("/assets/x.css", "uri-miss absent", int64(200))
	r.waitForLandings(2)
	mode.Store("500")
	f("/p", "stale stale-on-error", int64(500))
	mode.Store("dead")
	f("/p", "hit stale-on-error", nil)
	f("/assets/x.css", "hit stale-on-error", nil)
	mode.Store("ok")
	f("/p", "stale not-modified", int64(304))
	f("/p", "hit fresh", nil)
	if q := r.requests()[len(r.requests())-1]; q.Header.Get("If-None-Match") != `"v1"` || q.Header.Get("Cookie") != "vtex_segment="+tokenOf(defaultSegment) {
		t.Errorf("revalidated by %s", q)
	}
}

// The access log tells of each request how it was answered, and nothing of its
// shopper.
func TestAccessLog(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	secret := []string{"Cookie: id=secret; vtex_segment=" + tokenOf(`{"channel":"2"}`), "X-Forwarded-For: 6.6.6.6"}
	r.get("/p?q=secret", secret...)
	r.get("/p?q=secret", secret...)
	r.do("POST", "/api/x?q=secret", "secret", secret...)
	var got []map[string]any
	for _, l := range r.logged() {
		delete(l, "time")
		delete(l, "age")
		delete(l, "duration_us")
		delete(l, "wait_us")
		if l["reason"] == "landing" {
			l["reason"] = "fresh"
		}
		if d, ok := l["segment"].(string); ok {
			l["segment"] = len(d)
		}
		if u, ok := l["upstream"].(string); ok {
			l["upstream"] = strings.HasPrefix(u, "127.0.0.1:")
		}
		got = append(got, l)
	}
	body := float64(len("GET /p?q=secret for ") + len(segmentJSON("channel", "2", "currencyCode", "USD", "currencySymbol", "$", "countryCode", "USA", "cultureInfo", "en-US")))
	page := func(outcome, reason string, stored bool) map[string]any {
		return map[string]any{"method": "GET", "host": "shop.example", "path": "/p", "status": 200., "bytes": body, "outcome": outcome, "reason": reason, "route": "builtin:rest", "scope": "segment",
			"segment": 12, "upstream": true, "client": "127.0.0.1", "collapsed": false, "stored": stored}
	}
	pass := map[string]any{"method": "POST", "host": "shop.example", "path": "/api/x", "status": 200., "bytes": float64(len("POST /api/x?q=secret for ") + len(`{"channel":"2"}`)), "outcome": "pass", "reason": "private-route",
		"route": "builtin:api", "scope": "private", "upstream": true, "client": "127.0.0.1", "collapsed": false, "stored": false}
	if diff := cmp.Diff([]map[string]any{page("miss", "absent", true), page("hit", "fresh", false), pass}, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(r.log.String(), "secret") || strings.Contains(r.log.String(), "6.6.6.6") || strings.Contains(r.log.String(), "\n\n") {
		t.Errorf("the log says too much, or has empty lines: %s", r.log)
	}
}
