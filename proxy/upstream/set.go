package upstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/aislecache/aisle/cache"
)

// Set is several upstreams by name. It implements [cache.Origin], is safe for
// concurrent use, and never changes after NewSet. The zero value has no upstream
// and fails every fetch.
type Set struct {
	byName map[string]*Upstream
	def    string
}

// NewSet makes the upstreams of options. def names the one that a request
// without a name of an upstream goes to; it may be empty where there is only
// one. All faults of all options are reported at once.
func NewSet(def string, options ...Options) (*Set, error) {
	s := &Set{byName: make(map[string]*Upstream, len(options)), def: def}
	var errs []error
	for _, o := range options {
		if _, twice := s.byName[o.Name]; twice {
			errs = append(errs, fmt.Errorf("upstreams.%s: the name is given twice", o.Name))
			continue
		}
		u, err := New(o)
		if err != nil {
			errs = append(errs, err)
		}
		s.byName[o.Name] = u
	}
	if def == "" && len(options) == 1 {
		s.def = options[0].Name
	}
	if _, ok := s.byName[s.def]; !ok {
		errs = append(errs, fmt.Errorf("upstreams: the default upstream %q is not among them", s.def))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Fetch is [Upstream.Fetch] of the upstream that r names.
func (s *Set) Fetch(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	u := s.byName[orDefault(r.Upstream, s.def)]
	if u == nil {
		return nil, &cache.OriginError{Reason: cache.ReasonNoUpstream, Err: fmt.Errorf("no upstream named %q", r.Upstream)}
	}
	return u.Fetch(ctx, r)
}

// Close closes every upstream as [Upstream.Close] does.
func (s *Set) Close() {
	for _, u := range s.byName {
		u.Close()
	}
}
