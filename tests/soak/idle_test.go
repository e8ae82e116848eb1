package soak_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// dial opens connections, many at a time.
func dial(t *testing.T, address string, count int, begin string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, count)
	var g group
	var next sync.Mutex
	at := 0
	for range 16 {
		g.run(func() error {
			for {
				next.Lock()
				i := at
				at++
				next.Unlock()
				if i >= count {
					return nil
				}
				c, err := net.Dial("tcp", address)
				if err != nil {
					return err
				}
				conns[i] = c
				if begin == "" {
					continue
				}
				if _, err := io.WriteString(c, begin); err != nil {
					return err
				}
			}
		})
	}
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	if err := g.wait(); err != nil {
		t.Fatal(err)
	}
	return conns
}

// hits reads a page from memory by a few clients, one request after the other, and gives how long each took.
func hits(t *testing.T, edge *rig.Edge, count int) []time.Duration {
	t.Helper()
	const clients = 4
	took := make([][]time.Duration, clients)
	var g group
	for i := range clients {
		g.run(func() error {
			c, err := net.Dial("tcp", strings.TrimPrefix(edge.URL, "http://"))
			if err != nil {
				return err
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for range count / clients {
				began := time.Now()
				if _, err := io.WriteString(c, "GET /files/page HTTP/1.1\r\nHost: shop.test\r\n\r\n"); err != nil {
					return err
				}
				if err := readHit(r); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(began))
			}
			return nil
		})
	}
	if err := g.wait(); err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	for _, some := range took {
		all = append(all, some...)
	}
	return all
}

// readHit reads the answer without leaving garbage: the collections of this process would be in the figures.
func readHit(r *bufio.Reader) error {
	hit := false
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("answer %q", line)
		}
		if bytes.HasPrefix(line, []byte("Cache-Status: ")) {
			hit = bytes.Contains(line, []byte("; hit"))
		}
		if len(line) == len("\r\n") {
			break
		}
	}
	if n, err := r.Discard(pageSize); err != nil || !hit {
		return fmt.Errorf("%d bytes, hit: %v, %w", n, hit, err)
	}
	return nil
}

const pageSize = 4096

// p99 is the median of the 99th percentiles of several rounds: one round's is a matter of luck.
func p99(t *testing.T, edge *rig.Edge) time.Duration {
	t.Helper()
	var rounds []time.Duration
	for range sized(9, 1) {
		rounds = append(rounds, quantile(hits(t, edge, sized(20_000, 400)), 0.99))
	}
	return quantile(rounds, 0.5)
}

// TestIdle: connections that send nothing, or a byte from time to time, cost memory and nothing else.
func TestIdle(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = io.WriteString(w, strings.Repeat("p", pageSize))
	}))
	t.Cleanup(origin.Close)
	// The limit that aisle sets itself has to follow the connections, or the collector would run all the time.
	t.Setenv("GOMEMLIMIT", "")
	edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(origin.URL, "routes: [{match: {path: \"/files/**\"}, scope: public}]\nlog: {access: \"off\"}\ndrain_timeout: 2s"))
	address := strings.TrimPrefix(edge.URL, "http://")
	rig.Get(t, edge.URL+"/files/page", "Host: shop.test")
	before := p99(t, edge)
	memory, err := edge.Resident()
	if err != nil {
		t.Fatal(err)
	}
	count := sized(10_000, 500)
	idle := dial(t, address, count, "")
	// Each has sent a request, so that what its answers took is in the figure.
	for _, c := range idle[:count/2] {
		if _, err := io.WriteString(c, "GET /files/page HTTP/1.1\r\nHost: shop.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	after, err := edge.Resident()
	if err != nil {
		t.Fatal(err)
	}
	figure(t, "memory per idle connection", "%.1f KiB, of %d, half of which have had an answer", float64(after-memory)/1024/float64(count), count)
	if full() {
		beside := p99(t, edge)
		figure(t, "p99 of hits beside idle connections alone", "%.2f ms alone, %.2f ms beside %d", ms(before), ms(beside), count)
	}
	slow := dial(t, address, sized(1000, 50), "GET /files/page HTTP/1.1\r\nHost: shop.test\r\nX-Slow: ")
	stop := make(chan struct{})
	var dripping group
	dripping.run(func() error { trickle(slow, stop); return nil })
	with := p99(t, edge)
	close(stop)
	if err := dripping.wait(); err != nil {
		t.Error(err)
	}
	figure(t, "p99 of hits", "%.2f ms alone, %.2f ms beside %d idle and %d slowloris connections: %.2f times", ms(before), ms(with), count, len(slow), float64(with)/float64(before))
	if full() && with >= 2*before {
		t.Errorf("p99 of hits went from %v to %v", before, with)
	}
}

// trickle sends a byte a second on each connection, not on all at once. The edge may have closed some.
func trickle(conns []net.Conn, stop <-chan struct{}) {
	const steps = 50
	tick := time.NewTicker(time.Second / steps)
	defer tick.Stop()
	for step := 0; ; step++ {
		for i := step % steps; i < len(conns); i += steps {
			_, _ = conns[i].Write([]byte("x"))
		}
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}
