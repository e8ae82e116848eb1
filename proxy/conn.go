package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
)

// fasthttp reads, aisle writes (docs/adr/0003). fasthttp's own response cannot carry
// an origin's Date, keeps the order of nothing, buffers what a slow origin
// sends and counts one deadline over a whole stream. So each connection is
// wrapped: the exchange writes the answer's very bytes by send, and what
// fasthttp writes afterwards, its empty default response, goes nowhere.

// listener wraps what it accepts.
type listener struct {
	net.Listener
	front *front
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(c, l.front), nil
}

// newConn wraps a connection. front may be nil, for none.
func newConn(c net.Conn, f *front) *conn {
	wrapped := &conn{Conn: c, front: f, upload: fullPace(), answer: fullPace()}
	if f != nil {
		wrapped.Conn, wrapped.unopened = f.wrap(c)
	}
	wrapped.idle.Store(true)
	return wrapped
}

// conn is one client connection. One exchange uses it at a time.
type conn struct {
	net.Conn
	front    *front
	unopened *opening      // what stands before the first request; nil where it is over
	stated   *net.TCPAddr  // the client, where a trusted balancer states it; nil: the peer
	secure   bool          // the client speaks TLS
	framer   framer        // used by Read alone, as what follows
	fault    *framingFault // of the bytes that come next
	upload   pace
	answer   pace // used by write alone

	rolling atomic.Bool // what is read now is an upload: each Read has readIdle
	lingers atomic.Bool // it ends with bytes of the client unread
	idle    atomic.Bool // no byte of a request has come since the last answer
	hurried bool        // guarded by connections.mu
	closed  func()      // tells connections; nil where nobody asks
	pieces  [2][]byte
	queue   net.Buffers // a view of pieces, kept so that a write allocates nothing
}

// pieceSize is the most that leaves under one deadline.
const pieceSize = 256 << 10

// What Close takes from a client that is still sending, at most.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 16 << 20
)

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n") // read only

// expectBody is asked by fasthttp once a head is read. It knows Expect in one
// spelling only, where names are not normalised, so it is shown that.
func expectBody(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if n := h.ContentLength(); n == 0 || n < -1 {
		return fasthttp.RequestConfig{} // there is nothing more to read
	}
	var wish []byte
	for name, value := range h.All() {
		if equalFold(name, "expect") {
			wish = append(wish[:0], value...)
		}
	}
	if wish != nil {
		h.SetBytesV("Expect", wish)
	}
	return fasthttp.RequestConfig{ReadTimeout: bodyTimeout}
}

// expect answers an Expect: 100-continue before the handler runs (RFC 9110, 15.2.1).
// fasthttp would do so by Write, where it cannot be told for certain from the
// default answers around it: they share a buffer that is flushed where it is full.
func expect(ctx *fasthttp.RequestCtx) int {
	if c, ok := ctx.Conn().(*conn); ok && c.write(continueLine, nil) != nil {
		return fasthttp.StatusExpectationFailed // which goes nowhere; the connection ends
	}
	return fasthttp.StatusContinue
}

// Write takes what fasthttp writes: nothing of it leaves.
func (c *conn) Write(p []byte) (int, error) { return len(p), nil }

// SetReadDeadline takes fasthttp's absolute deadlines. That of an upload, which
// may be as long as it likes, stands for the pace.
func (c *conn) SetReadDeadline(t time.Time) error {
	rolling := time.Until(t) > bodyTimeout/2
	c.rolling.Store(rolling)
	if rolling {
		t = time.Now().Add(c.upload.left)
	}
	return c.Conn.SetReadDeadline(t)
}

