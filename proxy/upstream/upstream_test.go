package upstream_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/proxy/upstream/acceptance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAcceptance(t *testing.T) {
	acceptance.Run(t, func(t *testing.T, servers []string, o acceptance.Options) cache.Origin {
		return open(t, upstream.Options{Name: "storefront", Servers: servers,
			Connect: o.Connect, FirstByte: o.FirstByte, Idle: o.Idle, MaxConnections: o.MaxConnections})
	})
}

// open makes an upstream that the end of the test closes.
func open(t *testing.T, o upstream.Options) *upstream.Upstream {
	t.Helper()
	u, err := upstream.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func wantReason(t *testing.T, err error, want cache.Reason) {
	t.Helper()
	oe, ok := errors.AsType[*cache.OriginError](err)
	if !ok {
		t.Fatalf("error %v is no *cache.OriginError", err)
	}
	if oe.Reason != want {
		t.Errorf("reason %s instead of %s: %v", oe.Reason, want, err)
	}
}

func get(target string) *cache.OriginRequest {
	return &cache.OriginRequest{Method: "GET", Host: "shop.example", Target: target}
}

func TestTLS(t *testing.T) {
	var target atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target.Store(r.RequestURI)
		fmt.Fprintf(w, "%s %s", r.Proto, r.Host)
	}))
	s.EnableHTTP2 = true // which is not taken
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	known := x509.NewCertPool()
	known.AddCert(s.Certificate())
	f := func(name string, roots *x509.CertPool, server string, want cache.Reason) {
		t.Run(name, func(t *testing.T) {
			resp, err := open(t, upstream.Options{Name: "x", Servers: []string{server}, RootCAs: roots}).Fetch(t.Context(), get("//a{b}%2F"))
			if want != cache.ReasonNone {
				wantReason(t, err, want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if string(b) != "HTTP/1.1 shop.example" || err != nil || target.Load() != "//a{b}%2F" {
				t.Errorf("%q of %q, %v", b, target.Load(), err)
			}
		})
	}
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	f("verified", known, s.URL, cache.ReasonNone)
	f("signed by nobody we know", nil, s.URL, cache.ReasonConnect)
	f("another name", known, "https://localhost:"+port, cache.ReasonConnect)
	f("plain server", known, "https://"+named(t, "")[len("http://"):], cache.ReasonConnect)
}

// TestClose: no further fetch begins, and one under way ends as it would have.
func TestClose(t *testing.T) {
	begun := make(chan struct{})
	o := acceptance.Listen(t, func(c *acceptance.Conn) {
		c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
		c.Await(begun)
		c.Write("o")
		c.AwaitEnd() // not pooled, whatever KeepAlive says
	})
	u := open(t, upstream.Options{Name: "x", Servers: []string{o.URL()}, KeepAlive: time.Hour})
	resp, err := u.Fetch(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	u.Close()
	_, err = u.Fetch(t.Context(), get("/"))
	wantReason(t, err, cache.ReasonNoUpstream)
	close(begun)
	if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	resp.Body.Close()
}

// TestKeepAlive: an unused connection is closed before the server's own limit.
func TestKeepAlive(t *testing.T) {
	serve := func(c *acceptance.Conn) {
		c.Answer("HTTP/1.1 204 No Content\r\n\r\n")
		c.AwaitEnd()
	}
	o := acceptance.Listen(t, serve)
	u := open(t, upstream.Options{Name: "x", Servers: []string{o.URL()}, KeepAlive: 50 * time.Millisecond})
	resp, err := u.Fetch(t.Context(), get("/"))
	if err != nil {
		t.Fatal(err)
	}
	// The script ends, and with it the test, only if the connection does while the
	// upstream is open.
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
	resp.Body.Close()
	o.Wait()
}

// TestMaxConnections: many at once never go beyond the limit, whole or given up
// half-way, and all are served in the end.
func TestMaxConnections(t *testing.T) {
	const limit, clients, each = 4, 16, 25
	var now, most atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		now.Add(-1) // before the answer, whose end frees the slot
		w.Write(make([]byte, 100_000))
	}))
	t.Cleanup(s.Close)
	u := open(t, upstream.Options{Name: "x", Servers: []string{s.URL}, MaxConnections: limit, Connect: time.Minute})
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for i := range each {
				resp, err := u.Fetch(t.Context(), get("/"))
				if err != nil {
					t.Error(err)
					return
				}
				if (client+i)%3 > 0 {
					if n, err := io.Copy(io.Discard, resp.Body); n != 100_000 || err != nil {
						t.Errorf("%d bytes, %v", n, err)
					}
				}
				resp.Body.Close()
			}
		})
	}
	running.Wait()
	if most.Load() > limit {
		t.Errorf("%d at once, more than %d", most.Load(), limit)
	}
}
