package acceptance

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// closeWhileReading: Close from another goroutine ends a Read that blocks, drops
// the connection, and may be called again.
func (s suite) closeWhileReading(t *testing.T) {
	o := Listen(t, func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"); c.AwaitEnd() })
	resp := fetch(t, s.one(t, o), get("/"))
	if _, err := io.CopyN(io.Discard, resp.Body, 4); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := resp.Body.Read(make([]byte, 8))
		read <- err
	}()
	var closing sync.WaitGroup
	for range 4 {
		closing.Go(func() {
			time.Sleep(soon / 2) // lets the Read block; the outcome is the same if it does not
			resp.Body.Close()
		})
	}
	closing.Wait()
	select {
	case err := <-read:
		if err == nil || err == io.EOF {
			t.Errorf("the Read ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("the Read still blocks")
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("after Close: %d bytes, %v", n, err)
	}
}

// reuse: a connection whose answer was read whole serves the next request.
func (s suite) reuse(t *testing.T) {
	answers := []string{ok2, empty, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", ok2}
	o := Listen(t, func(c *Conn) {
		for _, a := range answers {
			c.Answer(a)
		}
		c.AwaitEnd()
	})
	transport := s.one(t, o)
	for range answers {
		whole(t, fetch(t, transport, get("/")))
	}
	if n := o.Accepted(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// excess: bytes after the end of an answer are never the next request's answer.
// They are whole answers here, sent with the first one, so that a transport
// that looks too late takes them.
func (s suite) excess(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	f := func(name, method, answer string) {
		t.Run(name, func(t *testing.T) {
			const rounds = 20
			var scripts []Script
			for range rounds {
				scripts = append(scripts, func(c *Conn) { c.Answer(answer + evil); io.Copy(io.Discard, c.in) })
			}
			transport := s.one(t, Listen(t, scripts...))
			for i := range rounds {
				r := get("/")
				r.Method = method
				if got := whole(t, fetch(t, transport, r)); got == "evil" {
					t.Fatalf("request %d got an answer of nobody", i)
				}
			}
		})
	}
	f("length", "GET", ok2)
	f("length of zero", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	f("chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nX: y\r\n\r\n")
	f("204", "GET", empty)
	f("304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")
	f("HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
}

// stale: a pooled connection that ends before the first byte of an answer costs
// a request nothing that may be repeated.
func (s suite) stale(t *testing.T) {
	f := func(name, method string, second func(c *Conn)) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t,
				func(c *Conn) { c.Answer(ok2); second(c) },
				func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") })
			transport := s.one(t, o)
			whole(t, fetch(t, transport, get("/")))
			r := get("/again")
			r.Method = method
			whole(t, fetch(t, transport, r))
		})
	}
	closes := func(c *Conn) { c.Head() }
	f("closed", "GET", closes)
	f("reset", "GET", func(c *Conn) { c.Head(); c.Reset() })
	f("HEAD", "HEAD", closes)
	f("OPTIONS", "OPTIONS", closes)
}

// neverTwice: nothing that may have an effect is sent again, whatever the client
// says of it. The script has no second connection.
func (s suite) neverTwice(t *testing.T) {
	f := func(name string, r *cache.OriginRequest) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer(ok2); c.Head() })
			transport := s.one(t, o)
			whole(t, fetch(t, transport, get("/")))
			fails(t, transport, r, cache.ReasonReset)
		})
	}
	keyed := post(nil, 0)
	keyed.Fields = []cache.Field{{Name: "Idempotency-Key", Value: "1"}, {Name: "X-Idempotency-Key", Value: "1"}}
	f("without a body", post(nil, 0))
	f("with a body", post(strings.NewReader("body"), 4))
	f("with an idempotency key", keyed)
	t.Run("GET on a new connection", func(t *testing.T) {
		o := Listen(t, func(c *Conn) { c.Head() })
		fails(t, s.one(t, o), get("/"), cache.ReasonReset)
	})
	t.Run("GET after the first byte", func(t *testing.T) {
		o := Listen(t, func(c *Conn) { c.Answer(ok2); c.Answer("H") })
		transport := s.one(t, o)
		whole(t, fetch(t, transport, get("/")))
		fails(t, transport, get("/"), cache.ReasonReset)
	})
}

func serve(n int) Script {
	return func(c *Conn) {
		for range n {
			c.Answer(ok2)
		}
		c.AwaitEnd()
	}
}

