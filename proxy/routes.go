package proxy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// route is a compiled Route, immutable once the edge is built.
type route struct {
	Route
	index int // in the table

	host hostPattern // `any` where the route names none
	path glob        // nil: any path

	keyHeaders     []keyedName
	keyCookies     []keyedName
	forwardHeaders []string // in lower case
	cookies        []string // what a cookieJar is begun with

	projection *segment.Projection  // set by generation.prepare; nil on other scopes than segment
	policy     *cache.Policy        // set by generation.prepare
	rewritten  *headerRules         // nil: answers leave as they are
	maintained *maintenance         // set by loadPages; nil: requests are served
	errorPages map[int]*page        // set by loadPages
	rules      string               // set by generation.prepare, see rulesOf
	answered   []prometheus.Counter // per outcome; set by metrics.follow
}

// keyedName is one header or cookie of a route's key.
type keyedName struct {
	tag    string // stands in the key: a header is not a cookie of the same name
	name   string // as configured
	lower  string
	values []string
}

// pick gives the value where the closed list has it, else nil, which counts as
// absent. It is a view.
func (k *keyedName) pick(value []byte) []byte {
	if k.admits(value) {
		return value
	}
	return nil
}

func (k *keyedName) admits(value []byte) bool { return listed(k.values, value) }

func keyedNames(list []Keyed, kind string) []keyedName {
	var names []keyedName
	for _, k := range list {
		lower := strings.ToLower(k.Name)
		tag := kind + k.Name
		if kind == headerTag {
			tag = kind + lower
		}
		names = append(names, keyedName{tag: tag, name: k.Name, lower: lower, values: k.Values})
	}
	return names
}

const (
	headerTag = "header:"
	cookieTag = "cookie:"
)

// keyedHeader gives the keyed header of a name in lower case, or nil.
func (r *route) keyedHeader(lower []byte) *keyedName {
	for i := range r.keyHeaders {
		if string(lower) == r.keyHeaders[i].lower {
			return &r.keyHeaders[i]
		}
	}
	return nil
}

// routeTable is every route in order: the operator's, then the built-in ones.
type routeTable struct {
	routes []*route
	own    int // how many are the operator's
}

// compileRoutes compiles the operator's routes and puts the built-in ones behind
// them. The error joins all there is to say, each with its key path.
func compileRoutes(o Options) (*routeTable, error) {
	t := &routeTable{own: len(o.Routes)}
	var errs []error
	for i, from := range append(slices.Clone(o.Routes), builtinRoutes()...) {
		r := &route{Route: from, index: i, host: hostPattern{any: true}, cookies: wantedCookies(o.SegmentCookie, from.KeyCookies)}
		if i < t.own {
			for _, err := range r.compile() {
				errs = append(errs, fmt.Errorf("routes[%d].%w", i, err))
			}
		}
		t.routes = append(t.routes, r)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// compile reads the patterns of an operator's route and checks the rest of it.
func (r *route) compile() []error {
	errs := checkRoute(&r.Route)
	var err error
	if r.Match.Host != "" {
		if r.host, err = parseHostPattern(r.Match.Host); err != nil {
			errs = append(errs, fmt.Errorf("match.host: %w", err))
		}
	}
	if r.Match.Path != "" {
		if r.path, err = parseGlob(r.Match.Path); err != nil {
			errs = append(errs, fmt.Errorf("match.path: %w", err))
		}
	}
	if r.Name == "" {
		r.Name = orStar(r.Match.Path)
	}
	r.keyHeaders = keyedNames(r.KeyHeaders, headerTag)
	r.keyCookies = keyedNames(r.KeyCookies, cookieTag)
	r.rewritten = newHeaderRules(r.ResponseHeaders)
	for _, name := range r.ForwardHeaders {
		r.forwardHeaders = append(r.forwardHeaders, strings.ToLower(name))
	}
	return errs
}

// match gives the first route for a method, a keyed host and a canonical path.
// There always is one, since the last matches everything. It allocates nothing.
func (t *routeTable) match(method, host, path []byte) *route {
	for i := range t.routes[:t.own] {
		if r := t.routes[i]; r.matches(method, host, path) {
			return r
		}
	}
	return t.routes[t.own+builtinIndex(path)]
}

func (r *route) matches(method, host, path []byte) bool {
	return r.takesMethod(method) && r.host.matches(host) && (r.path == nil || r.path.matches(path))
}

// takesMethod: a route for GET is one for HEAD too, which asks about the same
// page and would else fall to a route of another scope.
func (r *route) takesMethod(method []byte) bool {
	if len(r.Match.Methods) == 0 {
		return true
	}
	for _, m := range r.Match.Methods {
		if string(method) == m || m == "GET" && string(method) == "HEAD" {
			return true
		}
	}
	return false
}

// Describe gives the effective table as `aisle check` prints it, one line per
// route in order of matching: number, name, what it matches, scope, projection,
// times, upstream. What is `unset` is the origin's to say, or the site's.
func (t *routeTable) Describe() []string {
	lines := make([]string, len(t.routes))
	for i, r := range t.routes {
		lines[i] = r.describe()
	}
	return lines
}

func (r *route) describe() string {
	line := fmt.Sprintf("%d %s host=%s path=%s methods=%s scope=%s", r.index+1, r.Name, orStar(r.Match.Host), orStar(r.Match.Path),
		orStar(strings.Join(r.Match.Methods, ",")), r.Scope)
	if r.Scope == cache.ScopeSegment {
		line += " segment=" + describeProjection(r.Segment)
	}
	if r.Scope != cache.ScopePrivate {
		line += fmt.Sprintf(" ttl=%s grace=%s keep=%s", describeSpan(r.TTL), describeSpan(r.Grace), describeSpan(r.Keep))
	}
	line += " upstream=" + orWord(r.Upstream, "default")
	if r.StripPrefix != "" {
		line += " strip_prefix=" + r.StripPrefix
	}
	return line
}

func describeProjection(fields []string) string {
	switch {
	case fields == nil:
		return "all"
	case len(fields) == 0:
		return "none"
	}
	return strings.Join(fields, ",")
}

func describeSpan(s cache.Span) string {
	if !s.Set {
		return "unset"
	}
	return s.D.String()
}

func orStar(s string) string { return orWord(s, "*") }

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}
