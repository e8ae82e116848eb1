package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/obs"
	"github.com/aislecache/aisle/segment"
)

// Parts is what the edge works with; all but Sealer and Retired must be given. Without a
// Sealer tokens that an origin issues are not sealed in passing.
type Parts struct {
	Engine    *cache.Engine
	Origin    cache.Origin
	Segments  *segment.Resolver
	Sealer    *segment.Sealer
	Sessions  Sessions // nil: the origin has its own; with it a Sealer is needed
	AccessLog *obs.AccessLog
	Registry  prometheus.Registerer
	Logger    *slog.Logger
	// Retired is called once, when a reload has replaced Origin and the last request
	// and fetch that used it has ended. It may be nil.
	Retired func()
}

// Edge is the public side: it answers requests from its listeners.
type Edge struct {
	logger   *slog.Logger
	draining atomic.Bool
	metrics  *metrics
	server   *fasthttp.Server
	pool     sync.Pool // of *exchange
	conns    connections

	current  atomic.Pointer[generation]
	swapping sync.Mutex // held by Reload
}

// The listener's bounds. Storefront cookies are big, and fasthttp's 4 KiB
// default answers 431 to them. What fasthttp writes goes nowhere, so it needs no room,
// which each idle connection would keep.
const (
	readBuffer  = 32 << 10
	writeBuffer = 512
	idleTimeout = 75 * time.Second
	headTimeout = 30 * time.Second
	// bodyTimeout is fasthttp's absolute bound of an upload; conn takes it for the
	// rolling readIdle.
	bodyTimeout = 24 * time.Hour
)

// New builds an edge. Its error names the route at fault.
func New(o Options, p Parts) (*Edge, error) {
	e := &Edge{logger: p.Logger}
	first, err := e.newGeneration(o, p)
	if err != nil {
		return nil, err
	}
	e.metrics = newMetrics(p.Registry)
	e.conns.register(p.Registry)
	e.metrics.follow(first.table.routes)
	e.current.Store(first)
	e.pool.New = func() any { return &exchange{home: e} }
	e.server = e.newServer()
	return e, nil
}

func parseSegmentVary(lines []string) ([]string, bool) { return segment.ParseFieldList(lines...) }

func (e *Edge) newServer() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:                       e.handle,
		ErrorHandler:                  e.refuseUnread,
		ExpectHandler:                 expect,
		ReadBufferSize:                readBuffer,
		WriteBufferSize:               writeBuffer,
		ReadTimeout:                   headTimeout, // of the head; HeaderReceived gives the body more
		IdleTimeout:                   idleTimeout,
		HeaderReceived:                expectBody,
		StreamRequestBody:             true,
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: true,
		NoDefaultServerHeader:         true,
		NoDefaultDate:                 true,
		NoDefaultContentType:          true,
		ConnState:                     noteIdle,
		MaxRequestBodySize:            1, // of what is read before the handler runs; the rest is streamed, drip by drip
		Logger:                        quiet{},
	}
}

// quiet drops fasthttp's own log lines: connection noise that any scanner can
// cause at will. What matters is counted at refuseUnread.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// Serve answers connections of a listener of plain HTTP until Shutdown, or not at all behind it.
func (e *Edge) Serve(l net.Listener) error { return e.ServeFront(l, Front{}) }

// ServeFront is Serve for a listener with something before HTTP.
func (e *Edge) ServeFront(l net.Listener, f Front) error {
	trusted := func(peer netip.Addr) bool { return e.current.Load().trusted.contains(peer) }
	tracked, done := e.conns.listen(listener{l, &front{f, trusted, e.metrics.ended}})
	defer done()
	if err := e.server.Serve(tracked); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("listener %s: %w", l.Addr(), err)
	}
	return nil
}

// Describe gives the route table, a line each.
func (e *Edge) Describe() []string { return e.current.Load().table.Describe() }

// Describe gives the route table that options make, a line each.
func Describe(o Options) ([]string, error) {
	table, err := compileRoutes(o)
	if err == nil && o.Sidecar { // after the operator's own, whose errors count routes as the operator does
		table, err = compileRoutes(behindSidecar(o))
	}
	if err != nil {
		return nil, err
	}
	return table.Describe(), nil
}

// PurgeLabels gives the labels that a purge of a URL names: an absolute http or
// https URL, or a target beginning with "/" for that target on every host. The
// URL is made canonical as a request's is, so it may be given as shoppers see it:
// with overlay parameters, which leave the target on segment scope and stay on public.
func (e *Edge) PurgeLabels(url string) ([]string, error) {
	if !strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("%q is neither an absolute URL nor a path", url)
	}
	t, reason := canonicalTarget(nil, []byte(url), false)
	if reason != cache.ReasonNone {
		return nil, fmt.Errorf("%q: %s", url, reason)
	}
	host := ""
	if len(t.authority) > 0 {
		h, reason := keyedHost(nil, t.authority, t.scheme, 0)
		if reason != cache.ReasonNone {
			return nil, fmt.Errorf("%q: %s", url, reason)
		}
		host = string(h)
	}
	g := e.current.Load()
	labels := []string{cache.URLLabel(host, targetOf(t, &g.query))}
	if public := cache.URLLabel(host, targetOf(t, &g.publicQuery)); public != labels[0] {
		labels = append(labels, public)
	}
	return labels, nil
}

// targetOf is the target that a cacheable request of a URL has under rules.
func targetOf(t requestTarget, rules *queryRules) string {
	var split querySplit
	query, _ := split.canonical(nil, nil, t.query, rules)
	if len(query) == 0 {
		return string(t.path)
	}
	return string(t.path) + "?" + string(query)
}
