package proxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/config/filewatch"
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
	b.ctx.Init2(newConn(sink{}, nil), quiet{}, false)
	return b, b.ctx.Request.Header.Read(bufio.NewReader(strings.NewReader(raw)))
}

// Handle answers the request and gives the status sent.
func (b *Bench) Handle() { b.edge.handle(&b.ctx) }

// pieces is a client that has sent everything, in pieces, and is gone.
type pieces struct {
	sink
	rest [][]byte
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[0])
	if p.rest[0] = p.rest[0][n:]; len(p.rest[0]) == 0 {
		p.rest = p.rest[1:]
	}
	return n, nil
}

func (*pieces) SetReadDeadline(time.Time) error { return nil }
func (*pieces) Close() error                    { return nil }

// Served is what reaches the handler of a connection on which some bytes came.
type Served struct {
	Bodies []string      // of the requests that were read whole
	Fault  *framingFault // of the framer
	Err    error         // of fasthttp, or of a body
	Closed bool          // the last request announced the end
	Open   bool          // the bytes end within a request
}

// ServePieces runs the server, with a handler that reads bodies in place of the edge's.
func ServePieces(sent ...[]byte) (s Served) {
	server := (&Edge{}).newServer()
	server.ErrorHandler = func(_ *fasthttp.RequestCtx, err error) { s.Err = err }
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		body, err := ctx.Request.Body(), error(nil)
		if stream := ctx.RequestBodyStream(); stream != nil {
			body, err = io.ReadAll(stream)
		}
		if fault := faultOf(ctx); fault != nil {
			err = fault
		}
		if s.Closed = ctx.Request.Header.ConnectionClose(); err != nil {
			s.Err = err
			ctx.SetConnectionClose()
			return
		}
		s.Bodies = append(s.Bodies, string(body))
	}
	c := newConn(&pieces{rest: sent}, nil)
	_ = server.ServeConn(c)
	s.Fault, s.Open = c.fault, c.framer.inHead() || c.framer.inBody()
	return s
}

// Reason gives the fault's reason, none where there is no fault.
func (s *Served) Reason() cache.Reason {
	if s.Fault == nil {
		return cache.ReasonNone
	}
	return s.Fault.reason
}

// Told gives the reason that the client is told: not a fault behind a request that
// fasthttp refuses by itself.
func (s *Served) Told() cache.Reason {
	var fault *framingFault
	if errors.As(s.Err, &fault) {
		return fault.reason
	}
	return cache.ReasonNone
}

// FramerAllocs is what one more request costs on a connection.
func FramerAllocs(request string) float64 {
	var f framer
	f.feed([]byte(request))
	buf := make([]byte, len(request))
	return testing.AllocsPerRun(100, func() {
		copy(buf, request)
		if n, reason := f.feed(buf); n != len(request) || reason != cache.ReasonNone {
			panic(reason)
		}
	})
}

// ReadProxyHeader reads a header of the PROXY protocol.
func ReadProxyHeader(r io.Reader) (source netip.AddrPort, secure bool, err error) {
	h, err := readProxyHeader(r)
	return h.source, h.secure, err
}

// ErrProxyHeader is of a faulty header.
var ErrProxyHeader = errProxyHeader

// NewConn wraps a connection as the listener does; send writes an answer on it.
func NewConn(c net.Conn) (wrapped net.Conn, send func(head, body []byte) (int64, error)) {
	w := newConn(c, nil)
	return w, w.send
}

// The bounds of a connection.
const (
	Patience    = patience
	LeastRate   = leastRate
	PieceSize   = pieceSize
	BodyTimeout = bodyTimeout
)

// NewCountedConn is NewConn with a function that is told why the connection was ended.
func NewCountedConn(c net.Conn, ended func(end string)) (wrapped net.Conn, send func(head, body []byte) (int64, error)) {
	f := &front{}
	for i := range f.refused {
		f.refused[i] = func() { ended(connEnd(i).String()) }
	}
	w := newConn(c, f)
	return w, w.send
}

// Config is what a handshake goes by.
func (c *Certificates) Config() *tls.Config { return c.config }

// WatchStep is how often files are looked at.
const WatchStep = filewatch.Step
