package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// streaming is an origin that reads its request's body itself.
func streaming(s *setup) { s.stream = true }

// chunked is a body in chunks of size bytes, with an extension here and there.
func chunked(body string, size int) string {
	var b strings.Builder
	for i := 0; len(body) > 0; i++ {
		part := body[:min(size, len(body))]
		body = body[len(part):]
		fmt.Fprintf(&b, "%x%s\r\n%s\r\n", len(part), [...]string{"", ";ext=1"}[i%2], part)
	}
	return b.String() + "0\r\n\r\n"
}

// numbers is a body in which no part looks like another.
func numbers(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:size]
}

// Bodies of any size reach the origin byte for byte in either framing, and the
// connection serves the next request.
func TestUploads(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "X-Length: "+itoa(int(max(q.ContentLength, 0))), "X-Coding: "+strings.Join(q.TransferEncoding, ","))
	})
	for _, size := range []int{1, 100, 8 << 10, 8<<10 + 1, 100 << 10, 5 << 20} {
		body := numbers(size)
		c := r.dial()
		f := func(method, framing, sent string, length int, coding string) {
			t.Helper()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = io.WriteString(c, method+" /api/up HTTP/1.1\r\n"+hostLine+framing+"\r\n\r\n"+sent)
			}()
			a := c.answer(method)
			<-done
			seen := r.requests()
			last := seen[len(seen)-1]
			if a.Status != 200 || last.Method != method || last.Body != body || a.Header.Get("X-Length") != itoa(length) || a.Header.Get("X-Coding") != coding {
				t.Errorf("%s of %d bytes: %d, %d bytes reached the origin, %v", method, size, a.Status, len(last.Body), a.Header)
			}
		}
		f("POST", "Content-Length: "+itoa(size), body, size, "")
		f("PUT", "Transfer-Encoding: chunked", chunked(body, 3000), 0, "chunked")
		f("PATCH", "transfer-encoding: Chunked", chunked(body, 70000), 0, "chunked")
		f("POST", "content-length: "+itoa(size), body, size, "")
	}
}

// The origin sees the first bytes of an upload before the client has sent the last.
func TestUploadIsStreamed(t *testing.T) {
	for _, coding := range []string{"Content-Length: 40000", "Transfer-Encoding: chunked"} {
		first := make(chan string, 1)
		r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
			part := make([]byte, 10000)
			_, _ = io.ReadFull(q.Body, part)
			first <- string(part)
			rest, err := io.ReadAll(q.Body)
			fmt.Fprint(w, len(rest), err)
		}, streaming)
		body := numbers(40000)
		send := func(c *client, part string) {
			if coding == "Transfer-Encoding: chunked" {
				part = strings.TrimSuffix(chunked(part, 5000), "0\r\n\r\n")
			}
			c.write(part)
		}
		c := r.dial()
		c.write("POST /api/up HTTP/1.1\r\n" + hostLine + coding + "\r\n\r\n")
		send(c, body[:10000])
		if got := <-first; got != body[:10000] {
			t.Errorf("%s: the first part is another", coding)
		}
		send(c, body[10000:])
		if coding == "Transfer-Encoding: chunked" {
			c.write("0\r\n\r\n")
		}
		if a := c.answer("POST"); a.Body != "30000 <nil>" {
			t.Errorf("%s: %q", coding, a.Body)
		}
	}
}

// Trailers of a request are dropped, whatever they are named.
func TestTrailersOfARequestAreDropped(t *testing.T) {
	r := newRig(t, cachedAs())
	c := r.dial()
	for range 2 {
		c.write("POST /p HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\nTrailer: X-T, X-Vtex-Segment\r\n\r\n3\r\nabc\r\n0\r\nX-Vtex-Segment: forged\r\nX-T: 1\r\n\r\n")
		if a := c.answer("POST"); a.Status != 200 {
			t.Errorf("%d %q", a.Status, a.Body)
		}
	}
	for _, q := range r.requests() {
		if q.Body != "abc" || q.Header.Get("X-T") != "" || decodeTokens(q.Header.Get("X-Vtex-Segment")) != defaultSegment || q.Header.Get("Trailer") != "" {
			t.Errorf("reached the origin: %s", q)
		}
	}
}

