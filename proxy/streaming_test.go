package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// drip is an origin whose page comes in two halves: it begins, and ends when told.
type drip struct {
	began, finish chan struct{}
	length        bool
	control       string
	abort         bool
}

const firstHalf, secondHalf = "the first half, ", "the second half"

func newDrip(control string, length bool) *drip {
	return &drip{began: make(chan struct{}, 100), finish: make(chan struct{}), control: control, length: length}
}

func (d *drip) serve(w http.ResponseWriter, _ *http.Request) {
	fields(w, "Cache-Control: "+d.control)
	if d.length {
		w.Header().Set("Content-Length", itoa(len(firstHalf+secondHalf)))
	}
	_, _ = io.WriteString(w, firstHalf)
	w.(http.Flusher).Flush()
	d.began <- struct{}{}
	<-d.finish
	if d.abort {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, secondHalf)
}

// half reads the head and the first half of an answer.
func (c *client) half(request string) *http.Response {
	c.t.Helper()
	c.write(request)
	resp := c.head("GET")
	part := make([]byte, len(firstHalf))
	if _, err := io.ReadFull(resp.Body, part); err != nil || string(part) != firstHalf {
		c.t.Fatalf("the first half: %q, %v", part, err)
	}
	return resp
}

// Whatever kind of answer it is, its first byte reaches the shopper while the
// origin has not ended it, the leader and those who join it.
func TestFirstByteComesEarly(t *testing.T) {
	for _, length := range []bool{true, false} {
		for _, c := range []struct{ name, target, control, cookie string }{
			{"a page to be stored", "/p", "max-age=60", ""},
			{"a public page to be stored", "/assets/x.css", "max-age=60", ""},
			{"an answer that nothing was taken for", "/p", "private", ""},
			{"an answer by pass", "/p", "private", "Cookie: id=7\r\n"},
			{"a private route", "/api/x", "private", ""},
			{"a page too large to be stored", "/small/x", "max-age=60", ""},
		} {
			t.Run(fmt.Sprintf("%s, length %v", c.name, length), func(t *testing.T) {
				d := newDrip(c.control, length)
				anonymous := strings.HasPrefix(c.name, "an answer by pass")
				r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
					if anonymous && !strings.Contains(q.Header.Get("Cookie"), "id=7") {
						fields(w, "Cache-Control: private")
						return
					}
					d.serve(w, q)
				}, func(s *setup) {
					if c.target == "/small/x" {
						s.options.Site.MaxObject = 20
					}
				})
				request := "GET " + c.target + " HTTP/1.1\r\n" + hostLine + c.cookie + "\r\n"
				one, two := r.dial(), r.dial()
				responses := []*http.Response{one.half(request), two.half(request)}
				close(d.finish)
				for i, resp := range responses {
					rest, err := io.ReadAll(resp.Body)
					if string(rest) != secondHalf || err != nil || (resp.ContentLength >= 0) != length || resp.Close {
						t.Errorf("%d: then %q, %v, length %d, close %v", i, rest, err, resp.ContentLength, resp.Close)
					}
				}
				for _, again := range []*client{one, two} { // the connections are of further use
					again.write("GET /\x7f HTTP/1.1\r\n" + hostLine + "\r\n")
					if a := again.answer("GET"); a.Status != 400 {
						t.Errorf("the next answer: %d", a.Status)
					}
				}
			})
		}
	}
}

// A body that breaks off breaks off for everybody who reads it, in a way that none
// can take for its end, and is not stored.
func TestTruncatedBody(t *testing.T) {
	for _, length := range []bool{true, false} {
		for _, target := range []string{"/p", "/assets/x.css", "/api/x"} {
			t.Run(fmt.Sprintf("%s, length %v", target, length), func(t *testing.T) {
				d := newDrip("max-age=60", length)
				d.abort = true
				r := newRig(t, d.serve)
				one, two := r.dial(), r.dial()
				request := "GET " + target + " HTTP/1.1\r\n" + hostLine + "\r\n"
				responses := []*http.Response{one.half(request), two.half(request)}
				close(d.finish)
				for i, resp := range responses {
					rest, err := io.ReadAll(resp.Body)
					if len(rest) != 0 || err != io.ErrUnexpectedEOF {
						t.Errorf("%d: then %q, %v", i, rest, err)
					}
				}
				for _, c := range []*client{one, two} {
					if !c.ended() {
						t.Error("bytes behind a body that broke off")
					}
				}
				asked := len(r.requests())
				r.waitUntil("the origin to be asked again", func() bool {
					if a := r.get(target); a.Err != io.ErrUnexpectedEOF {
						t.Fatalf("a half page was served as a whole: %q, %v", a.Body, a.Err)
					}
					return len(r.requests()) > asked
				})
				if n := r.count("aisle_answers_broken_total"); n < 2 {
					t.Errorf("%v broken answers counted", n)
				}
			})
		}
	}
}