// failover: a server that cannot be connected to is left for another one.
func (s suite) failover(t *testing.T) {
	o := Listen(t, serve(8))
	transport := s.transport(t, []string{closedPort(t), o.URL()}, Options{})
	for range 8 {
		resp := fetch(t, transport, get("/"))
		if whole(t, resp); resp.Server != o.Address() {
			t.Errorf("server %q", resp.Server)
		}
	}
	both := s.transport(t, []string{closedPort(t), closedPort(t)}, Options{})
	fails(t, both, get("/"), cache.ReasonConnect)
}

// failoverBody: nothing was sent, so a POST may go to the other server too, its
// body whole.
func (s suite) failoverBody(t *testing.T) {
	o := Listen(t, func(c *Conn) {
		for range 2 {
			c.Head()
			if got := c.Read(4); got != "body" {
				t.Errorf("body %q", got)
			}
			c.Write(ok2)
		}
		c.AwaitEnd()
	})
	transport := s.transport(t, []string{closedPort(t), o.URL()}, Options{})
	for range 2 {
		whole(t, fetch(t, transport, post(strings.NewReader("body"), 4)))
	}
}

// leastLoaded: fetches under way are spread evenly, and the next one goes where
// a fetch has ended.
func (s suite) leastLoaded(t *testing.T) {
	many := []Script{serve(1), serve(1), serve(1)}
	a, b, c := Listen(t, many...), Listen(t, many...), Listen(t, many...)
	transport := s.transport(t, []string{a.URL(), b.URL(), c.URL()}, Options{})
	load := make(map[string]int)
	var open []*cache.OriginResponse
	for range 6 {
		resp := fetch(t, transport, get("/"))
		load[resp.Server]++
		open = append(open, resp)
	}
	for server, n := range load {
		if n != 2 {
			t.Errorf("server %s has %d of 6", server, n)
		}
	}
	for _, free := range []int{4, 0, 5} {
		open[free].Body.Close() // unread: its connection is not used again
		again := fetch(t, transport, get("/"))
		if again.Server != open[free].Server {
			t.Errorf("server %s instead of %s, which is least loaded", again.Server, open[free].Server)
		}
	}
}

// allBusy: who finds every connection taken waits a while, then is told when to
// come again; who waits and gets one is served.
func (s suite) allBusy(t *testing.T) {
	script := func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"); c.AwaitEnd() }
	o := Listen(t, script, script, script)
	transport := s.transport(t, []string{o.URL()}, Options{MaxConnections: 2, Connect: soon})
	first := fetch(t, transport, get("/"))
	fetch(t, transport, get("/"))
	inTime(t, soon, func() {
		if err := fails(t, transport, get("/"), cache.ReasonNoUpstream); err.RetryAfter != time.Second {
			t.Errorf("retry after %v", err.RetryAfter)
		}
	})
	ctx, cancel := context.WithCancel(bounded(t))
	cancel()
	if err := failsUnder(t, ctx, transport, get("/"), cache.ReasonReset); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	first.Body.Close()
	fetch(t, transport, get("/"))
}

// slotsComeBack: with one connection allowed, every way that a fetch can end
// frees it for the next.
func (s suite) slotsComeBack(t *testing.T) {
	o := Listen(t, func(c *Conn) { c.Head() }, // reset
		func(c *Conn) { c.Answer("garbage\r\n\r\n"); io.Copy(io.Discard, c.in) },
		func(c *Conn) { c.Answer("HTTP/1.1 600 High\r\n\r\n"); io.Copy(io.Discard, c.in) },
		func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell") },
		func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"); c.AwaitEnd() },
		serve(2))
	transport := s.transport(t, []string{o.URL()}, Options{MaxConnections: 1})
	fails(t, transport, get("/"), cache.ReasonReset)
	fails(t, transport, get("/"), cache.ReasonMalformed)
	fails(t, transport, get("/"), cache.ReasonMalformed)
	read := func(want error) {
		t.Helper()
		if _, err := io.ReadAll(fetch(t, transport, get("/")).Body); err != want {
			t.Errorf("error %v instead of %v", err, want)
		}
	}
	read(io.ErrUnexpectedEOF)
	fetch(t, transport, get("/")).Body.Close()
	read(nil) // at the end of the body, before Close
	if got := whole(t, fetch(t, transport, get("/"))); got != "ok" {
		t.Errorf("body %q", got)
	}
}
