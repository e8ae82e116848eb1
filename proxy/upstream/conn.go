package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// dialer makes the connections to one address of an upstream.
type dialer struct {
	to      target
	connect time.Duration
	own     func(context.Context) (net.Conn, error) // nil: the address is dialled
	stall   time.Duration
	maxHead int
	roots   *x509.CertPool
}

// dialError tells a connection that was never there from one that broke: after
// it nothing of the request was sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func (d *dialer) dial(ctx context.Context, network, name string) (net.Conn, error) {
	return d.wrap(d.plain(ctx, network, name))
}

func (d *dialer) dialTLS(ctx context.Context, network, name string) (net.Conn, error) {
	return d.wrap(d.secure(ctx, network, name))
}

func (d *dialer) wrap(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, stall: d.stall, maxHead: d.maxHead}, nil
}

// plain connects to the address, whatever name net/http knows it by.
func (d *dialer) plain(ctx context.Context, network, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	if d.own != nil {
		c, err := d.own(ctx)
		if err != nil {
			return nil, &dialError{err}
		}
		return c, nil
	}
	if d.to.socket {
		network = "unix"
	}
	c, err := new(net.Dialer).DialContext(ctx, network, d.to.address)
	if err != nil {
		return nil, &dialError{err}
	}
	return c, nil
}

// secure does the handshake itself, so that it shares the connect timeout and
// fails as a connection does. The certificate has to be of the configured name.
func (d *dialer) secure(ctx context.Context, network, name string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	host, _, err := net.SplitHostPort(name)
	if err != nil {
		return nil, &dialError{err}
	}
	plain, err := d.plain(ctx, network, name)
	if err != nil {
		return nil, err
	}
	c := tls.Client(plain, &tls.Config{ServerName: host, RootCAs: d.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	if err := c.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, &dialError{err}
	}
	return c, nil
}

// conn is a connection to a server as net/http holds it.
type conn struct {
	net.Conn
	stall   time.Duration // of one Write: a server that does not take an upload
	maxHead int
	// dropAt is the place of a byte that the next Write leaves out, 0 for none;
	// see exchange.request. It is set when the transport has chosen the connection
	// and before its write loop is told of the request, so it needs no lock.
	dropAt int

	// The read loop reads ahead of any request, while begin is called by the one
	// that got the connection.
	mu    sync.Mutex
	scan  scanner // guarded by mu
	ended error   // guarded by mu; what every further Read returns
}

// begin prepares for a request and its answer. connection gets the values of the
// answer's Connection; the read loop writes it before net/http sees the head.
func (c *conn) begin(head bool, dropAt int, connection *[]string) {
	c.dropAt = dropAt
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scan.expect(head, c.maxHead, connection)
}

// cut says whether the connection ended, and whether that was within a head.
func (c *conn) cut() (ended, inHead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil && !errors.Is(c.ended, errMalformed), c.scan.stage == statusRow || c.scan.stage == fieldRow
}

// Read hides bytes that belong to no answer: the connection seems to end before
// them, and so is not used again.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended != nil {
		return 0, ended
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	own, fault := c.scan.feed(p[:n])
	switch {
	case fault != nil:
		c.ended = fault
	case own < n:
		c.ended = io.EOF
	default:
		c.ended = err
	}
	if own == 0 {
		return 0, c.ended
	}
	return own, nil
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	at := c.dropAt
	c.dropAt = 0
	if at == 0 {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(slices.Concat(p[:at], p[at+1:]))
	if n > at || err == nil {
		n++
	}
	return n, err
}

// CloseWrite ends what is sent, for net/http's connection after a 101.
func (c *conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
