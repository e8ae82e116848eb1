package upstream

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream/acceptance"
)

// TestBudget: retries stay within their share of the requests of the window, but
// for the few that any window has.
func TestBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "share")
		b, c := newBudget(share), midnight()
		requests := rapid.IntRange(0, 200).Draw(t, "requests")
		taken := 0
		for range requests {
			b.request(c.at)
			for rapid.Bool().Draw(t, "try") && b.take(c.at) {
				taken++
			}
		}
		for b.take(c.at) {
			taken++
		}
		want := max(int(share*float64(requests)), budgetFloor)
		if share == 0 {
			want = 0
		}
		if taken != want {
			t.Fatalf("%d retries of %d requests, want %d", taken, requests, want)
		}
		c.move(budgetWindow)
		if b.take(c.at) != (share > 0) {
			t.Fatal("the next window has no retries of its own")
		}
	})
}

func TestRepeatable(t *testing.T) {
	f := func(method string, body io.Reader, length int64, want bool) {
		t.Helper()
		if got := repeatable(&cache.OriginRequest{Method: method, Body: body, Length: length}); got != want {
			t.Errorf("%s with a body of %d: %v", method, length, got)
		}
	}
	f("GET", nil, 0, true)
	f("HEAD", nil, 0, true)
	f("OPTIONS", nil, 0, true)
	f("OPTIONS", strings.NewReader("x"), 1, false)
	f("GET", strings.NewReader("x"), -1, false)
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE", "LINK", "get"} {
		f(m, nil, 0, false)
	}
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// pair is an upstream of a server that plays bad on its only connection, and of
// one that answers. The bad one is asked first.
func pair(t *testing.T, budget float64, goodConns int, bad acceptance.Script) (u *Upstream, badServer, goodServer *acceptance.Origin) {
	t.Helper()
	var good []acceptance.Script
	for range goodConns {
		good = append(good, func(c *acceptance.Conn) { c.Answer(fine); c.AwaitEnd() })
	}
	badServer, goodServer = acceptance.Listen(t, bad), acceptance.Listen(t, good...)
	u, err := New(Options{Name: "x", Servers: []string{badServer.URL(), goodServer.URL()}, RetryBudget: budget, FirstByte: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u, badServer, goodServer
}

func reasonOf(err error) cache.Reason {
	if oe, ok := errors.AsType[*cache.OriginError](err); ok {
		return oe.Reason
	}
	return cache.ReasonNone
}

// TestRetry: what one server did not answer goes to the other one, where sending it
// twice does no harm and no byte of an answer has come.
func TestRetry(t *testing.T) {
	get := func() *cache.OriginRequest { return &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"} }
	f := func(name string, budget float64, r *cache.OriginRequest, want cache.Reason, bad acceptance.Script) {
		t.Run(name, func(t *testing.T) {
			conns := 0
			if want == cache.ReasonNone {
				conns = 1
			}
			u, _, good := pair(t, budget, conns, bad)
			resp, err := u.Fetch(t.Context(), r)
			if got := reasonOf(err); got != want || err != nil && want == cache.ReasonNone {
				t.Fatalf("error %v, want one for %s", err, want)
			}
			if err != nil {
				return
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); string(b) != "ok" || err != nil || resp.Server != good.Address() {
				t.Errorf("%q of %s, %v", b, resp.Server, err)
			}
		})
	}
	closes := func(c *acceptance.Conn) { c.Head() }
	resets := func(c *acceptance.Conn) { c.Head(); c.Reset() }
	f("closed", 0.1, get(), cache.ReasonNone, closes)
	f("reset", 0.1, get(), cache.ReasonNone, resets)
	head := get()
	head.Method = "OPTIONS"
	f("OPTIONS", 0.1, head, cache.ReasonNone, closes)
	f("no budget", 0, get(), cache.ReasonReset, closes)
	post := func(body string) *cache.OriginRequest {
		return &cache.OriginRequest{Method: "POST", Host: "h", Target: "/", Body: strings.NewReader(body), Length: int64(len(body))}
	}
	f("POST", 1, post(""), cache.ReasonReset, closes)
	f("POST with a body", 1, post("x"), cache.ReasonReset, resets)
	upload := post("x")
	upload.Method = "GET"
	f("GET with a body", 1, upload, cache.ReasonReset, resets)
	f("after the first byte", 1, get(), cache.ReasonReset, func(c *acceptance.Conn) { c.Answer("H") })
	f("after garbage", 1, get(), cache.ReasonMalformed, func(c *acceptance.Conn) { c.Answer("garbage\r\n\r\n") })
	f("after an interim answer", 1, get(), cache.ReasonReset, func(c *acceptance.Conn) { c.Answer("HTTP/1.1 102 Processing\r\n\r\n") })
	// Who has waited for one time-out has not the time for another.
	f("after the time-out", 1, get(), cache.ReasonTimeout, func(c *acceptance.Conn) { c.Head(); c.AwaitEnd() })
}

// TestRetryElsewhere: never on the same server, and never on one that is out.
func TestRetryElsewhere(t *testing.T) {
	get := &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"}
	alone := acceptance.Listen(t, func(c *acceptance.Conn) { c.Head() })
	u, err := New(Options{Name: "x", Servers: []string{alone.URL()}, RetryBudget: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := u.Fetch(t.Context(), get); reasonOf(err) != cache.ReasonReset {
		t.Errorf("error %v", err)
	}

	u, _, _ = pair(t, 1, 0, func(c *acceptance.Conn) { c.Head() })
	for range ejectAfter {
		u.unanswered(u.servers[1], false)
	}
	if _, err := u.Fetch(t.Context(), get); reasonOf(err) != cache.ReasonReset {
		t.Errorf("error %v", err)
	}
	for i, s := range u.servers {
		if s.inFlight != 0 {
			t.Errorf("server %d has %d in flight", i, s.inFlight)
		}
	}
}

// slamming is a server that ends every connection once a request is there.
func slamming(t *testing.T) (url string, accepted *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int64)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_, _ = c.Read(make([]byte, 1))
			c.Close()
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return "http://" + l.Addr().String(), accepted
}

// TestRetryKeepsToItsBudget: two servers that answer nobody are asked no more than
// the budget allows beyond one try each.
func TestRetryKeepsToItsBudget(t *testing.T) {
	const requests = 100
	urlA, a := slamming(t)
	urlB, b := slamming(t)
	u, err := New(Options{Name: "x", Servers: []string{urlA, urlB}, RetryBudget: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for range requests {
		if _, err := u.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"}); reasonOf(err) != cache.ReasonReset {
			t.Fatalf("error %v", err)
		}
		u.mu.Lock()
		for _, s := range u.servers { // else both are out soon, and nothing is retried on one that is
			s.skipped, s.failed = time.Time{}, 0
		}
		u.mu.Unlock()
	}
	if n := a.Load() + b.Load() - requests; n != requests/10 {
		t.Errorf("%d retries of %d requests", n, requests)
	}
}

// TestUnsentGoesToEveryServer: as long as nothing was sent the next server is tried.
func TestUnsentGoesToEveryServer(t *testing.T) {
	last := acceptance.Listen(t, func(c *acceptance.Conn) {
		c.Head()
		if got := c.Read(4); got != "body" {
			t.Errorf("body %q", got)
		}
		c.Write(fine)
		c.AwaitEnd()
	})
	servers := []string{"http://127.0.0.2:1", "http://127.0.0.3:1", "http://127.0.0.4:1", last.URL()}
	u, err := New(Options{Name: "x", Servers: servers})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	resp, err := u.Fetch(t.Context(), &cache.OriginRequest{Method: "POST", Host: "h", Target: "/", Body: strings.NewReader("body"), Length: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Server != last.Address() {
		t.Errorf("server %s", resp.Server)
	}
}
