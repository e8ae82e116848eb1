package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Front is what stands before HTTP on a listener. The zero value is plain HTTP.
type Front struct {
	// ProxyProtocol expects the PROXY protocol, version 1 or 2, of peers in
	// TrustedProxies; of any other it is no beginning of a request.
	ProxyProtocol bool
	// TLS is nil for none. Behind the PROXY protocol it comes second, as balancers
	// send it.
	TLS *Certificates
}

// openTimeout bounds the PROXY header and the handshake together.
const openTimeout = 10 * time.Second

// front is the Front of a listener, with what it needs of the edge.
type front struct {
	Front
	trusted func(netip.Addr) bool
	refused [endCount]func() // counts
}

// opening is what has to be read of a connection before its first request.
type opening struct {
	raw net.Conn  // below TLS
	tls *tls.Conn // nil: none
}

// errNotOpened is in the error of a Read of a connection that never got to HTTP.
var errNotOpened = errors.New("connection refused before its first request")

// wrap gives the connection that HTTP is spoken on.
func (f *front) wrap(c net.Conn) (net.Conn, *opening) {
	switch {
	case f.TLS != nil:
		t := tls.Server(c, f.TLS.config)
		return t, &opening{raw: c, tls: t}
	case f.ProxyProtocol:
		return c, &opening{raw: c}
	}
	return c, nil
}

// open reads what stands before the first request. It runs in the connection's own
// goroutine: one that says nothing holds up nobody else.
func (c *conn) open() error {
	o := c.unopened
	c.unopened = nil
	deadline := time.Now().Add(openTimeout)
	if err := o.raw.SetDeadline(deadline); err != nil {
		return err
	}
	if c.front.ProxyProtocol && c.front.trusted(addrOf(o.raw.RemoteAddr())) {
		stated, err := readProxyHeader(o.raw)
		if err != nil {
			return c.refuseOpening(badProxyHeader, err)
		}
		c.secure = stated.secure
		if stated.source.IsValid() {
			c.stated = net.TCPAddrFromAddrPort(stated.source)
		}
	}
	if o.tls != nil {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		if err := o.tls.HandshakeContext(ctx); err != nil {
			return c.refuseOpening(badHandshake, err)
		}
		c.secure = true
	}
	if err := o.raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	return o.raw.SetReadDeadline(time.Now().Add(headTimeout))
}

func (c *conn) refuseOpening(why connEnd, err error) error {
	c.front.count(why)
	c.fault = &framingFault{} // nothing on it is read any more
	return fmt.Errorf("%w: %s: %w", errNotOpened, why, err)
}

// connEnd is why aisle ended a connection on its own account.
type connEnd uint8

const (
	badProxyHeader connEnd = iota // none where one is due, or a faulty one
	badHandshake                  // of TLS
	slowHead                      // a head was not whole in time
	slowUpload                    // a body came below the least rate
	slowReader                    // an answer was taken below the least rate

	endCount
)

func (e connEnd) String() string {
	return [...]string{"proxy-protocol", "tls-handshake", "slow-head", "slow-upload", "slow-reader", "unknown"}[min(e, endCount)]
}

// count counts an end. f may be nil, where nobody asks.
func (f *front) count(e connEnd) {
	if f != nil && f.refused[e] != nil {
		f.refused[e]()
	}
}
