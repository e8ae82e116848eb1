package acceptance

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

const ok2 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// uploadKnown: a body of known length goes with Content-Length, and not a byte
// beyond it.
func (s suite) uploadKnown(t *testing.T) {
	o := Listen(t, func(c *Conn) {
		if head := c.Head(); !hasLine(head, "Content-Length", "5") || strings.Contains(strings.ToLower(head), "transfer-encoding") {
			t.Errorf("head %q", head)
		}
		if got := c.Read(5); got != "hello" {
			t.Errorf("body %q", got)
		}
		c.Write(ok2)
		c.AwaitEnd()
	})
	if got := whole(t, fetch(t, s.one(t, o), post(strings.NewReader("hello, world"), 5))); got != "ok" {
		t.Errorf("answer %q", got)
	}
}

// uploadChunked: of a body of unknown length, what there is goes out before
// there is more.
func (s suite) uploadChunked(t *testing.T) {
	in, out := io.Pipe()
	o := Listen(t, func(c *Conn) {
		if head := c.Head(); !hasLine(head, "Transfer-Encoding", "chunked") || strings.Contains(strings.ToLower(head), "content-length") {
			t.Errorf("head %q", head)
		}
		// The next piece is written only after the last one has arrived.
		for _, piece := range []string{"one", "two", "three"} {
			go io.WriteString(out, piece)
			if got := c.Chunk(); got != piece {
				t.Errorf("chunk %q instead of %q", got, piece)
			}
		}
		out.Close()
		if got := c.Chunk(); got != "" {
			t.Errorf("last chunk %q", got)
		}
		c.Write(ok2)
		c.AwaitEnd()
	})
	if got := whole(t, fetch(t, s.one(t, o), post(in, -1))); got != "ok" {
		t.Errorf("answer %q", got)
	}
}

// noBody: neither a nil body nor one of length 0 makes a body.
func (s suite) noBody(t *testing.T) {
	o := Listen(t, func(c *Conn) {
		for range 2 {
			if head := c.Answer(ok2); !hasLine(head, "Content-Length", "0") {
				t.Errorf("head %q", head)
			}
		}
		if head := strings.ToLower(c.Answer(ok2)); strings.Contains(head, "content-length") || strings.Contains(head, "transfer-encoding") {
			t.Errorf("head of a GET %q", head)
		}
		c.AwaitEnd()
	})
	transport := s.one(t, o)
	whole(t, fetch(t, transport, post(nil, 0)))
	whole(t, fetch(t, transport, post(strings.NewReader("not announced"), 0)))
	whole(t, fetch(t, transport, get("/")))
}

// earlyAnswer: a final answer before the end of the upload is delivered, body
// and all, while the upload still blocks.
func (s suite) earlyAnswer(t *testing.T) {
	in, out := io.Pipe()
	o := Listen(t, func(c *Conn) {
		c.Head()
		c.Write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
		c.AwaitEnd()
	})
	resp := fetch(t, s.one(t, o), post(in, 1<<20))
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != "big" || resp.Status != 413 {
		t.Errorf("status %d, body %q, %v", resp.Status, b, err)
	}
	out.CloseWithError(errors.New("the shopper has left"))
	resp.Body.Close()
}

// uploadFails: a body that breaks is neither ended nor the server's fault.
func (s suite) uploadFails(t *testing.T) {
	broken := errors.New("the shopper has left")
	f := func(name string, body io.Reader, length int64, want error) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) {
				c.Head()
				rest, _ := io.ReadAll(c.in)
				if strings.Contains(string(rest), "0\r\n\r\n") {
					t.Errorf("the body was ended: %q", rest)
				}
			})
			err := fails(t, s.one(t, o), post(body, length), cache.ReasonTruncated)
			if !errors.Is(err, want) || err.Server != "" {
				t.Errorf("error %v of server %q", err, err.Server)
			}
		})
	}
	f("chunked", io.MultiReader(strings.NewReader("some"), errorReader{broken}), -1, broken)
	f("known length", io.MultiReader(strings.NewReader("some"), errorReader{broken}), 10, broken)
	f("short", strings.NewReader("some"), 10, io.ErrUnexpectedEOF)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// uploadLetGo: once the answer's body is closed, or the fetch has failed, nobody
// reads the request's body; it belongs to a request that is over.
func (s suite) uploadLetGo(t *testing.T) {
	f := func(name string, end func(t *testing.T, transport cache.Origin, r *cache.OriginRequest), script Script) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, script)
			body := &watched{}
			end(t, s.one(t, o), post(body, -1))
			if body.over.Store(true); body.reading.Load() {
				t.Error("a Read is under way")
			}
			time.Sleep(20 * time.Millisecond) // gives a late Read, the fault, its chance
			if body.late.Load() {
				t.Error("the body was read after the end")
			}
		})
	}
	f("answered", func(t *testing.T, transport cache.Origin, r *cache.OriginRequest) {
		fetch(t, transport, r).Body.Close()
	}, func(c *Conn) {
		c.Answer(ok2)
		io.Copy(io.Discard, c.in)
	})
	f("failed", func(t *testing.T, transport cache.Origin, r *cache.OriginRequest) {
		fails(t, transport, r, cache.ReasonReset)
	}, func(c *Conn) {
		c.Head()
		c.Chunk()
		c.Reset()
	})
}

// watched is an endless body that notes when it is read.
type watched struct{ reading, over, late atomic.Bool }

func (w *watched) Read(p []byte) (int, error) {
	w.reading.Store(true)
	defer w.reading.Store(false)
	if w.over.Load() {
		w.late.Store(true)
	}
	time.Sleep(time.Millisecond)
	return copy(p, "more"), nil
}

// uploadStalls: an origin that takes no more of an upload is a timeout.
func (s suite) uploadStalls(t *testing.T) {
	done := make(chan struct{})
	o := Listen(t, func(c *Conn) { c.Head(); c.Await(done) })
	transport := s.transport(t, []string{o.URL()}, Options{Idle: soon})
	inTime(t, soon, func() { fails(t, transport, post(endless{}, -1), cache.ReasonTimeout) })
	close(done)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// expectContinue: the body waits for the origin's word, and stays here when the
// answer is final.
func (s suite) expectContinue(t *testing.T) {
	expecting := func(body io.Reader) *cache.OriginRequest {
		r := post(body, 4)
		r.Fields = []cache.Field{{Name: "expect", Value: "100-continue"}}
		return r
	}
	go100 := Listen(t, func(c *Conn) {
		c.Answer("HTTP/1.1 100 Continue\r\n\r\n")
		if got := c.Read(4); got != "body" {
			t.Errorf("body %q", got)
		}
		c.Write(ok2)
		c.AwaitEnd()
	})
	if got := whole(t, fetch(t, s.one(t, go100), expecting(strings.NewReader("body")))); got != "ok" {
		t.Errorf("answer %q", got)
	}
	final := Listen(t, func(c *Conn) {
		c.Answer("HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		c.AwaitEnd()
	})
	resp := fetch(t, s.one(t, final), expecting(strings.NewReader("body")))
	if whole(t, resp); resp.Status != 417 {
		t.Errorf("status %d", resp.Status)
	}
}
