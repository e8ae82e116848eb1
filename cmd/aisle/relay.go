package main

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/proxy/upstream"
)

// relay lets an edge that has handed over go on answering requests to its sidecar, whose file is the successor's by then: what
// comes on a connection that is still open goes to the successor, by the address that both had.
//
// Rejected: to let the file go only when the last connection has ended. A download of an hour would keep every session request
// of the successor waiting.
type relay struct {
	mu    sync.Mutex
	over  bool
	count int           // requests to our sidecar under way
	idle  chan struct{} // closed when over and count is 0
}

func newRelay() *relay { return &relay{idle: make(chan struct{})} }

// relayed is an origin whose sidecar may be the successor's.
type relayed struct {
	cache.Origin
	relay *relay
}

// Fetch implements cache.Origin.
func (o relayed) Fetch(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	if r.Upstream != proxy.SidecarUpstream {
		return o.Origin.Fetch(ctx, r)
	}
	if !o.relay.enter() {
		onward := *r
		onward.Upstream = proxy.SuccessorUpstream
		return o.Origin.Fetch(ctx, &onward)
	}
	resp, err := o.Origin.Fetch(ctx, r)
	if err != nil {
		o.relay.leave()
		return nil, err
	}
	resp.Body = &leaving{ReadCloser: resp.Body, leave: sync.OnceFunc(o.relay.leave)}
	return resp, nil
}

// leaving tells the relay when an answer is over.
type leaving struct {
	io.ReadCloser
	leave func()
}

// Close implements io.Closer.
func (l *leaving) Close() error {
	defer l.leave()
	return l.ReadCloser.Close()
}

func (r *relay) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.count++
	return true
}

func (r *relay) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count--; r.over && r.count == 0 {
		close(r.idle)
	}
}

// handOver sends what comes from now on to the successor, and waits for what is under way.
func (r *relay) handOver(ctx context.Context) error {
	r.mu.Lock()
	if !r.over {
		r.over = true
		if r.count == 0 {
			close(r.idle)
		}
	}
	r.mu.Unlock()
	select {
	case <-r.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// successorOptions is the upstream that leads to the successor by one of the sockets: one of plain HTTP, whoever asks.
func successorOptions(sockets []ownSocket, fronts []proxy.Front) (_ upstream.Options, ok bool) {
	for i, f := range fronts {
		if f.TLS != nil || f.ProxyProtocol {
			continue
		}
		address := reachable(sockets[i].listener.Addr())
		dial := func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, address.Network(), address.String())
		}
		return upstream.Options{Name: proxy.SuccessorUpstream, Servers: []string{"http://successor.in-process"}, Dial: dial}, true
	}
	return upstream.Options{}, false
}

// reachable is an address to connect to: that of a listener on all addresses is none.
func reachable(a net.Addr) net.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a
	}
	own := *tcp
	if own.IP = net.IPv4(127, 0, 0, 1); tcp.IP.To4() == nil {
		own.IP = net.IPv6loopback
	}
	return &own
}
