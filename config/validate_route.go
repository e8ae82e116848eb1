package config

import (
	"slices"
	"strings"

	"github.com/aislecache/aisle/proxy"
)

// checkRoute finds the contradictions within a route.
func checkRoute(d *decoder, at string, f *file, r *routeSection) {
	if match := under(at, "match"); !d.has(match+".path") && !d.has(match+".host") && !d.has(match+".methods") {
		d.failAt(match, `says nothing: what does the route match? path: "/**" is everything`)
	}
	checkScope(d, at, r)
	if r.override && r.ttl == nil && len(r.statusTTL) == 0 && r.scope != "private" {
		d.failAt(under(at, "override"), "has nothing to put over the origin's: the route gives neither ttl nor status_ttl")
	}
	if names := upstreamNames(f.upstreams); r.upstream != "" && len(names) > 0 && !slices.Contains(names, r.upstream) {
		d.failAt(under(at, "upstream"), "%q is not one of the upstreams %s", r.upstream, strings.Join(names, ", "))
	}
	if stripsNothing(r) {
		d.failAt(under(at, "rewrite", "strip_prefix"), "%q is the beginning of no path that the route matches", r.stripPrefix)
	}
	for _, e := range r.headers {
		if err := proxy.CheckResponseHeader(proxy.ResponseHeader{Name: e.name, Value: e.value}, scopeOf(r.scope)); err != nil {
			d.failAt(under(at, "rewrite", "response_headers", e.name), "%s", err)
		}
	}
	checkKeyed(d, under(at, "key"), f.segment.cookie, r)
	checkRepeated(d, under(at, "match", "methods"), r.methods)
	checkRepeated(d, under(at, "segment"), r.segment)
}

// checkScope notes every key that means nothing on the scope of the route. An operator
// who writes it believes something of the route that is not so.
func checkScope(d *decoder, at string, r *routeSection) {
	var stray []string
	switch r.scope {
	case "private":
		stray = []string{"segment", "key", "ttl", "grace", "keep", "override", "status_ttl", "echo_check", "downstream", "set_cookie", "forward"}
	case "public":
		stray = []string{"segment", "echo_check", "downstream"}
	}
	for _, name := range stray {
		path := under(at, name)
		if name == "set_cookie" && r.setCookie == "refuse" || !d.has(path) || name == "echo_check" && !r.echoCheck || name == "override" && !r.override {
			continue
		}
		if r.scope == "private" {
			d.failAt(path, "contradicts scope: private, whose pages are never stored")
		} else {
			d.failAt(path, "contradicts scope: public, whose pages depend on no segment")
		}
	}
}

func checkKeyed(d *decoder, at, segmentCookie string, r *routeSection) {
	for _, e := range r.keyCookies {
		if e.name == segmentCookie {
			d.failAt(under(at, "cookies", e.name), "is the segment cookie: `segment` says what of it is keyed")
		}
		checkValues(d, under(at, "cookies", e.name), e.value)
	}
	for i, e := range r.keyHeaders {
		path := under(at, "headers", e.name)
		checkValues(d, path, e.value)
		for _, before := range r.keyHeaders[:i] {
			if before.name != e.name && strings.EqualFold(before.name, e.name) {
				d.failAt(path, "is there as %q already", before.name)
			}
		}
	}
}

func checkValues(d *decoder, at string, values []string) {
	if len(values) == 0 {
		d.failAt(at, "has no values: each request would count as having none")
	}
	checkRepeated(d, at, values)
}

// checkRouteNames refuses a route that can never be reached because one before it
// matches the very same requests.
func checkRouteNames(d *decoder, routes []routeSection) {
	first := map[string]int{}
	for i := range routes {
		name := routes[i].name()
		if before, twice := first[name]; twice && name != "" {
			d.failAt(under(item("routes", i), "match"), "is never reached: %s matches the same", item("routes", before))
			continue
		}
		first[name] = i
	}
}

func upstreamNames(upstreams []entry[upstreamSection]) []string {
	names := make([]string, len(upstreams))
	for i, e := range upstreams {
		names[i] = e.name
	}
	return names
}
