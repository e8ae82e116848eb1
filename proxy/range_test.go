package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aislecache/aisle/proxy"
)

const decimals = "0123456789abcdef"

// ranged serves decimals whole, in parts too where it is asked for some, of known length.
func rangedOrigin(list ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		fields(w, list...)
		if q.Header.Get("Range") == "bytes=2-5" {
			fields(w, "Content-Range: bytes 2-5/16", "Content-Length: 4")
			w.WriteHeader(206)
			_, _ = io.WriteString(w, decimals[2:6])
			return
		}
		fields(w, "Content-Length: 16")
		_, _ = io.WriteString(w, decimals)
	}
}

// A part of a stored page, on every scope that stores.
func TestRangeOfAStoredPage(t *testing.T) {
	for _, target := range []string{"/p", "/assets/x.css"} {
		r := newRig(t, rangedOrigin("Cache-Control: max-age=60", `Etag: "v1"`))
		whole := r.get(target)
		f := func(value string, status int, body, contentRange string, more ...string) {
			t.Helper()
			a := r.get(target, append(more, "Range: "+value)...)
			if a.Status != status || a.Body != body || a.Header.Get("Content-Range") != contentRange || a.detail(t) != "hit fresh" && status != 416 {
				t.Errorf("%s, %s %q: %d %q, Content-Range %q, %s", target, value, more, a.Status, a.Body, a.Header.Get("Content-Range"), a.detail(t))
			}
			if status == 206 && (a.Header.Get("Etag") != whole.Header.Get("Etag") || a.Header.Get("Content-Length") != fmt.Sprint(len(body))) {
				t.Errorf("%s, %s: %v", target, value, a.Header)
			}
		}
		f("bytes=0-0", 206, "0", "bytes 0-0/16")
		f("bytes=2-5", 206, "2345", "bytes 2-5/16")
		f("bytes=10-", 206, "abcdef", "bytes 10-15/16")
		f("bytes=-3", 206, "def", "bytes 13-15/16")
		f("bytes=-99", 206, decimals, "bytes 0-15/16")
		f("bytes=0-3,2-7", 206, "01234567", "bytes 0-7/16")
		f("bytes=0-1,8-9", 200, decimals, "")
		f("bytes=16-", 416, "", "bytes */16")
		f("bytes=-0", 416, "", "bytes */16")
		f("bytes=5-2", 200, decimals, "")
		f("items=0-1", 200, decimals, "")
		f("bytes=2-5", 206, "2345", "bytes 2-5/16", "If-Range: "+whole.Header.Get("Etag"))
		f("bytes=2-5", 200, decimals, "", `If-Range: "other"`)
		f("bytes=2-5", 200, decimals, "", "If-Range: W/"+whole.Header.Get("Etag"))
		f("bytes=2-5", 304, "", "", "If-None-Match: "+whole.Header.Get("Etag"))
		if a := r.do("HEAD", target, "", "Range: bytes=2-5"); a.Status != 200 || a.Header.Get("Content-Length") != "16" || a.Header.Get("Content-Range") != "" {
			t.Errorf("HEAD %s: %d %v", target, a.Status, a.Header)
		}
		if n := len(r.requests()); n != 1 {
			t.Errorf("%s: the origin was asked %d times", target, n)
		}
	}
}

// On segment scope the origin's own tag, which is the same for all segments, joins no parts.
func TestIfRangeOfAnotherSegment(t *testing.T) {
	r := newRig(t, rangedOrigin("Cache-Control: max-age=60", `Etag: "v1"`, "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"))
	usd := "Cookie: vtex_segment=" + tokenOf(`{"channel":"2"}`)
	other := r.get("/p", usd).Header.Get("Etag")
	mine := r.get("/p").Header.Get("Etag")
	if other == mine {
		t.Fatalf("the same tag %s for two segments", mine)
	}
	f := func(want int, condition string) {
		t.Helper()
		if a := r.get("/p", "Range: bytes=2-5", "If-Range: "+condition); a.Status != want {
			t.Errorf("If-Range: %s: %d, want %d", condition, a.Status, want)
		}
	}
	f(206, mine)
	f(200, other)
	f(200, `"v1"`)
	f(200, "Wed, 21 Oct 2015 07:28:00 GMT")
}

// A miss on segment scope fetches the whole, for whoever wants it later, and cuts.
func TestRangeMissOnSegmentScope(t *testing.T) {
	r := newRig(t, rangedOrigin("Cache-Control: max-age=60"))
	if a := r.get("/p", "Range: bytes=2-5"); a.Status != 206 || a.Body != "2345" || a.Header.Get("Content-Range") != "bytes 2-5/16" {
		t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
	}
	if a := r.get("/p"); a.Body != decimals || a.detail(t) != "hit fresh" {
		t.Errorf("%q %s", a.Body, a.detail(t))
	}
	for _, q := range r.requests() {
		if q.Header.Get("Range") != "" {
			t.Errorf("Range reached the origin: %s", q)
		}
	}
}

