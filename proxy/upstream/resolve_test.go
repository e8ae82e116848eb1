package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/tests/ports"
)

func addresses(t *testing.T, list string) []netip.Addr {
	t.Helper()
	var all []netip.Addr
	for _, s := range strings.Fields(list) {
		a, err := netip.ParseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func TestExpand(t *testing.T) {
	f := func(list string, want ...target) {
		t.Helper()
		if diff := cmp.Diff(want, expand("origin.example", "9000", addresses(t, list)), cmp.AllowUnexported(target{})); diff != "" {
			t.Errorf("targets of %q (-want +got):\n%s", list, diff)
		}
	}
	f("10.0.0.1", target{address: "10.0.0.1:9000"})
	f("10.0.0.2 10.0.0.1 10.0.0.2", target{address: "10.0.0.1:9000"}, target{address: "10.0.0.2:9000"})
	f("::ffff:10.0.0.1 10.0.0.1", target{address: "10.0.0.1:9000"})
	f("2001:db8::1", target{address: "[2001:db8::1]:9000"})
	f("::1 127.0.0.1", target{address: "origin.example:9000", set: "127.0.0.1 ::1"})
	f("127.0.0.1 ::1", target{address: "origin.example:9000", set: "127.0.0.1 ::1"})
}

// zone is a name server of one name.
type zone struct {
	mu    sync.Mutex
	found []netip.Addr // guarded by mu
	err   error        // guarded by mu
	asked int          // guarded by mu
}

func (z *zone) set(found []netip.Addr, err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.found, z.err = found, err
}

func (z *zone) lookup(_ context.Context, name string) ([]netip.Addr, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	if name != "origin.example" {
		return nil, errors.New("nobody asked for " + name)
	}
	return z.found, z.err
}

// settle waits until a look-up that began after the last change has been taken in.
func (z *zone) settle(t *testing.T) {
	t.Helper()
	z.mu.Lock()
	before := z.asked
	z.mu.Unlock()
	await(t, "three look-ups", func() bool {
		z.mu.Lock()
		defer z.mu.Unlock()
		return z.asked >= before+3
	})
}

// homes are servers on one port of several loopback addresses, each of which answers
// with its own, in pieces that a test may hold back.
type homes struct {
	port    string
	hold    chan struct{} // a body waits here in its middle
	running sync.WaitGroup
}

func newHomes(t *testing.T, ips ...string) *homes {
	h := &homes{hold: make(chan struct{})}
	t.Cleanup(h.running.Wait) // cleanups run backwards: after the listeners are closed
	// What the system chooses for the first may be taken at the others.
	h.port = strconv.Itoa(ports.Free(t))
	for _, ip := range ips {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, h.port))
		if err != nil {
			t.Fatal(err)
		}
		h.running.Go(func() { h.serve(l, ip) })
		t.Cleanup(func() { l.Close() })
	}
	return h
}

func (h *homes) serve(l net.Listener, ip string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		h.running.Go(func() {
			defer c.Close()
			head := make([]byte, 4096)
			for {
				n, err := c.Read(head)
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
				if strings.HasPrefix(string(head[:n]), "GET /held ") {
					_, _ = io.WriteString(c, ip[:4])
					<-h.hold
					_, _ = io.WriteString(c, ip[4:])
					continue
				}
				_, _ = io.WriteString(c, ip)
			}
		})
	}
}

// TestResolve: requests go to the addresses that a name has now, a request under way
// to one that is gone runs to its end, and a name server that fails changes nothing.
func TestResolve(t *testing.T) {
	h := newHomes(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	z := new(zone)
	z.set(addresses(t, "127.0.0.1"), nil)
	u, err := New(Options{Name: "x", Servers: []string{"http://origin.example:" + h.port}, Resolve: 5 * time.Millisecond, Lookup: z.lookup,
		SlowStart: time.Nanosecond, KeepAlive: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	ask := func(target string) *cache.OriginResponse {
		t.Helper()
		resp, err := u.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	f := func(step string, want string) {
		t.Helper()
		z.settle(t)
		got := map[string]int{}
		for range 12 {
			resp := ask("/")
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.Server != net.JoinHostPort(string(b), h.port) {
				t.Errorf("%s: %s answered as %s", step, b, resp.Server)
			}
			got[string(b)]++
		}
		for _, ip := range strings.Fields(want) {
			if n := 12 / len(strings.Fields(want)); got[ip] != n {
				t.Errorf("%s: %d of 12 requests went to %s, want %d", step, got[ip], ip, n)
			}
		}
	}
	f("at first", "127.0.0.1")
	held := ask("/held")
	z.set(addresses(t, "127.0.0.2 127.0.0.3"), nil)
	f("after the move", "127.0.0.2 127.0.0.3")
	close(h.hold)
	if b, err := io.ReadAll(held.Body); string(b) != "127.0.0.1" || err != nil {
		t.Errorf("the request under way got %q, %v", b, err)
	}
	held.Body.Close()
	z.set(nil, errors.New("the name server is down"))
	f("without a name server", "127.0.0.2 127.0.0.3")
	z.set(nil, nil)
	f("without an address", "127.0.0.2 127.0.0.3")
	z.set(addresses(t, "127.0.0.3 127.0.0.1"), nil)
	f("half of it new", "127.0.0.1 127.0.0.3")
}

// TestResolveKeeps: an address that is still there keeps what is known of it.
func TestResolveKeeps(t *testing.T) {
	u, err := New(Options{Name: "x", Servers: []string{"http://10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	n := u.names[0]
	u.move(t.Context(), n, expand("o", "80", addresses(t, "10.0.0.1 10.0.0.2")))
	kept := u.servers[0]
	kept.ejected = 7
	u.move(t.Context(), n, expand("o", "80", addresses(t, "10.0.0.3 10.0.0.1")))
	if len(u.servers) != 2 || u.servers[0] != kept || u.servers[0].ejected != 7 {
		t.Errorf("servers %v", u.servers)
	}
	if fresh := u.servers[1]; fresh.target.address != "10.0.0.3:80" || fresh.back.IsZero() {
		t.Errorf("the new address %s started at %v", fresh.target.address, fresh.back)
	}
}

// TestLocalhost: a name with addresses of both families works where only one of
// them is served. It asks the system's resolver.
func TestLocalhost(t *testing.T) {
	h := newHomes(t, "127.0.0.1")
	u, err := New(Options{Name: "x", Servers: []string{"http://localhost:" + h.port}, Resolve: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	await(t, "a look-up", func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.names[0].resolved
	})
	for range 5 {
		resp, err := u.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
