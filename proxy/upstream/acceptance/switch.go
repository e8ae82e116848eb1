package acceptance

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
)

// interimAsked: who asks gets each interim answer but 100, in order, before the final one, without fields of one hop.
func (s suite) interimAsked(t *testing.T) {
	seen := make(chan struct{})
	o := Listen(t, func(c *Conn) {
		c.Answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
			"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nlink: </b.css>\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: x\r\n\r\n")
		c.Await(seen)
		c.Write(ok2)
	})
	type answer struct {
		Status int
		Fields []cache.Field
	}
	var got []answer
	r := get("/")
	r.Interim = func(status int, fields []cache.Field) {
		got = append(got, answer{status, lowerNames(fields)})
		if status == 103 {
			close(seen)
		}
	}
	if body := whole(t, fetch(t, s.one(t, o), r)); body != "ok" {
		t.Errorf("body %q", body)
	}
	want := []answer{{Status: 102}, {103, []cache.Field{{Name: "link", Value: "</a.css>"}, {Name: "link", Value: "</b.css>"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("interim answers (-want +got):\n%s", diff)
	}
}

// interimFlood: an origin cannot keep a request alive by interim answers for ever.
func (s suite) interimFlood(t *testing.T) {
	o := Listen(t, func(c *Conn) { c.Answer(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000) + ok2) })
	r := get("/")
	r.Interim = func(int, []cache.Field) {}
	fails(t, s.one(t, o), r, cache.ReasonMalformed)
}

// trailers: known after the end, none before, none that steers or frames.
func (s suite) trailers(t *testing.T) {
	f := func(name, head, end string, want ...cache.Field) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) {
				c.Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + head + "\r\n2\r\nok\r\n0\r\n" + end + "\r\n")
			})
			r := get("/")
			r.Fields = []cache.Field{{Name: "TE", Value: "trailers"}}
			resp := fetch(t, s.one(t, o), r)
			if early := resp.Trailer(); len(early) > 0 {
				t.Errorf("trailer fields %v before the end", early)
			}
			if body := whole(t, resp); body != "ok" {
				t.Errorf("body %q", body)
			}
			if diff := cmp.Diff(want, lowerNames(resp.Trailer())); diff != "" {
				t.Errorf("trailer fields (-want +got):\n%s", diff)
			}
		})
	}
	f("none", "", "", nil...)
	f("announced", "Trailer: Digest, X-T\r\n", "Digest: x\r\nX-T: 1\r\nx-t: 2\r\n",
		cache.Field{Name: "digest", Value: "x"}, cache.Field{Name: "x-t", Value: "1"}, cache.Field{Name: "x-t", Value: "2"})
	f("not announced", "", "Server-Timing: db;dur=5\r\n", cache.Field{Name: "server-timing", Value: "db;dur=5"})
	f("what may not stand there", "", "Cache-Control: public\r\nVary: *\r\nSet-Cookie: a=b\r\nX-Vtex-Segment: x\r\nContent-Encoding: gzip\r\nWWW-Authenticate: Basic\r\nX-T: 1\r\n",
		cache.Field{Name: "x-t", Value: "1"})
}

func upgrade(protocol string) *cache.OriginRequest {
	r := get("/socket")
	r.Upgrade = protocol
	return r
}

// upgrades: the connection after a 101 is the caller's, bytes that came with the head included.
func (s suite) upgrades(t *testing.T) {
	o := Listen(t, func(c *Conn) {
		head := c.Answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello")
		if !hasLine(head, "Upgrade", "websocket") || !hasLine(head, "Connection", "Upgrade") {
			t.Errorf("head %q", head)
		}
		if got := c.Read(4); got != "ping" {
			t.Errorf("the origin got %q", got)
		}
		c.Write("pong")
		c.AwaitEnd()
		c.Write("last words")
	}, func(c *Conn) { c.Answer(ok2) })
	origin := s.one(t, o)
	resp := fetch(t, origin, upgrade("websocket"))
	if resp.Status != 101 || resp.Upgraded == nil || len(resp.Fields) != 1 {
		t.Fatalf("status %d, fields %v, upgraded %v", resp.Status, resp.Fields, resp.Upgraded)
	}
	expect := func(want string) {
		t.Helper()
		p := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Upgraded, p); err != nil || string(p) != want {
			t.Fatalf("%q, %v, want %q", p, err, want)
		}
	}
	expect("hello")
	if _, err := io.WriteString(resp.Upgraded, "ping"); err != nil {
		t.Fatal(err)
	}
	expect("pong")
	if err := resp.Upgraded.CloseWrite(); err != nil { // the other way is open still
		t.Fatal(err)
	}
	expect("last words")
	if n, err := resp.Upgraded.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes and %v after the end", n, err)
	}
	resp.Upgraded.Close()
	whole(t, fetch(t, origin, get("/"))) // on another connection
}

// upgradeRefused: an answer other than 101 is an answer.
func (s suite) upgradeRefused(t *testing.T) {
	o := Listen(t, func(c *Conn) { c.Answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno") })
	resp := fetch(t, s.one(t, o), upgrade("websocket"))
	if body := whole(t, resp); resp.Status != 403 || resp.Upgraded != nil || body != "no" {
		t.Errorf("status %d, upgraded %v, body %q", resp.Status, resp.Upgraded, body)
	}
}

// upgradeOdd: a switch that nobody asked for, or to something else.
func (s suite) upgradeOdd(t *testing.T) {
	f := func(name, asked, given string) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) {
				c.Answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" + given + "\r\n")
				c.AwaitEnd()
			})
			fails(t, s.one(t, o), upgrade(asked), cache.ReasonMalformed)
		})
	}
	f("not asked for", "", "Upgrade: websocket\r\n")
	f("another", "websocket", "Upgrade: h2c\r\n")
	f("none named", "websocket", "")
}

// upgradeCancelled: the end of the context ends the connection.
func (s suite) upgradeCancelled(t *testing.T) {
	o := Listen(t, func(c *Conn) {
		c.Answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		c.AwaitEnd()
	})
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	resp, err := s.one(t, o).Fetch(ctx, upgrade("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Upgraded.Close()
	cancel()
	if n, err := resp.Upgraded.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes of a connection that should have ended", n)
	}
}
