package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

type routeSection struct {
	host, path string
	methods    []string

	scope      string
	segment    []string // nil: all fields; empty: none
	keyHeaders []entry[[]string]
	keyCookies []entry[[]string]

	ttl, grace, keep *Duration
	override         bool
	statusTTL        []entry[Duration]
	echoCheck        bool
	downstream       *downstreamSection
	setCookie        string // empty until completed, and on private scope
	forwardHeaders   []string
	upstream         string // empty until completed
	stripPrefix      string
	headers          []entry[string]
	closed           *maintenanceSection // nil: the site's
	pages            []entry[string]
}

type downstreamSection struct {
	browser Duration
	cdn     Duration // 0: no
}

// routeDefaults has the scope of the built-in rest: a page that depends on less than the
// segment is stored once too often, the other error shows one shopper another's price.
func routeDefaults() routeSection { return routeSection{scope: "segment"} }

func routeKeys(r *routeSection) []field {
	values := func() shape[[]string] { return listOf(text("text", keyedValue)) }
	return []field{
		section("match",
			key("host", &r.host, unset(text("host", hostPattern))),
			key("path", &r.path, unset(text("path pattern", pathPattern))),
			key("methods", &r.methods, listOf(text("method", method)))),
		key("scope", &r.scope, oneOf("public", "segment", "private")),
		key("segment", &r.segment, listOf(text("text", fieldName))),
		section("key",
			key("headers", &r.keyHeaders, mapOf(inKey(requestField), values())),
			key("cookies", &r.keyCookies, mapOf(inKey(cookieName), values()))),
		key("ttl", &r.ttl, optional(duration())),
		key("override", &r.override, unset(truth())),
		key("grace", &r.grace, optional(duration())),
		key("keep", &r.keep, optional(duration())),
		key("status_ttl", &r.statusTTL, mapOf(status, duration())),
		key("echo_check", &r.echoCheck, unset(truth())),
		key("downstream", &r.downstream, optional(object(func() downstreamSection { return downstreamSection{} }, downstreamKeys))),
		key("set_cookie", &r.setCookie, unset(oneOf("refuse", "strip", "store"))),
		section("forward", key("headers", &r.forwardHeaders, listOf(text("field name", requestField)))),
		key("upstream", &r.upstream, unset(text("text", nonEmpty))),
		section("rewrite",
			key("strip_prefix", &r.stripPrefix, unset(text("path", prefix))),
			key("response_headers", &r.headers, mapOf(inKey(token), text("text", nil)))),
		key("maintenance", &r.closed, maintenanceShape()),
		key("error_pages", &r.pages, errorPages()),
	}
}

func downstreamKeys(s *downstreamSection) []field {
	return []field{
		key("browser", &s.browser, duration()),
		key("cdn", &s.cdn, durationOrNo()),
	}
}

// unset leaves a value out of the effective configuration while it is the zero value.
func unset[T comparable](s shape[T]) shape[T] {
	write := s.write
	s.write = func(v T) *yaml.Node {
		var zero T
		if v == zero {
			return nil
		}
		return write(v)
	}
	return s
}

func durationOrNo() shape[Duration] {
	s := scalar("duration, or no", func(text, tag string) (Duration, string) {
		if v, ok := truthOf(text, tag); ok && !v {
			return 0, ""
		}
		d, ok := parseDuration(text)
		if !ok {
			return 0, "is neither a duration nor no"
		}
		return d, ""
	}, func(d Duration) *yaml.Node {
		if d == 0 {
			return plainNode("!!str", "no")
		}
		return textNode(d.String())
	})
	return s
}

// status is the check of a status code as a key.
func status(s string) string {
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 599 || len(s) != 3 {
		return fmt.Sprintf("%q is not a status code from 100 to 599", shorten(s))
	}
	if n < 200 || n == 206 || n == 304 {
		return fmt.Sprintf("no answer of status %d is ever stored", n)
	}
	return ""
}

// name is the route in logs and metrics.
func (r *routeSection) name() string {
	name := r.host + r.path
	if len(r.methods) > 0 {
		name = strings.TrimSpace(strings.Join(r.methods, ",") + " " + name)
	}
	return name
}

func completeRoutes(f *file) {
	for i := range f.routes {
		r := &f.routes[i]
		if r.upstream == "" && len(f.upstreams) > 0 {
			r.upstream = f.upstreams[0].name
		}
		if r.setCookie == "" && r.scope != "private" {
			r.setCookie = "refuse"
		}
	}
}
