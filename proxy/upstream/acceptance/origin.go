package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every step of a script, so that a wedged transport fails a
// test instead of hanging it.
const patience = 20 * time.Second

// Script plays one connection of an origin. The connection is closed when it
// returns.
type Script func(c *Conn)

// Origin is a scripted origin on a loopback port.
type Origin struct {
	t        *testing.T
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	accepted int // guarded by mu
}

// Listen starts an origin that plays one script per connection, in order. The
// test's end waits for the scripts and fails if one was not played.
func Listen(t *testing.T, scripts ...Script) *Origin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &Origin{t: t, listener: l}
	o.running.Go(func() { o.accept(scripts) })
	t.Cleanup(func() {
		l.Close()
		o.running.Wait()
		if n := o.Accepted(); n < len(scripts) {
			t.Errorf("origin: %d of %d scripts were played", n, len(scripts))
		}
	})
	return o
}

func (o *Origin) accept(scripts []Script) {
	for {
		c, err := o.listener.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		n := o.accepted
		o.accepted++
		o.mu.Unlock()
		if n >= len(scripts) {
			o.t.Errorf("origin: connection %d, but only %d are in the script", n+1, len(scripts))
			c.Close()
			continue
		}
		o.running.Go(func() { o.play(c, scripts[n]) })
	}
}

func (o *Origin) play(c net.Conn, script Script) {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		o.t.Error(err)
		return
	}
	script(&Conn{t: o.t, conn: c, in: bufio.NewReader(c)})
}

// URL is the origin as a server of an upstream.
func (o *Origin) URL() string { return "http://" + o.Address() }

// Address is host and port of the origin.
func (o *Origin) Address() string { return o.listener.Addr().String() }

// Accepted is the number of connections so far.
func (o *Origin) Accepted() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.accepted
}

// Wait blocks until every connection so far has ended. It is for a test whose
// transport must end them while it is open; the end of the test waits anyway.
func (o *Origin) Wait() {
	o.listener.Close()
	o.running.Wait()
}

// Conn is one connection as its script sees it. What does not go as the script
// says is reported to the test.
type Conn struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// Head reads the head of a request, byte for byte, up to the empty line and
// without it.
func (c *Conn) Head() string {
	var head strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Errorf("origin: head %q ended: %v", head.String()+line, err)
			return head.String()
		}
		if line == "\r\n" {
			return head.String()
		}
		head.WriteString(line)
	}
}

// Read reads exactly n bytes of a body.
func (c *Conn) Read(n int) string {
	p := make([]byte, n)
	if got, err := io.ReadFull(c.in, p); err != nil {
		c.t.Errorf("origin: body ended after %d of %d bytes: %v", got, n, err)
	}
	return string(p)
}

// Chunk reads one chunk of a chunked body; the last one is empty.
func (c *Conn) Chunk() string {
	line, err := c.in.ReadString('\n')
	size, bad := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 31)
	if err != nil || bad != nil {
		c.t.Errorf("origin: chunk size %q: %v, %v", line, err, bad)
		return ""
	}
	chunk := c.Read(int(size))
	if end := c.Read(2); end != "\r\n" {
		c.t.Errorf("origin: chunk ends in %q", end)
	}
	return chunk
}

// Write sends s. A transport that has gone away is its own affair, so an error
// is no failure.
func (c *Conn) Write(s string) { _, _ = io.WriteString(c.conn, s) }

// Writef sends what it formats.
func (c *Conn) Writef(format string, args ...any) { c.Write(fmt.Sprintf(format, args...)) }

// Answer reads a request's head and sends s; it gives the head.
func (c *Conn) Answer(s string) string {
	head := c.Head()
	c.Write(s)
	return head
}

// Await blocks until barrier is closed or sends.
func (c *Conn) Await(barrier <-chan struct{}) {
	select {
	case <-barrier:
	case <-time.After(patience):
		c.t.Error("origin: nobody opened the barrier")
	}
}

// AwaitEnd blocks until the other side has closed or reset the connection, and
// reports bytes that come before.
func (c *Conn) AwaitEnd() {
	if b, err := c.in.ReadByte(); err == nil {
		c.t.Errorf("origin: byte %q instead of the end of the connection", b)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		c.t.Error("origin: the connection did not end")
	}
}

// Reset ends the connection with a RST.
func (c *Conn) Reset() {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			c.t.Error(err)
		}
	}
	c.conn.Close()
}
