package proxy

import (
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aislecache/aisle/cache"
)

// A connection that has left HTTP is bounded by silence alone, in both directions together: what it carries is not ours to
// judge. Once one side has said all, the other has less time.
const (
	tunnelIdle   = time.Hour // as HAProxy's `timeout tunnel` is usually set; what pings goes on for ever
	tunnelHalf   = time.Minute
	tunnelBuffer = 16 << 10
)

// upgradeWanted gives the protocol that a request asks to switch to (RFC 9110, 7.8), or "". It is one that a
// GET without a body asks for, alone: so is a WebSocket (RFC 6455, 4.1).
//
// h2c, another HTTP or TLS inside of a connection that aisle no longer reads would carry requests past its
// guard, its routes and its keys. Such a wish is passed over, as the RFC allows.
func (x *exchange) upgradeWanted() string {
	header := &x.ctx.Request.Header
	if !x.hasNamed("upgrade") || !header.IsHTTP11() || !header.IsGet() || header.ContentLength() > 0 || header.ContentLength() == -1 {
		return ""
	}
	protocol, wanted := "", false
	for i := range x.lines {
		switch l := &x.lines[i]; string(l.lower) {
		case "upgrade":
			if protocol != "" {
				return ""
			}
			protocol = string(l.value)
		case "connection":
			wanted = wanted || listHas(string(l.value), "upgrade")
		}
	}
	name, version, versioned := strings.Cut(protocol, "/")
	switch lower := strings.ToLower(name); {
	case !wanted, !isToken([]byte(name)), versioned && !isToken([]byte(version)):
		return ""
	case lower == "http", lower == "h2c", lower == "h2", lower == "h3", lower == "tls":
		return ""
	}
	return protocol
}

// hasNamed says that there is a line of a lower-case name. It is asked of each request.
func (x *exchange) hasNamed(lower string) bool {
	for i := range x.lines {
		if string(x.lines[i].lower) == lower {
			return true
		}
	}
	return false
}

// listHas says whether a comma-separated list has a member, in any letter case.
func listHas(list, member string) bool {
	for m := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(m, " \t"), member) {
			return true
		}
	}
	return false
}

// early says that the client has sent bytes beyond this request. Before the 101 they are no part of the other
// protocol (RFC 9110, 7.8), and fasthttp has them already.
func (c *conn) early() bool {
	return c.fault != nil || c.framer.stage != beforeRequest || c.framer.blank > 0
}

// switchProtocols hands a 101 on, and then bytes in both directions until both ends are done.
func (x *exchange) switchProtocols(resp *cache.OriginResponse) {
	defer resp.Upgraded.Close()
	c, ok := x.ctx.Conn().(*conn)
	if !ok {
		panic(errNotWrapped)
	}
	x.sent.server, x.sent.outcome, x.sent.reason = resp.Server, cache.Pass, cache.ReasonUpgrade
	x.status = statusLine{outcome: cache.Pass, reason: cache.ReasonUpgrade, fwdStatus: resp.Status, debug: x.debugged()}
	h := x.startHead(resp.Status)
	x.setCookies(h, h.copyFields(resp.Fields, resp.Status))
	h.line("Upgrade", x.upgrade)
	x.finishHead(h, Downstream{})
	x.begun = true
	x.ctx.SetConnectionClose() // there is no next request
	if err := c.write(h.out, nil); err != nil {
		return
	}
	x.edge.metrics.tunnels.Inc()
	defer x.edge.metrics.tunnels.Dec()
	x.sent.bytes = tunnel(c, resp.Upgraded)
}

// tunnel copies in both directions and gives how many bytes the client got. It returns when both directions have
// ended; each end is told of the other's by a FIN. A direction that breaks ends both.
func tunnel(c *conn, origin cache.Upgraded) (sent int64) {
	t := &tunnelEnds{client: c, origin: origin, idle: tunnelIdle}
	t.quiet = time.AfterFunc(tunnelIdle, t.close)
	defer t.quiet.Stop()
	_ = c.Conn.SetReadDeadline(time.Time{})
	var upward sync.WaitGroup
	upward.Go(func() {
		t.copy(c.Conn, origin.Write)
		t.end(origin.CloseWrite)
	})
	t.copy(origin, func(p []byte) (int, error) {
		if err := c.write(p, nil); err != nil {
			return 0, err
		}
		sent += int64(len(p))
		return len(p), nil
	})
	t.end(c.closeWrite)
	upward.Wait()
	return sent
}

// tunnelEnds is what the two directions of a tunnel share.
type tunnelEnds struct {
	client *conn
	origin cache.Upgraded
	mu     sync.Mutex
	quiet  *time.Timer
	idle   time.Duration // guarded by mu
}

// alive puts the end by silence off.
func (t *tunnelEnds) alive() {
	t.mu.Lock()
	t.quiet.Reset(t.idle)
	t.mu.Unlock()
}

// close ends both.
func (t *tunnelEnds) close() {
	_ = t.client.Conn.Close()
	_ = t.origin.Close()
}

// copy copies one direction until from ends, or something breaks, which ends both.
func (t *tunnelEnds) copy(from io.Reader, write func([]byte) (int, error)) {
	buf := make([]byte, tunnelBuffer)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			t.alive()
			if _, err := write(buf[:n]); err != nil {
				t.close()
				return
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			t.close()
			return
		}
	}
}

// end tells the far end of a direction that no more will come.
func (t *tunnelEnds) end(closeWrite func() error) {
	if closeWrite() != nil {
		// Nobody can be told that half of a connection has ended, so all of it does.
		t.close()
	}
	t.mu.Lock()
	t.idle = tunnelHalf
	t.quiet.Reset(t.idle)
	t.mu.Unlock()
}

// closeWrite ends what is sent to the client.
func (c *conn) closeWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
