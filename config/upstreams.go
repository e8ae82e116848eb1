package config

import (
	"strings"
	"time"
)

type upstreamSection struct {
	servers        []string
	connect        Duration
	firstByte      Duration
	idle           Duration
	maxConnections int
	health         *healthSection
	breaker        *breakerSection
	retryBudget    float64
	slowStart      Duration
	resolve        Duration
}

type healthSection struct {
	path, host string
	interval   Duration
	rise, fall int
}

type breakerSection struct {
	errorRatio float64
	window     Duration
	openFor    Duration
}

func upstreamDefaults() upstreamSection {
	return upstreamSection{
		connect: Duration(time.Second), firstByte: Duration(10 * time.Second), idle: Duration(30 * time.Second),
		maxConnections: 256, retryBudget: 0.1, slowStart: Duration(10 * time.Second), resolve: Duration(5 * time.Second),
	}
}

func healthDefaults() healthSection {
	return healthSection{interval: Duration(5 * time.Second), rise: 2, fall: 3}
}

func breakerDefaults() breakerSection {
	return breakerSection{errorRatio: 0.5, window: Duration(10 * time.Second), openFor: Duration(5 * time.Second)}
}

func upstreamKeys(u *upstreamSection) []field {
	return []field{
		key("servers", &u.servers, listOf(text("URL", serverURL))),
		section("timeouts",
			key("connect", &u.connect, duration()),
			key("first_byte", &u.firstByte, duration()),
			key("idle", &u.idle, duration())),
		key("max_connections", &u.maxConnections, integer(1, 65536)),
		key("health", &u.health, optional(object(healthDefaults, healthKeys))),
		key("breaker", &u.breaker, optional(object(breakerDefaults, breakerKeys))),
		section("retries", key("budget", &u.retryBudget, fraction())),
		key("slow_start", &u.slowStart, duration()),
		key("resolve", &u.resolve, duration()),
	}
}

func healthKeys(h *healthSection) []field {
	return []field{
		key("path", &h.path, unset(text("path", healthPath))),
		key("host", &h.host, unset(text("host", healthHost))),
		key("interval", &h.interval, duration()),
		key("rise", &h.rise, integer(1, 1000)),
		key("fall", &h.fall, integer(1, 1000)),
	}
}

func breakerKeys(b *breakerSection) []field {
	return []field{
		key("error_ratio", &b.errorRatio, fraction()),
		key("window", &b.window, duration()),
		key("open_for", &b.openFor, duration()),
	}
}

// healthPath accepts what stands in a request line as it is written here, query included.
func healthPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") {
		return "is not a path: it begins with one /"
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return "is not a path: spaces, fragments and letters beyond ASCII have to be encoded"
		}
	}
	return ""
}

// healthHost is one host, where hostPattern may stand for many.
func healthHost(s string) string {
	if strings.Contains(s, "*") || hostPattern(s) != "" {
		return "is not a host such as shop.example or shop.example:8443"
	}
	return ""
}

// checkUpstreams holds the rules over more than one key of an upstream.
func checkUpstreams(d *decoder, upstreams []entry[upstreamSection]) {
	if len(upstreams) == 0 {
		d.failAt("upstreams", "at least one upstream is needed")
	}
	for _, e := range upstreams {
		at := under("upstreams", e.name)
		servers := under(at, "servers")
		if len(e.value.servers) == 0 {
			d.failAt(servers, "at least one server is needed")
		}
		checkRepeated(d, servers, e.value.servers)
		checkSpans(d, at, &e.value)
		if h := e.value.health; h != nil && h.path == "" && !d.has(under(at, "health", "path")) {
			d.failAt(under(at, "health", "path"), "is missing")
		}
		if b := e.value.breaker; b != nil && b.errorRatio == 0 {
			d.failAt(under(at, "breaker", "error_ratio"), "is zero: leave breaker out to have none")
		}
	}
}

// checkSpans refuses each zero that would stop an upstream from working.
func checkSpans(d *decoder, at string, u *upstreamSection) {
	zero := func(v Duration, why string, path ...string) {
		if v == 0 {
			d.failAt(under(at, path...), "is zero: %s", why)
		}
	}
	zero(u.connect, "no request would be answered", "timeouts", "connect")
	zero(u.firstByte, "no request would be answered", "timeouts", "first_byte")
	zero(u.idle, "no request would be answered", "timeouts", "idle")
	zero(u.resolve, "names would be looked up all the time", "resolve")
	if h := u.health; h != nil {
		zero(h.interval, "servers would be checked all the time", "health", "interval")
	}
	if b := u.breaker; b != nil {
		zero(b.window, "nothing would be counted", "breaker", "window")
		zero(b.openFor, "the breaker would never be open", "breaker", "open_for")
	}
}

// prefix is the beginning of paths that a route strips. That it is written as paths are
// in requests is for the edge to judge.
func prefix(s string) string {
	if fault := pathPattern(s); fault != "" {
		return strings.ReplaceAll(fault, "path pattern", "path")
	}
	if strings.Contains(s, "*") || strings.HasSuffix(s, "/") {
		return "is not the beginning of a path: it holds no * and does not end with /"
	}
	return ""
}

// stripsNothing says that a route strips a prefix that its paths do not have for certain.
// Of a pattern that is encoded in its own way it is not said.
func stripsNothing(r *routeSection) bool {
	literal, _, _ := strings.Cut(r.path, "*")
	encoded := strings.ContainsFunc(literal, func(c rune) bool { return c == '%' || c > 0x7e })
	n := min(len(literal), len(r.stripPrefix))
	return !encoded && literal[:n] != r.stripPrefix[:n]
}
