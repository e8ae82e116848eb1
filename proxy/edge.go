package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
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

// Parts is what the edge works with; all but Sealer must be given. Without a
// Sealer tokens that an origin issues are not sealed in passing.
type Parts struct {
	Engine    *cache.Engine
	Origin    cache.Origin
	Segments  *segment.Resolver
	Sealer    *segment.Sealer
	AccessLog *obs.AccessLog
	Registry  prometheus.Registerer
	Logger    *slog.Logger
}

// Edge is the public side: it answers requests from its listeners.
type Edge struct {
	options     Options
	parts       Parts
	table       *routeTable
	hosts       hostList
	trusted     prefixSet
	debug       prefixSet
	honour      prefixSet
	query       queryRules // of segment scope
	publicQuery queryRules // without overlay
	draining    atomic.Bool
	metrics     *metrics
	server      *fasthttp.Server
	pool        sync.Pool // of *exchange
	all         *segment.Projection

	listening sync.Mutex
	listeners []net.Listener // guarded by listening
}

// The listener's bounds. Storefront cookies are big, and fasthttp's 4 KiB
// default answers 431 to them; one write per hit wants head and start of the
// body in one buffer.
const (
	readBuffer  = 32 << 10
	writeBuffer = 32 << 10
	idleTimeout = 75 * time.Second
	headTimeout = 30 * time.Second
	// bodyTimeout is fasthttp's absolute bound of an upload; conn takes it for the
	// rolling readIdle.
	bodyTimeout = 24 * time.Hour
)

// New builds an edge. Its error names the route at fault.
func New(o Options, p Parts) (*Edge, error) {
	table, err := compileRoutes(o)
	if err != nil {
		return nil, err
	}
	e := &Edge{
		options: o, parts: p, table: table,
		trusted: newPrefixSet(o.TrustedProxies), debug: newPrefixSet(o.DebugFrom), honour: newPrefixSet(o.HonourFrom),
	}
	if e.hosts, err = newHostList(o.Hosts); err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	e.publicQuery = queryRules{drop: dropPatterns(o.QueryDrop), sort: o.QuerySort}
	e.query = e.publicQuery
	e.query.isOverlay, e.query.appendOverlay = p.Segments.IsOverlay, segment.AppendOverlay
	if e.all, err = p.Segments.Projection(nil); err != nil {
		return nil, err
	}
	for _, r := range table.routes {
		if err := e.prepare(r); err != nil {
			return nil, err
		}
	}
	e.metrics = newMetrics(p.Registry, table.routes)
	e.pool.New = func() any { return &exchange{edge: e} }
	e.server = e.newServer()
	return e, nil
}

// prepare gives a compiled route its projection and its cache policy.
func (e *Edge) prepare(r *route) (err error) {
	if r.Scope == cache.ScopeSegment {
		if r.projection, err = e.parts.Segments.Projection(r.Segment); err != nil {
			return fmt.Errorf("route %s: segment: %w", r.Name, err)
		}
	}
	s := &e.options.Site
	r.policy = &cache.Policy{
		Route: r.Name, Scope: r.Scope, Upstream: r.Upstream,
		TTL: r.TTL, Grace: r.Grace, Keep: r.Keep, Override: r.Override, StatusTTL: r.StatusTTL,
		SiteGrace: s.Grace, SiteKeep: s.Keep, Targeted: s.Targeted,
		SetCookie: r.SetCookie, MaxObject: s.MaxObject, MaxVariants: s.MaxVariants, HitForMiss: s.HitForMiss,
		ParseSegmentVary: parseSegmentVary, LeadsToLogin: leadsToLogin,
	}
	if r.Scope == cache.ScopePublic {
		r.policy.HeuristicFraction, r.policy.HeuristicMax = s.HeuristicFraction, s.HeuristicMax
	}
	if r.Scope == cache.ScopeSegment {
		r.policy.HasCulture = r.Segment == nil || slices.Contains(r.Segment, "cultureInfo")
		if r.EchoCheck {
			r.policy.Verify = verifyEcho
		}
	}
	return nil
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
		CloseOnShutdown:               true,
		MaxRequestBodySize:            1 << 20, // of what is buffered; StreamRequestBody streams the rest
		Logger:                        quiet{},
	}
}

// quiet drops fasthttp's own log lines: connection noise that any scanner can
// cause at will. What matters is counted at refuseUnread.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// Serve answers connections of a listener until Shutdown, or not at all behind it.
func (e *Edge) Serve(l net.Listener) error {
	if !e.open(l) {
		return l.Close()
	}
	if err := e.server.Serve(listener{l}); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("listener %s: %w", l.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting and waits for the requests under way, until ctx ends.
func (e *Edge) Shutdown(ctx context.Context) error {
	e.close()
	return e.server.ShutdownWithContext(ctx)
}

// open notes a listener for close; false once the edge is shut down.
func (e *Edge) open(l net.Listener) bool {
	e.listening.Lock()
	defer e.listening.Unlock()
	e.listeners = append(e.listeners, l)
	return !e.draining.Load()
}

// close ends the listeners. fasthttp's Shutdown knows only those that its Serve has
// come to: one called a moment before would go on accepting for ever.
func (e *Edge) close() {
	e.listening.Lock()
	defer e.listening.Unlock()
	e.draining.Store(true)
	for _, l := range e.listeners {
		_ = l.Close()
	}
}

// Describe gives the route table, a line each.
func (e *Edge) Describe() []string { return e.table.Describe() }

// Describe gives the route table that options make, a line each.
func Describe(o Options) ([]string, error) {
	table, err := compileRoutes(o)
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
	labels := []string{cache.URLLabel(host, targetOf(t, &e.query))}
	if public := cache.URLLabel(host, targetOf(t, &e.publicQuery)); public != labels[0] {
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