// An Expect: 100-continue is answered before the body is sent, on a new
// connection and behind earlier answers, however the field is written.
func TestExpectContinue(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "X-Expect: "+q.Header.Get("Expect"))
	})
	c := r.dial()
	for i, field := range []string{"Expect: 100-continue", "expect: 100-Continue", "EXPECT:100-continue"} {
		c.write("PUT /api/up HTTP/1.1\r\n" + hostLine + "Content-Length: 4\r\n" + field + "\r\n\r\n")
		if interim := c.head("PUT"); interim.StatusCode != 100 || len(interim.Header) != 0 {
			t.Fatalf("%s: %d %v before the body", field, interim.StatusCode, interim.Header)
		}
		c.write("body")
		if a := c.answer("PUT"); a.Status != 200 || a.Header.Get("X-Expect") != "" {
			t.Errorf("%s: %d %v", field, a.Status, a.Header)
		}
		// Pipelined behind a page: its answer is not mixed up with the interim one.
		c.write("GET /p HTTP/1.1\r\n" + hostLine + "\r\nPUT /api/up HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n" + field + "\r\n\r\n")
		if a := c.answer("GET"); a.Status != 200 {
			t.Errorf("the page before: %d", a.Status)
		}
		if interim := c.head("PUT"); interim.StatusCode != 100 {
			t.Fatalf("%s, pipelined: %d before the body", field, interim.StatusCode)
		}
		c.write("4\r\nbody\r\n0\r\n\r\n")
		if a := c.answer("PUT"); a.Status != 200 {
			t.Errorf("%s, pipelined: %d", field, a.Status)
		}
		seen := r.requests()
		if got := seen[len(seen)-1]; got.Body != "body" || got.Method != "PUT" {
			t.Errorf("time %d: reached the origin: %s", i, got)
		}
	}
}

// Behind a long pipeline too: fasthttp's own answers, which go nowhere, would by
// then have filled its buffer and cut the interim one in two.
func TestExpectContinueBehindALongPipeline(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	c := r.dial()
	const pages = 500
	go func() {
		_, _ = io.WriteString(c, strings.Repeat("GET /p HTTP/1.1\r\n"+hostLine+"\r\n", pages)+"PUT /api/up HTTP/1.1\r\n"+hostLine+"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	}()
	for i := range pages {
		if a := c.answer("GET"); a.Status != 200 || a.Body != "GET /p for "+defaultSegment {
			t.Fatalf("page %d: %d %q", i, a.Status, a.Body)
		}
	}
	if interim := c.head("PUT"); interim.StatusCode != 100 {
		t.Fatalf("%d before the body", interim.StatusCode)
	}
	c.write("body")
	if a := c.answer("PUT"); a.Status != 200 || a.Body != "PUT /api/up for " {
		t.Errorf("%d %q", a.Status, a.Body)
	}
}

// An origin that answers an upload early: the answer is delivered whole, large as
// it may be, the connection ends, and nobody hangs, whether the client goes on
// sending or waits.
func TestEarlyAnswerToAnUpload(t *testing.T) {
	answerBody := numbers(1 << 20)
	for _, sending := range []bool{true, false} {
		t.Run(fmt.Sprint("sending ", sending), func(t *testing.T) {
			r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
				_, _ = io.ReadFull(q.Body, make([]byte, 10))
				w.WriteHeader(413)
				_, _ = io.WriteString(w, answerBody)
			}, streaming)
			c := r.dial()
			c.write("POST /api/up HTTP/1.1\r\n" + hostLine + "Content-Length: 50000000\r\n\r\n" + numbers(20000))
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				for sending {
					if _, err := io.WriteString(c, numbers(10000)); err != nil {
						return
					}
				}
			}()
			a := c.answer("POST")
			if a.Status != 413 || a.Body != answerBody || a.Err != nil || !a.Closed {
				t.Errorf("%d, %d bytes, %v, closed %v", a.Status, len(a.Body), a.Err, a.Closed)
			}
			if !sending && !c.ended() {
				t.Error("the connection did not end")
			}
			c.Close()
			<-gone
		})
	}
}

