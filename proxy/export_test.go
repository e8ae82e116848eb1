package proxy

import (
	"bufio"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// Bench is a request on a connection that leads nowhere, for the allocation
// test and the benchmarks of the hit path.
type Bench struct {
	edge *Edge
	ctx  fasthttp.RequestCtx
}

// sink is a connection that swallows what it is given.
type sink struct{ net.Conn }

func (sink) Write(p []byte) (int, error)      { return len(p), nil }
func (sink) SetWriteDeadline(time.Time) error { return nil }
func (sink) RemoteAddr() net.Addr             { return loopback }
func (sink) LocalAddr() net.Addr              { return loopback }

var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}

// NewBench parses a raw request once; Handle then answers it again and again.
func NewBench(e *Edge, raw string) (*Bench, error) {
	b := &Bench{edge: e}
	b.ctx.Init2(&conn{Conn: sink{}}, quiet{}, false)
	return b, b.ctx.Request.Header.Read(bufio.NewReader(strings.NewReader(raw)))
}

// Handle answers the request and gives the status sent.
func (b *Bench) Handle() { b.edge.handle(&b.ctx) }

// NewConn wraps a connection as the listener does; send writes an answer on it.
func NewConn(c net.Conn) (wrapped net.Conn, send func(head, body []byte) (int64, error)) {
	w := &conn{Conn: c}
	return w, w.send
}

// The bounds of a connection.
const (
	WriteIdle   = writeIdle
	ReadIdle    = readIdle
	PieceSize   = pieceSize
	BodyTimeout = bodyTimeout
)
