package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/store"
	"github.com/aislecache/aisle/obs"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/segment"
)

// rig is a whole edge over real sockets with a scripted origin behind it.
type rig struct {
	t        testing.TB
	addr     string
	edge     *proxy.Edge
	engine   *cache.Engine
	registry *prometheus.Registry
	log      *syncBuffer
	key      segment.SealKey
	access   *obs.AccessLog
	shutdown func() // ends the edge, once

	mu   sync.Mutex
	seen []*seenRequest // what reached the origin, in order
}

// seenRequest is a request as the origin saw it.
type seenRequest struct {
	Method, URI, Host string
	Header            http.Header
	Body              string
}

// setup is what a test may change before the edge is built.
type setup struct {
	options  proxy.Options
	segments segment.Options
	up       upstream.Options
	wrap     func(cache.Origin) cache.Origin // nil: as it is
	stream   bool                            // the origin's handler reads the body itself
	noSealer bool
	sessions proxy.Sessions // nil: the origin's own
	sidecar  string         // URL of the upstream "sessions"; empty: none
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func defaultSetup(t testing.TB) *setup {
	key, err := segment.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return &setup{
		options: proxy.Options{
			Account: "acme", Hosts: []string{"*"}, DebugFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			SegmentCookie: "vtex_segment", QueryDrop: []string{"gclid", "utm_medium"}, QuerySort: true, Wait: 5 * time.Second,
			Site: proxy.Site{Keep: 24 * time.Hour, HeuristicFraction: .1, HeuristicMax: 24 * time.Hour, MaxObject: 1 << 20, MaxVariants: 64, HitForMiss: 30 * time.Second,
				Targeted: []string{"Aisle-CDN-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"}},
		},
		segments: segment.Options{Account: "acme", Unsealed: segment.UnsealedPass, Keys: []segment.SealKey{key}, Channels: []segment.Channel{
			{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"},
			{ID: "2", CountryCode: "USA", CultureInfo: "en-US", CurrencyCode: "USD", CurrencySymbol: "$"},
			{ID: "3", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$", Private: true},
		}},
	}
}

// newRig starts an edge in front of origin; change may adapt it first.
func newRig(t testing.TB, origin http.HandlerFunc, change ...func(*setup)) *rig {
	t.Helper()
	s := defaultSetup(t)
	for _, c := range change {
		c(s)
	}
	r := &rig{t: t, log: &syncBuffer{}, registry: prometheus.NewRegistry(), key: s.segments.Keys[0]}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var body []byte
		if !s.stream {
			body, _ = io.ReadAll(q.Body)
		}
		r.mu.Lock()
		r.seen = append(r.seen, &seenRequest{q.Method, q.RequestURI, q.Host, q.Header.Clone(), string(body)})
		r.mu.Unlock()
		origin(w, q)
	}))
	t.Cleanup(server.Close)
	r.start(s, server.URL)
	return r
}

func (r *rig) start(s *setup, originURL string) {
	t := r.t
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.up.FirstByte == 0 {
		s.up.FirstByte = 5 * time.Second
	}
	s.up.Name, s.up.Servers = "origin", []string{originURL}
	upstreams := []upstream.Options{s.up}
	if s.sidecar != "" {
		upstreams = append(upstreams, upstream.Options{Name: proxy.SidecarUpstream, Servers: []string{s.sidecar}})
	}
	set, err := upstream.NewSet("origin", upstreams...)
	must(err)
	t.Cleanup(func() { set.Close() })
	var up cache.Origin = set
	if s.wrap != nil {
		up = s.wrap(set)
	}
	mem, err := store.New(32 << 20)
	must(err)
	t.Cleanup(func() { mem.Close() })
	resolver, err := segment.New(s.segments)
	must(err)
	sealer, err := segment.NewSealer("acme", s.segments.Keys, time.Hour, nil)
	must(err)
	if s.noSealer {
		sealer = nil
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	r.engine = cache.NewEngine(cache.EngineOptions{Store: mem, Origin: up, Events: proxy.NewEvents(r.registry, logger)})
	t.Cleanup(r.engine.Close)
	r.access = obs.NewAccessLog(r.log, 1<<20, r.registry)
	t.Cleanup(func() { r.access.Close() })
	r.edge, err = proxy.New(s.options, proxy.Parts{Engine: r.engine, Origin: up, Segments: resolver, Sealer: sealer, Sessions: s.sessions, AccessLog: r.access, Registry: r.registry, Logger: logger})
	must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	r.addr = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- r.edge.Serve(l) }()
	r.shutdown = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		_ = r.edge.Shutdown(ctx)
		<-done
	})
	t.Cleanup(r.shutdown)
}

// requests gives what reached the origin so far.
func (r *rig) requests() []*seenRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*seenRequest(nil), r.seen...)
}

// answer is a response as a client sees it.
type answer struct {
	Status int
	Header http.Header
	Body   string
	Err    error // of reading the body
	Closed bool  // the edge announced the end of the connection, and ended it
}

// get sends one request on a connection of its own; headers are "Name: value".
func (r *rig) get(target string, headers ...string) answer {
	r.t.Helper()
	return r.do("GET", target, "", headers...)
}

func (r *rig) do(method, target, body string, headers ...string) answer {
	r.t.Helper()
	var b strings.Builder
	b.WriteString(method + " " + target + " HTTP/1.1\r\n")
	host := false
	for _, h := range headers {
		b.WriteString(h + "\r\n")
		host = host || strings.HasPrefix(strings.ToLower(h), "host:")
	}
	if !host {
		b.WriteString("Host: shop.example\r\n")
	}
	if body != "" {
		b.WriteString("Content-Length: " + itoa(len(body)) + "\r\n")
	}
	return r.raw(method, b.String()+"Connection: close\r\n\r\n"+body)
}

// raw sends bytes and reads one answer to method.
func (r *rig) raw(method, request string) answer {
	r.t.Helper()
	c, err := net.DialTimeout("tcp", r.addr, 5*time.Second)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		r.t.Fatal(err)
	}
	br := bufio.NewReader(c)
	a := readAnswer(r.t, br, method)
	if a.Closed {
		n, err := io.Copy(io.Discard, br)
		a.Closed = n == 0 && err == nil
	}
	return a
}

func readAnswer(t testing.TB, br *bufio.Reader, method string) answer {
	t.Helper()
	resp, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), err, resp.Close}
}

func itoa(n int) string {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(b[i:])
		}
	}
}