// A client whose upload breaks off or is malformed takes nothing down with it;
// the fault is not the origin's.
func TestUploadBreaksOff(t *testing.T) {
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
	}, streaming)
	f := func(want, request string, half bool) {
		t.Helper()
		c := r.dial()
		c.write(request)
		if half {
			if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		a := c.answer("POST")
		if a.Status != 400 || a.Body != "aisle: "+want+"\n" || !a.Closed || !c.ended() {
			t.Errorf("%d %q, closed %v", a.Status, a.Body, a.Closed)
		}
	}
	f("truncated", "POST /api/up HTTP/1.1\r\n"+hostLine+"Content-Length: 100000\r\n\r\n"+numbers(20000), true)
	f("truncated", "POST /api/up HTTP/1.1\r\n"+hostLine+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)
	f("bad-framing", "POST /api/up HTTP/1.1\r\n"+hostLine+"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", false)
	f("bad-framing", "POST /api/up HTTP/1.1\r\n"+hostLine+"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", false)
	for _, reason := range []string{"truncated", "bad-framing"} {
		if n := r.count("aisle_request_reasons_total", "reason", reason); n != 2 {
			t.Errorf("%v counted as %s, want 2", n, reason)
		}
	}
	if a := r.do("POST", "/api/up", "fine"); a.Status != 200 {
		t.Errorf("the next one: %d", a.Status)
	}
}

// What stands behind a body is the next request and never a part of this one.
func TestPipelineBehindBodies(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	c := r.dial()
	const smuggled = "GET /smuggled HTTP/1.1\r\n" + hostLine + "\r\n"
	c.write("POST /api/1 HTTP/1.1\r\n" + hostLine + "Content-Length: " + itoa(len(smuggled)) + "\r\n\r\n" + smuggled +
		"POST /api/2 HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunked(smuggled, 10) +
		"GET /p HTTP/1.1\r\n" + hostLine + "Content-Length: " + itoa(len(smuggled)) + "\r\n\r\n" + smuggled +
		"GET /p2 HTTP/1.1\r\n" + hostLine + "Content-Length: 0\r\n\r\n" +
		"GET /p HTTP/1.1\r\n" + hostLine + "\r\n" + "HEAD /p2 HTTP/1.1\r\n" + hostLine + "\r\n" + "DELETE /api/3 HTTP/1.1\r\n" + hostLine + "Connection: close\r\n\r\n" + smuggled)
	for _, want := range []string{"POST /api/1 for ", "POST /api/2 for ", "GET /p for " + defaultSegment, "GET /p2 for " + defaultSegment, "GET /p for " + defaultSegment, "", "DELETE /api/3 for "} {
		method := "GET"
		if want == "" {
			method = "HEAD"
		}
		if a := c.answer(method); a.Status != 200 || a.Body != want {
			t.Errorf("%d %q, want %q", a.Status, a.Body, want)
		}
	}
	if !c.ended() {
		t.Error("the connection went on behind Connection: close")
	}
	var seen []string
	for _, q := range r.requests() {
		seen = append(seen, q.Method+" "+q.URI+" "+itoa(len(q.Body)))
	}
	n := itoa(len(smuggled))
	if diff := cmp.Diff([]string{"POST /api/1 " + n, "POST /api/2 " + n, "GET /p " + n, "GET /p2 0", "GET /p 0", "DELETE /api/3 0"}, seen); diff != "" {
		t.Error(diff)
	}
}
