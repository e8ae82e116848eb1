package upstream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aislecache/aisle/cache"
)

// Set is several upstreams by name. It implements [cache.Origin], is safe for
// concurrent use, and never changes after NewSet. The zero value has no upstream
// and fails every fetch.
type Set struct {
	byName map[string]*Upstream
	def    string
	closed sync.Once
}

// NewSet makes the upstreams of options. def names the one that a request
// without a name of an upstream goes to; it may be empty where there is only
// one. All faults of all options are reported at once.
func NewSet(def string, options ...Options) (*Set, error) {
	return new(Set).Next(def, options...)
}

// Next is NewSet for a reload: an upstream of s whose options are the same is in both
// sets, with its connections and all that it knows of its servers. Without that each
// reload would close every pool, and an origin that is down would have to be found
// down again. s is open, and stays so; both sets are closed, in any order.
func (s *Set) Next(def string, options ...Options) (*Set, error) {
	next := &Set{byName: make(map[string]*Upstream, len(options)), def: def}
	var errs []error
	for _, o := range options {
		if _, twice := next.byName[o.Name]; twice {
			errs = append(errs, fmt.Errorf("upstreams.%s: the name is given twice", o.Name))
			continue
		}
		if u := s.byName[o.Name]; u != nil && u.share(o) {
			next.byName[o.Name] = u
			continue
		}
		u, err := New(o)
		if err != nil {
			errs = append(errs, err)
		}
		next.byName[o.Name] = u
	}
	if def == "" && len(options) == 1 {
		next.def = options[0].Name
	}
	if _, ok := next.byName[next.def]; !ok {
		errs = append(errs, fmt.Errorf("upstreams: the default upstream %q is not among them", next.def))
	}
	if err := errors.Join(errs...); err != nil {
		next.Close()
		return nil, err
	}
	return next, nil
}

// Fetch is [Upstream.Fetch] of the upstream that r names.
func (s *Set) Fetch(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	u := s.byName[orDefault(r.Upstream, s.def)]
	if u == nil {
		return nil, &cache.OriginError{Reason: cache.ReasonNoUpstream, Err: fmt.Errorf("no upstream named %q", r.Upstream)}
	}
	return u.Fetch(ctx, r)
}

// Close closes every upstream as [Upstream.Close] does, but for those that another set
// has too. Only the first call does anything.
func (s *Set) Close() {
	s.closed.Do(func() {
		for _, u := range s.byName {
			if u != nil { // one that could not be made
				u.Close()
			}
		}
	})
}
