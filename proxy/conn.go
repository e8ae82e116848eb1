package proxy

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// fasthttp reads, aisle writes (docs/adr/0003). fasthttp's own response cannot carry
// an origin's Date, keeps the order of nothing, buffers what a slow origin
// sends and counts one deadline over a whole stream. So each connection is
// wrapped: the exchange writes the answer's very bytes by send, and what
// fasthttp writes afterwards, its empty default response, goes nowhere.

// listener wraps what it accepts.
type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// conn is one client connection. One exchange uses it at a time.
type conn struct {
	net.Conn
	rolling atomic.Bool // what is read now is an upload: each Read has readIdle
	lingers atomic.Bool // it ends with bytes of the client unread
	pieces  [2][]byte
	queue   net.Buffers // a view of pieces, kept so that a write allocates nothing
}

// Rolling deadlines: each piece of at most pieceSize has writeIdle to leave, each
// read of an upload readIdle to bring something.
const (
	writeIdle = 60 * time.Second
	readIdle  = 60 * time.Second
	pieceSize = 256 << 10
)

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
// may be as long as it likes, stands for a rolling one.
func (c *conn) SetReadDeadline(t time.Time) error {
	rolling := time.Until(t) > bodyTimeout/2
	c.rolling.Store(rolling)
	if rolling {
		t = time.Now().Add(readIdle)
	}
	return c.Conn.SetReadDeadline(t)
}

// Read implements net.Conn. An interrupt of bodyGate that comes between the two
// steps is lost, which is why it is repeated.
//
// An end within an upload is never io.EOF: fasthttp takes that, between two chunks
// or within a body of known length, for the end of the body, and the origin
// would get half an upload for a whole one.
func (c *conn) Read(p []byte) (int, error) {
	if !c.rolling.Load() {
		return c.Conn.Read(p)
	}
	if err := c.Conn.SetReadDeadline(time.Now().Add(readIdle)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close ends the connection. A client that is still sending gets the time to read
// its answer: to close with bytes unread is a reset, and that takes what was
// sent out of the client's hands again (RFC 9112, 9.6).
func (c *conn) Close() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.lingers.Load() && half.CloseWrite() == nil {
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

func (c *conn) write(a, b []byte) error {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(writeIdle)); err != nil {
		return err
	}
	if len(b) == 0 {
		_, err := c.Conn.Write(a)
		return err
	}
	c.pieces = [2][]byte{a, b}
	c.queue = c.pieces[:]
	_, err := c.queue.WriteTo(c.Conn)
	c.pieces = [2][]byte{}
	return err
}
