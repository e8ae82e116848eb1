package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// A keep-alive connection that is closed while a request travels towards it is a request
// that fails, so in a drain none is closed but by its own announcement: the next
// answer on it says `Connection: close`. Those on which nothing is asked end by
// idleness, as they would anyway, only sooner.
//
// fasthttp's own shutdown does neither: it closes what is idle at once, and ends a
// connection whose answer was written just before without a word. It gets its turn
// when nothing is open any more.
const (
	drainIdle = 5 * time.Second
	drainStep = 50 * time.Millisecond
)

// noteIdle is fasthttp's hook.
func noteIdle(c net.Conn, state fasthttp.ConnState) {
	if known, ok := c.(*conn); ok {
		switch state {
		case fasthttp.StateActive:
			known.idle.Store(false)
		case fasthttp.StateIdle:
			known.idle.Store(true)
		}
	}
}

// connections knows the listeners and the connections of an edge.
type connections struct {
	mu        sync.Mutex
	listeners []net.Listener
	open      map[*conn]struct{}
	closed    bool           // no listener is added any more
	serving   sync.WaitGroup // of ServeFront; none is added once closed
}

// listen has what l accepts known here, and l closed by a drain. done is called when
// nothing more is accepted.
func (s *connections) listen(l listener) (tracked net.Listener, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return l, func() {}
	}
	s.serving.Add(1)
	if s.open == nil {
		s.open = map[*conn]struct{}{}
	}
	s.listeners = append(s.listeners, l)
	return trackedListener{l, s}, s.serving.Done
}

// trackedListener wraps the edge's own listener.
type trackedListener struct {
	listener
	conns *connections
}

// Accept implements net.Listener.
func (l trackedListener) Accept() (net.Conn, error) {
	c, err := l.listener.Accept()
	if err != nil {
		return nil, err
	}
	if known, ok := c.(*conn); ok {
		l.conns.add(known)
	}
	return c, nil
}

func (s *connections) add(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	c.closed = func() { s.remove(c) }
}

func (s *connections) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// register has open connections counted.
func (s *connections) register(reg prometheus.Registerer) {
	for _, idle := range []bool{true, false} {
		state := map[bool]string{true: "idle", false: "active"}[idle]
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "aisle_connections", Help: "Open connections of shoppers, by whether a request is under way.", ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(s.count(idle)) }))
	}
}

// Connections is the number of open connections of shoppers.
func (e *Edge) Connections() int {
	e.conns.mu.Lock()
	defer e.conns.mu.Unlock()
	return len(e.conns.open)
}

func (s *connections) count(idle bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if c.idle.Load() == idle {
			n++
		}
	}
	return n
}

// stop closes the listeners. What was accepted is served; what waits in the queue of a
// socket that another process has open too is left to that one.
func (s *connections) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if !s.closed {
		for _, l := range s.listeners {
			errs = append(errs, l.Close())
		}
	}
	s.closed = true
	return errors.Join(errs...)
}

// hurry gives each idle connection drainIdle to ask something, once, and says how many are open.
//
// A request that begins as this happens has its deadline overwritten: drainIdle
// for the rest of its head. That is enough for a head that has begun to come.
func (s *connections) hurry(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if c.idle.Load() && !c.hurried {
			c.hurried = true
			_ = c.Conn.SetReadDeadline(now.Add(drainIdle))
		}
	}
	return len(s.open)
}

// StopAccepting closes the listeners and has every connection end with its next answer. Shutdown begins with it; who has
// something to do between the two, such as to leave a file to a successor, calls it before. It may be called more than once.
func (e *Edge) StopAccepting() error {
	e.draining.Store(true)
	return e.conns.stop()
}

// Shutdown stops accepting and waits until the requests under way are answered and the
// connections closed. When ctx ends first its error is returned, and what is left is left;
// connections on which nothing is asked are closed then without an error.
func (e *Edge) Shutdown(ctx context.Context) error {
	closing := e.StopAccepting()
	// A connection may be out of the queue and not yet among those that are waited for.
	e.conns.serving.Wait()
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for e.conns.hurry(time.Now()) > 0 {
		select {
		case <-ctx.Done():
			busy := e.conns.count(false)
			_ = e.server.ShutdownWithContext(ctx) // closes what is idle
			if busy == 0 {
				return closing
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
	// Its listeners are closed already, of which it would complain.
	_ = e.server.ShutdownWithContext(ctx)
	return closing
}
