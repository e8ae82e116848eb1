package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// hinting answers 103 and, once told, a page.
func hinting(told <-chan struct{}, then func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Set-Cookie", "early=1")
		w.WriteHeader(103)
		<-told
		w.Header().Del("Set-Cookie")
		then(w)
	}
}

// A 103 reaches whoever caused the fetch before the origin has more to say, on every scope.
func TestEarlyHints(t *testing.T) {
	for _, target := range []string{"/api/x", "/p", "/assets/x.css"} {
		t.Run(target, func(t *testing.T) {
			told := make(chan struct{})
			r := newRig(t, hinting(told, func(w http.ResponseWriter) { _, _ = io.WriteString(w, "page") }))
			c := r.dial()
			c.write("GET " + target + " HTTP/1.1\r\n" + hostLine + "\r\n")
			hint := c.head("GET")
			if hint.StatusCode != 103 || hint.Header.Get("Link") != "</a.css>; rel=preload" || hint.Header.Get("Set-Cookie") != "" {
				t.Fatalf("%d %v", hint.StatusCode, hint.Header)
			}
			if cc := hint.Header.Get("Cache-Control"); target == "/p" && cc != "" {
				t.Errorf("a hint on segment scope with Cache-Control %q", cc)
			}
			close(told)
			if a := c.answer("GET"); a.Status != 200 || a.Body != "page" {
				t.Errorf("%d %q", a.Status, a.Body)
			}
			if target == "/api/x" {
				return
			}
			c.write("GET " + target + " HTTP/1.1\r\n" + hostLine + "\r\n")
			if a := c.answer("GET"); a.Status != 200 || a.Body != "page" || !strings.Contains(a.Header.Get("Cache-Status"), "hit") {
				t.Errorf("of the stored page: %d %q %v", a.Status, a.Body, a.Header)
			}
		})
	}
}

// HTTP/1.0 knows no interim answers (RFC 9110, 15.2).
func TestNoEarlyHintsForHTTP10(t *testing.T) {
	told := make(chan struct{})
	close(told)
	r := newRig(t, hinting(told, func(w http.ResponseWriter) { _, _ = io.WriteString(w, "page") }))
	c := r.dial()
	c.write("GET /api/x HTTP/1.0\r\n" + hostLine + "\r\n")
	if a := c.answer("GET"); a.Status != 200 || a.Body != "page" {
		t.Errorf("%d %q", a.Status, a.Body)
	}
}

// Trailers of a pass reach the client that says it reads them; they are never fields of the head, and never stored.
func TestTrailersOfAnAnswer(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("X-Te", q.Header.Get("Te"))
		_, _ = io.WriteString(w, "page")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"Server-Timing", "db;dur=5")
		w.Header().Set(http.TrailerPrefix+"X-Vtex-Segment", "forged")
		w.Header().Set(http.TrailerPrefix+"Vary", "*")
	})
	f := func(target, te, wantTe, wantRaw string) {
		t.Helper()
		c := r.dial()
		c.write("GET " + target + " HTTP/1.1\r\n" + hostLine + te + "Connection: close\r\n\r\n")
		raw, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		if !strings.HasSuffix(head+"\r\n\r\n"+body, wantRaw) || strings.Contains(head, "Server-Timing") || !strings.Contains(head, "X-Te: "+wantTe+"\r\n") {
			t.Errorf("%s %q: %q", target, te, raw)
		}
	}
	const chunks = "4\r\npage\r\n0\r\n"
	f("/api/x", "TE: trailers\r\n", "trailers", chunks+"Server-Timing: db;dur=5\r\n\r\n")
	f("/api/x", "te: gzip;q=0.5, Trailers\r\n", "trailers", chunks+"Server-Timing: db;dur=5\r\n\r\n")
	f("/api/x", "", "", chunks+"\r\n")
	f("/p", "TE: trailers\r\n", "", "") // what may be stored is asked for without; its end may be known by now, or not
	f("/p", "TE: trailers\r\n", "", "\r\n\r\npage")
}
