package transform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// SearchOptions of the search app.
type SearchOptions struct {
	// Facets are the keys of facets that may enter the segment; others are dropped. None: no facet enters.
	Facets []string
	// MaxBytes bounds the text of all facets; 0: 512.
	MaxBytes int
	// Dropped is told how many facets of a call did not enter, for metrics, where some did not. It is called by
	// several goroutines at once. nil: nobody is told.
	Dropped func(count int)
}

// Search is the App that brings facets, by which a shopper sees a part of the catalogue, from public.facets into the
// segment, and a place from public.region_id into public. It is safe for concurrent use.
//
// The text is "key=value;" for each facet (facts 2.1). It is sorted and without repetitions, so that shoppers who see the
// same share their pages. Values of one key are alternatives, "not:" excludes, different keys narrow each other. So a
// text that is too long loses alternatives, the longest first; never an exclusion and
// never the last one of a key: the shopper sees less, never more. If it is still too long the whole request is refused,
// whoever has written public.facets: a session that is made or changed without what narrows it would show more than was asked.
//
// A place that the shopper has given, or an app, takes precedence over that of region_id.
type Search struct {
	allowed map[string]bool
	max     int
	dropped func(int)
}

const (
	facetBytes    = 512      // the default of MaxBytes
	maxFacetsText = 64 << 10 // bytes of public.facets
	maxFacetName  = 64
)

// NewSearch returns the app, or every fault of o, joined.
func NewSearch(o SearchOptions) (*Search, error) {
	s := &Search{allowed: map[string]bool{}, max: o.MaxBytes, dropped: o.Dropped}
	var errs []error
	for _, name := range o.Facets {
		switch {
		case name == "" || len(name) > maxFacetName || strings.ContainsAny(name, "=;") || !soundFacet(name):
			errs = append(errs, fmt.Errorf("search.facets: %q is no key of a facet", name))
		case s.allowed[name]:
			errs = append(errs, fmt.Errorf("search.facets: %q is there twice", name))
		}
		s.allowed[name] = true
	}
	if o.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("search.max_bytes: %d", o.MaxBytes))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if s.max == 0 {
		s.max = facetBytes
	}
	if s.dropped == nil {
		s.dropped = func(int) {}
	}
	return s, nil
}

// Spec implements App (facts, part 4, without what this app does not use).
func (s *Search) Spec() Spec {
	return Spec{
		Name:   "search",
		Input:  Declaration{PublicNamespace: {"facets", "region_id", "postalCode", "country", "geoCoordinates"}},
		Output: Declaration{"search": {"facets"}, PublicNamespace: {"postalCode", "country"}},
	}
}

// Transform implements App. It refuses facets that cannot be made short enough without showing the shopper more.
func (s *Search) Transform(_ context.Context, in Values) (Values, error) {
	text := in.Text(Key{PublicNamespace, "facets"})
	if len(text) > maxFacetsText {
		return nil, tooLong("public.facets: more than %d bytes", maxFacetsText)
	}
	list, dropped := s.parse(text)
	list, cut, err := s.shorten(list)
	if err != nil {
		return nil, err
	}
	if dropped += cut; dropped > 0 {
		s.dropped(dropped)
	}
	out := Values{}
	out.put(Key{"search", "facets"}, TextValue(join(list)))
	if country, postalCode, ok := AdPlace(in); ok {
		out.put(Key{PublicNamespace, "country"}, TextValue(country))
		out.put(Key{PublicNamespace, "postalCode"}, TextValue(postalCode))
	}
	return out, nil
}

// facet is a key with one value.
type facet struct{ key, value string }

func (f facet) String() string { return f.key + "=" + f.value + ";" }

func (f facet) excludes() bool { return strings.HasPrefix(f.value, "not:") }

func compareFacets(a, b facet) int {
	if c := strings.Compare(a.key, b.key); c != 0 {
		return c
	}
	return strings.Compare(a.value, b.value)
}

func join(list []facet) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(f.String())
	}
	return b.String()
}

// parse gives the facets that may enter, sorted, each once, and how many may not.
func (s *Search) parse(text string) (list []facet, dropped int) {
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		f := facet{strings.TrimSpace(name), strings.TrimSpace(value)}
		if f.value == "" || !s.allowed[f.key] || !soundFacet(f.value) {
			dropped++
			continue
		}
		list = append(list, f)
	}
	slices.SortFunc(list, compareFacets)
	return slices.Compact(list), dropped
}

// soundFacet refuses control characters.
func soundFacet(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// shorten takes alternatives away until the text is short enough.
func (s *Search) shorten(list []facet) (short []facet, cut int, err error) {
	size := len(join(list))
	if size <= s.max {
		return list, 0, nil
	}
	alternatives := map[string]int{}
	for _, f := range list {
		if !f.excludes() {
			alternatives[f.key]++
		}
	}
	gone := map[facet]bool{}
	for _, f := range slices.SortedFunc(slices.Values(list), longestFirst) {
		if size > s.max && !f.excludes() && alternatives[f.key] > 1 {
			alternatives[f.key]--
			size -= len(f.String())
			gone[f] = true
		}
	}
	if size > s.max {
		return nil, 0, tooLong("public.facets: what narrows does not fit into %d bytes, which is search.max_bytes", s.max)
	}
	return slices.DeleteFunc(list, func(f facet) bool { return gone[f] }), len(gone), nil
}

func tooLong(format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: fmt.Sprintf(format, args...)}
}

// longestFirst is the order in which alternatives go, so that few do.
func longestFirst(a, b facet) int {
	if d := len(b.value) + len(b.key) - len(a.value) - len(a.key); d != 0 {
		return d
	}
	return compareFacets(b, a)
}