// HTTP/1.0 has no chunks: there the end of the connection is the end of the body.
func TestStreamToHTTP10(t *testing.T) {
	d := newDrip("max-age=60", false)
	r := newRig(t, d.serve)
	c := r.dial()
	resp := c.half("GET /p HTTP/1.0\r\n" + hostLine + "Connection: keep-alive\r\n\r\n")
	close(d.finish)
	rest, err := io.ReadAll(resp.Body)
	if string(rest) != secondHalf || err != nil || !resp.Close || len(resp.TransferEncoding) != 0 {
		t.Errorf("%q, %v, close %v, %v", rest, err, resp.Close, resp.TransferEncoding)
	}
	if a := r.raw("GET", "GET /p HTTP/1.0\r\n"+hostLine+"Connection: keep-alive\r\n\r\n"); a.Status != 200 || a.Header.Get("Connection") != "keep-alive" || a.Header.Get("Content-Length") == "" {
		t.Errorf("from memory: %d %v", a.Status, a.Header)
	}
	if a := r.raw("GET", "GET /p HTTP/1.0\r\n"+hostLine+"\r\n"); a.Status != 200 || !a.Closed {
		t.Errorf("without keep-alive: %d, closed %v", a.Status, a.Closed)
	}
}

// A client that goes away in the middle takes nothing with it: the fetch goes on
// and is stored, and those who joined it read on.
func TestClientGoesAwayInTheMiddle(t *testing.T) {
	d := newDrip("max-age=60", false)
	r := newRig(t, d.serve)
	request := "GET /p HTTP/1.1\r\n" + hostLine + "\r\n"
	gone, stays := r.dial(), r.dial()
	gone.half(request)
	resp := stays.half(request)
	gone.Close()
	close(d.finish)
	if rest, err := io.ReadAll(resp.Body); string(rest) != secondHalf || err != nil {
		t.Errorf("the other one: %q, %v", rest, err)
	}
	r.waitForLandings(1)
	if a := r.get("/p"); a.Body != firstHalf+secondHalf || a.detail(t) != "hit fresh" {
		t.Errorf("%q %s", a.Body, a.detail(t))
	}
	if n := len(r.requests()); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// The client of a pass that goes away ends the fetch, which is its alone.
func TestClientOfAPassGoesAway(t *testing.T) {
	ended := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		defer close(ended)
		for {
			if _, err := io.WriteString(w, firstHalf); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			if q.Context().Err() != nil {
				return
			}
		}
	})
	c := r.dial()
	c.half("GET /api/x HTTP/1.1\r\n" + hostLine + "\r\n")
	c.Close()
	<-ended
	r.waitUntil("the answer to be counted", func() bool { return r.count("aisle_answers_broken_total") == 1 })
}

// A reader that does not read holds back neither the fetch nor another reader.
func TestSlowReaderHoldsBackOnlyItself(t *testing.T) {
	page, joined := strings.Repeat(numbers(1<<20), 16), make(chan struct{}) // more than the sockets' buffers hold
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		_, _ = io.WriteString(w, page[:1<<10])
		w.(http.Flusher).Flush()
		<-joined
		_, _ = io.WriteString(w, page[1<<10:])
	}, func(s *setup) { s.options.Site.MaxObject = 32 << 20 })
	request := "GET /p HTTP/1.1\r\n" + hostLine + "\r\n"
	slow, quick := r.dial(), r.dial()
	slow.write(request)
	late := slow.head("GET")
	quick.write(request)
	resp := quick.head("GET")
	close(joined)
	for i, resp := range []*http.Response{resp, late} {
		if body, err := io.ReadAll(resp.Body); string(body) != page || err != nil {
			t.Errorf("%d: %d bytes, %v", i, len(body), err)
		}
	}
	if n := len(r.requests()); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// Answers that are large, of many chunks or empty leave as they came.
func TestBodiesOfAnswers(t *testing.T) {
	for _, size := range []int{0, 1, 100, 300 << 10, 3 << 20} {
		body := numbers(size)
		r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
			fields(w, "Cache-Control: max-age=60")
			if q.URL.Query().Get("f") == "length" {
				w.Header().Set("Content-Length", itoa(size))
			} else {
				w.(http.Flusher).Flush()
			}
			_, _ = io.WriteString(w, body)
		}, func(s *setup) {
			s.options.Site.MaxObject = 8 << 20
			s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/private"}, Scope: cache.ScopePrivate}}
		})
		c := r.dial()
		for _, target := range []string{"/p?f=length", "/p?f=chunks", "/p?f=length", "/p?f=chunks", "/private?f=length", "/private?f=chunks"} {
			c.write("GET " + target + " HTTP/1.1\r\n" + hostLine + "\r\n")
			if a := c.answer("GET"); a.Status != 200 || a.Body != body || a.Err != nil || a.Closed {
				t.Errorf("%s of %d bytes: %d, %d bytes, %v", target, size, a.Status, len(a.Body), a.Err)
			}
		}
	}
}