// Read implements net.Conn: the bytes that the framer lets through, up to a fault.
//
// An end within an upload is never io.EOF: fasthttp takes that, between two chunks
// or within a body of known length, for the end of the body, and the origin
// would get half an upload for a whole one.
func (c *conn) Read(p []byte) (int, error) {
	if c.unopened != nil {
		if err := c.open(); err != nil {
			return 0, err
		}
	}
	for {
		if c.fault != nil {
			return 0, c.fault
		}
		n, err := c.receive(p)
		kept, reason := c.framer.feed(p[:n])
		if reason != cache.ReasonNone {
			c.fault = &framingFault{reason, c.framer.head, c.framer.count}
		}
		if err == io.EOF && (c.rolling.Load() || c.framer.inBody()) {
			err = io.ErrUnexpectedEOF
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}

// receive reads from the client: an upload within its pace, all else until the
// deadline that fasthttp has set. An interrupt of bodyGate that comes between the
// setting of the deadline and the Read is lost, which is why it is repeated.
func (c *conn) receive(p []byte) (int, error) {
	if !c.rolling.Load() {
		n, err := c.Conn.Read(p)
		if n == 0 && c.framer.inHead() && isTimeout(err) {
			c.front.count(slowHead)
		}
		return n, err
	}
	began := time.Now()
	if err := c.Conn.SetReadDeadline(began.Add(c.upload.left)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	c.upload.spend(time.Since(began), n)
	if c.upload.left <= 0 && isTimeout(err) {
		c.front.count(slowUpload)
	}
	return n, err
}

// faultOf gives the fault of the request at hand, as far as its bytes have come. It is
// asked beside fasthttp, which takes one in the trailers for the end of the body.
func faultOf(ctx *fasthttp.RequestCtx) *framingFault {
	if c, ok := ctx.Conn().(*conn); ok && c.fault != nil && c.fault.number == ctx.ConnRequestNum() {
		return c.fault
	}
	return nil
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// RemoteAddr implements net.Conn: the client, where a trusted balancer states it.
func (c *conn) RemoteAddr() net.Addr {
	if c.stated != nil {
		return c.stated
	}
	return c.Conn.RemoteAddr()
}

// Close ends the connection. A client that is still sending gets the time to read
// its answer: to close with bytes unread is a reset, and that takes what was
// sent out of the client's hands again (RFC 9112, 9.6).
func (c *conn) Close() error {
	if c.closed != nil {
		defer c.closed()
	}
	if c.lingers.Load() && c.closeWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

var errNotWrapped = errors.New("BUG: the connection is not one of the listener's")

// send writes head and body as they are. Small answers leave in one write, large
// ones in pieces, each with its own deadline.
func (c *conn) send(head, body []byte) (sent int64, err error) {
	first := min(len(body), pieceSize)
	if err := c.write(head, body[:first]); err != nil {
		return 0, err
	}
	for sent = int64(first); sent < int64(len(body)); {
		piece := body[sent:min(int64(len(body)), sent+pieceSize)]
		if err := c.write(piece, nil); err != nil {
			return sent, err
		}
		sent += int64(len(piece))
	}
	return sent, nil
}

// write lets a and b leave, together where the connection can. What a slow reader has
// taken by the deadline gives it time for the rest, but for TLS, where a write that
// was cut off cannot go on.
func (c *conn) write(a, b []byte) error {
	c.pieces = [2][]byte{a, b}
	c.queue = c.pieces[:]
	defer func() { c.pieces, c.queue = [2][]byte{}, nil }()
	for {
		began := time.Now()
		if err := c.Conn.SetWriteDeadline(began.Add(c.answer.left)); err != nil {
			return err
		}
		n, err := c.writeQueue()
		c.answer.spend(time.Since(began), int(n))
		switch {
		case err == nil:
			return nil
		case !isTimeout(err):
			return err
		case n == 0 || c.answer.left <= 0:
			c.front.count(slowReader)
			return err
		}
	}
}

// writeQueue writes what is left of pieces.
func (c *conn) writeQueue() (int64, error) {
	if len(c.queue) > 1 && len(c.pieces[1]) > 0 {
		return c.queue.WriteTo(c.Conn)
	}
	n, err := c.Conn.Write(c.queue[0])
	c.queue[0] = c.queue[0][n:]
	return int64(n), err
}
