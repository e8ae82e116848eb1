package proxy_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A part is of the page of the shopper's own segment, stored, coming or missing.
func TestPartsAreOfTheRightSegment(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		body := strings.Repeat("<"+q.Header.Get("X-Vtex-Segment")+">", 4)
		fields(w, "Cache-Control: max-age=60", `Etag: "v1"`, fmt.Sprintf("Content-Length: %d", len(body)))
		_, _ = io.WriteString(w, body[:20])
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, body[20:])
	})
	shoppers := []string{"X-None: 1", "Cookie: vtex_segment=" + tokenOf(`{"channel":"2"}`), "Cookie: vtex_segment=" + tokenOf(`{"utm_campaign":"x"}`)}
	whole, differ := map[string]string{}, map[string]bool{}
	for _, s := range shoppers {
		whole[s] = r.get("/whole", s).Body
		differ[whole[s]] = true
	}
	if len(differ) != len(shoppers) {
		t.Fatalf("%d pages of %d segments", len(differ), len(shoppers))
	}
	var clients sync.WaitGroup
	for client := range uint64(4) {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(client, 0))
			for i := range 90 {
				s := shoppers[random.IntN(len(shoppers))]
				first := random.IntN(len(whole[s]))
				last := first + random.IntN(len(whole[s])-first)
				a := r.get(fmt.Sprintf("/p%d", i/3), s, fmt.Sprintf("Range: bytes=%d-%d", first, last))
				if a.Status != 206 || a.Body != whole[s][first:last+1] {
					t.Errorf("%s, %d-%d: %d %q", s, first, last, a.Status, a.Body)
				}
			}
		})
	}
	clients.Wait()
}

// A page of no told length is given whole while it comes, and in parts once it is stored.
func TestRangeMissOfAPageOfUnknownLength(t *testing.T) {
	rest := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		_ = http.NewResponseController(w).Flush()
		<-rest
		_, _ = io.WriteString(w, decimals)
	})
	c := r.dial()
	c.write("GET /p HTTP/1.1\r\n" + hostLine + "Range: bytes=2-5\r\n\r\n")
	coming := c.head("GET")
	close(rest)
	if body, err := io.ReadAll(coming.Body); coming.StatusCode != 200 || string(body) != decimals || err != nil {
		t.Errorf("coming: %d %q %v", coming.StatusCode, body, err)
	}
	waitFor(t, func() bool { return r.get("/p").detail(t) == "hit fresh" })
	if a := r.get("/p", "Range: bytes=2-5"); a.Status != 206 || a.Body != "2345" || len(r.requests()) != 1 {
		t.Errorf("stored: %d %q", a.Status, a.Body)
	}
}

// If-Range goes up with Range where it may be a validator that the client has, and else neither does.
func TestIfRangeOfAMissOnPublicScope(t *testing.T) {
	r := newRig(t, rangedOrigin("Cache-Control: max-age=60", `Etag: "v1"`))
	f := func(target, validator, wantRange, wantIfRange string) {
		t.Helper()
		r.get(target, "Range: bytes=2-5", "If-Range: "+validator)
		seen := r.requests()
		q := seen[len(seen)-1].Header
		if q.Get("Range") != wantRange || q.Get("If-Range") != wantIfRange {
			t.Errorf("%s: went up with Range %q, If-Range %q", validator, q.Get("Range"), q.Get("If-Range"))
		}
	}
	f("/assets/1.css", `"v1"`, "bytes=2-5", `"v1"`)
	f("/assets/2.css", "Wed, 21 Oct 2015 07:28:00 GMT", "bytes=2-5", "Wed, 21 Oct 2015 07:28:00 GMT")
	f("/assets/3.css", `W/"v1"`, "", "")
	f("/assets/4.css", "junk", "", "")
}

// An error page keeps the Retry-After of the answer whose body it is.
func TestErrorPageKeepsRetryAfter(t *testing.T) {
	file, hang := pageFile(t, "503.html", "busy"), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		<-hang
	}, func(s *setup) {
		s.up.Connect, s.up.MaxConnections = 50*time.Millisecond, 1
		s.options.ErrorPages = map[int]string{503: file}
	})
	defer close(hang)
	c := r.dial()
	c.write("GET /api/x HTTP/1.1\r\n" + hostLine + "\r\n")
	c.head("GET")
	for _, target := range []string{"/p", "/api/x"} {
		if a := r.get(target); a.Status != 503 || a.Body != "busy" || a.Header.Get("Retry-After") != "1" || !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: %d %q %v", target, a.Status, a.Body, a.Header)
		}
	}
	c.Close()
}
