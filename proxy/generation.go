package proxy

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// generation is what one configuration makes of the edge. A request keeps the
// generation that it began with to its end, and so does a fetch: neither sees
// half of a reload. What outlives a reload is the Edge's, which is why it stands in here.
type generation struct {
	*Edge
	options     Options
	parts       Parts
	table       *routeTable
	hosts       hostList
	trusted     prefixSet
	debug       prefixSet
	honour      prefixSet
	query       queryRules // of segment scope
	publicQuery queryRules // without overlay
	all         *segment.Projection

	// users counts requests and fetches, and one more for being current. Zero is
	// for ever: what has retired is never used again.
	users atomic.Int64
}

func (e *Edge) newGeneration(o Options, p Parts) (*generation, error) {
	if p.Sessions != nil {
		o = behindSidecar(o)
		p.Origin = withoutOwned{p.Origin, o.SegmentCookie}
	}
	table, err := compileRoutes(o)
	if err != nil {
		return nil, err
	}
	if err := table.loadPages(o); err != nil {
		return nil, err
	}
	g := &generation{
		Edge: e, options: o, parts: p, table: table,
		trusted: newPrefixSet(o.TrustedProxies), debug: newPrefixSet(o.DebugFrom), honour: newPrefixSet(o.HonourFrom),
	}
	if g.hosts, err = newHostList(o.Hosts); err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	g.publicQuery = queryRules{drop: dropPatterns(o.QueryDrop), sort: o.QuerySort}
	g.query = g.publicQuery
	g.query.isOverlay, g.query.appendOverlay = p.Segments.IsOverlay, segment.AppendOverlay
	if g.all, err = p.Segments.Projection(nil); err != nil {
		return nil, err
	}
	for _, r := range table.routes {
		if err := g.prepare(r); err != nil {
			return nil, err
		}
	}
	g.users.Store(1)
	return g, nil
}

// prepare gives a compiled route its projection and its cache policy.
func (g *generation) prepare(r *route) (err error) {
	if r.Scope == cache.ScopeSegment {
		if r.projection, err = g.parts.Segments.Projection(r.Segment); err != nil {
			return fmt.Errorf("route %s: segment: %w", r.Name, err)
		}
	}
	s := &g.options.Site
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
	r.rules = g.rulesOf(r)
	return nil
}

// rulesOf names the rules that the pages of a route are made by, as far as they
// shape a page or its right to be stored and do not show in the rest of its key:
// who answered, what it was told, and what was let through. It is a part of
// the key, so a page made by other rules is never found again, and one is found
// that was made before a reload which went there and back.
//
// The times of a page are none of them: a page keeps those it was stored with. But
// who has the last word on them is: an origin's day must end with `override`.
func (g *generation) rulesOf(r *route) string {
	sum := sha256.New()
	add := func(parts ...string) {
		sum.Write(binary.AppendUvarint(nil, uint64(len(parts))))
		for _, p := range parts {
			sum.Write(binary.AppendUvarint(nil, uint64(len(p))))
			sum.Write([]byte(p))
		}
	}
	forward := slices.Clone(r.forwardHeaders)
	slices.Sort(forward)
	add(r.Upstream, r.StripPrefix, fmt.Sprint(r.SetCookie, r.EchoCheck, r.Override))
	add(slices.Compact(forward)...)
	if r.Scope == cache.ScopeSegment {
		fields := slices.Clone(r.Segment)
		slices.Sort(fields)
		add(g.options.SegmentCookie, g.parts.Segments.Groups(), fmt.Sprint(r.Segment == nil))
		add(slices.Compact(fields)...)
	}
	return string(sum.Sum(nil)[:16])
}

// Reload has the requests that come from now on served by other options and parts.
// Those under way end as they began; then the Retired of the parts that are replaced
// is called. Of the new parts Origin, Segments, Sealer and Retired count: the others stay.
// After an error, which names the route at fault, nothing has changed, and the
// new parts are still the caller's.
func (e *Edge) Reload(o Options, p Parts) error {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	old := e.current.Load()
	p.Engine, p.AccessLog, p.Registry, p.Logger = old.parts.Engine, old.parts.AccessLog, old.parts.Registry, old.parts.Logger
	next, err := e.newGeneration(o, p)
	if err != nil {
		return err
	}
	next.table.continueFrom(old.table)
	e.metrics.follow(next.table.routes)
	e.current.Store(next)
	e.metrics.forget(old.table.routes, next.table.routes)
	old.release()
	return nil
}

// continueFrom lets routes that are as they were go on passing, where they do: a
// reload is no reason to ask anonymously again for what is never stored.
func (t *routeTable) continueFrom(old *routeTable) {
	for _, r := range t.routes {
		for _, before := range old.routes {
			if before.Name == r.Name && before.Scope == r.Scope && before.rules == r.rules {
				r.policy.Streak.Continue(&before.policy.Streak)
			}
		}
	}
}

// acquire gives the current generation, held until release.
//
// To load the pointer and then count would count on a generation that has retired in
// between. It is counted only from above zero, and else the next one is there.
func (e *Edge) acquire() *generation {
	for {
		if g := e.current.Load(); g.hold() {
			return g
		}
	}
}

func (g *generation) hold() bool {
	for {
		n := g.users.Load()
		if n == 0 {
			return false
		}
		if g.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release is not the place to wait for connections to close: it may be a request's last step.
func (g *generation) release() {
	if g.users.Add(-1) == 0 && g.parts.Retired != nil {
		go g.parts.Retired()
	}
}