// What is too large to be stored is not read for a part of it: the request goes again with its Range.
func TestRangeMissOfALargePage(t *testing.T) {
	r := newRig(t, rangedOrigin("Cache-Control: max-age=60"), func(s *setup) { s.options.Site.MaxObject = 10 })
	a := r.get("/p", "Range: bytes=2-5", "Cookie: id=7")
	if a.Status != 206 || a.Body != "2345" {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	seen := r.requests()
	last := seen[len(seen)-1]
	if last.Header.Get("Range") != "bytes=2-5" || !strings.Contains(last.Header.Get("Cookie"), "id=7") {
		t.Errorf("reached the origin: %s", last)
	}
}

// On public scope a miss goes up with its Range; a part is not stored.
func TestRangeMissOnPublicScope(t *testing.T) {
	r := newRig(t, rangedOrigin("Cache-Control: max-age=60", `Etag: "v1"`))
	for range 2 {
		if a := r.get("/assets/x.css", "Range: bytes=2-5", "Cookie: id=7"); a.Status != 206 || a.Body != "2345" || a.Header.Get("Content-Range") != "bytes 2-5/16" {
			t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
		}
	}
	for _, q := range r.requests() {
		if q.Header.Get("Range") != "bytes=2-5" || q.Header.Get("Cookie") != "" {
			t.Errorf("reached the origin: %s", q)
		}
	}
	if a := r.get("/assets/x.css"); a.Body != decimals || a.detail(t) != "uri-miss absent" {
		t.Errorf("the whole after a part: %q %s", a.Body, a.detail(t))
	}
}

// A part nobody asked for is no answer (RFC 9110, 15.3.7).
func TestUnaskedPart(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Content-Range: bytes 0-1/16")
		w.WriteHeader(206)
		_, _ = io.WriteString(w, "01")
	})
	for _, target := range []string{"/p", "/assets/x.css"} {
		if a := r.get(target); a.Status != 502 {
			t.Errorf("%s: %d %q", target, a.Status, a.Body)
		}
	}
}

// Those who wait for the same page get each their own part of the one fetch.
func TestRangeOfAPageThatIsComing(t *testing.T) {
	begun, rest := make(chan struct{}, 8), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		fields(w, "Cache-Control: max-age=60", "Content-Length: 16")
		_, _ = io.WriteString(w, decimals[:4])
		_ = http.NewResponseController(w).Flush()
		begun <- struct{}{}
		<-rest
		_, _ = io.WriteString(w, decimals[4:])
	})
	type result struct {
		value string
		a     answer
	}
	want := map[string]string{"bytes=0-1": "01", "bytes=3-6": "3456", "bytes=-2": "ef", "bytes=12-": "cdef"}
	results := make(chan result, len(want))
	ask := func(value string) {
		c := r.dial()
		c.write("GET /p HTTP/1.1\r\n" + hostLine + "Range: " + value + "\r\n\r\n")
		go func() { results <- result{value, c.answer("GET")} }()
	}
	ask("bytes=3-6")
	<-begun
	// A part that has come is delivered though the rest has not.
	ask("bytes=0-1")
	if early := <-results; early.value != "bytes=0-1" || early.a.Body != "01" || early.a.Status != 206 {
		t.Errorf("%s: %d %q", early.value, early.a.Status, early.a.Body)
	}
	ask("bytes=-2")
	ask("bytes=12-")
	close(rest)
	for range len(want) - 1 {
		if got := <-results; got.a.Status != 206 || got.a.Body != want[got.value] {
			t.Errorf("%s: %d %q", got.value, got.a.Status, got.a.Body)
		}
	}
	if n := len(r.requests()); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// A pass carries its Range, and the origin's part is delivered as it is.
func TestRangeOnAPass(t *testing.T) {
	r := newRig(t, rangedOrigin())
	if a := r.get("/api/file", "Range: bytes=2-5"); a.Status != 206 || a.Body != "2345" || a.Header.Get("Content-Range") != "bytes 2-5/16" {
		t.Errorf("%d %q %v", a.Status, a.Body, a.Header)
	}
}

func withRoute(match string, change func(*proxy.Route)) func(*setup) {
	return func(s *setup) {
		route := proxy.Route{Match: proxy.Match{Path: match}}
		change(&route)
		s.options.Routes = append(s.options.Routes, route)
	}
}
