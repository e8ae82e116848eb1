package config

import (
	"net/netip"
	"time"

	"go.yaml.in/yaml/v3"
)

// file is the configuration as the file words it, with the defaults filled in. Its
// *Keys functions are the table of keys.
type file struct {
	listen    []listener
	admin     string
	account   string
	hosts     []string
	trusted   []netip.Prefix
	debugFrom []netip.Prefix
	drain     Duration

	upstreams []entry[upstreamSection]
	segment   segmentSection
	query     querySection
	routes    []routeSection
	cache     cacheSection
	closed    *maintenanceSection // nil: open
	pages     []entry[string]
	sessions  sessionsSection
	purge     int // records
	log       logSection
}

type querySection struct {
	drop []string
	sort bool
}

type cacheSection struct {
	memory, maxObject   Size
	maxVariants         int
	hitForMiss          Duration
	grace, keep         Duration
	heuristicFraction   float64
	heuristicMax        Duration
	targeted            []string
	honourDirectiveFrom []netip.Prefix
}

type logSection struct{ format, level, access string }

func defaults() file {
	return file{
		listen:    []listener{{address: ":8080"}},
		admin:     "127.0.0.1:8081",
		account:   "default",
		hosts:     []string{"*"},
		trusted:   []netip.Prefix{},
		debugFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		drain:     Duration(30 * time.Second),
		segment:   segmentDefaults(),
		query: querySection{
			drop: []string{"gclid", "fbclid", "msclkid", "utm_medium", "utm_term", "utm_content"},
			sort: true,
		},
		routes: []routeSection{},
		cache: cacheSection{
			memory: 256 << 20, maxObject: 8 << 20, maxVariants: 64,
			hitForMiss: Duration(30 * time.Second), keep: Duration(day),
			heuristicFraction: 0.1, heuristicMax: Duration(day),
			targeted:            []string{"Aisle-CDN-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"},
			honourDirectiveFrom: []netip.Prefix{},
		},
		sessions: sessionsDefaults(),
		purge:    65536,
		log:      logSection{format: "json", level: "info", access: "stdout"},
	}
}

func fileKeys(f *file) []field {
	return []field{
		key("listen", &f.listen, listeners()),
		section("admin", key("listen", &f.admin, text("address", listenAddress))),
		key("account", &f.account, text("text", inLine)),
		key("hosts", &f.hosts, listOf(text("host", hostPattern))),
		key("trusted_proxies", &f.trusted, listOf(network())),
		key("debug_from", &f.debugFrom, listOf(network())),
		key("drain_timeout", &f.drain, duration()),
		key("upstreams", &f.upstreams, mapOf(word, object(upstreamDefaults, upstreamKeys))),
		section("segment", segmentKeys(&f.segment)...),
		section("query",
			key("drop", &f.query.drop, listOf(text("text", queryName))),
			key("sort", &f.query.sort, truth())),
		key("routes", &f.routes, listOf(object(routeDefaults, routeKeys))),
		key("maintenance", &f.closed, maintenanceShape()),
		key("error_pages", &f.pages, errorPages()),
		section("cache", cacheKeys(&f.cache)...),
		section("sessions", sessionsKeys(&f.sessions)...),
		section("purge",
			key("max_records", &f.purge, integer(1, 1<<24)),
			later("redis")),
		section("log",
			key("format", &f.log.format, oneOf("json", "text")),
			key("level", &f.log.level, oneOf("debug", "info", "warn", "error")),
			key("access", &f.log.access, accessLog())),
	}
}

// section is a mapping of known keys that are bound to values elsewhere.
func section(name string, fields ...field) field {
	return field{
		name: name, kind: "mapping",
		read:  func(d *decoder, at string, n *yaml.Node) { readFields(d, at, n, fields) },
		write: func() *yaml.Node { return writeFields(fields) },
		keys:  func() []Key { return keysOf(fields) },
	}
}

func cacheKeys(c *cacheSection) []field {
	return []field{
		key("memory", &c.memory, size()),
		key("max_object", &c.maxObject, size()),
		key("max_variants", &c.maxVariants, integer(1, 65536)),
		key("hit_for_miss", &c.hitForMiss, duration()),
		later("compress"),
		key("grace", &c.grace, duration()),
		key("keep", &c.keep, duration()),
		section("heuristic",
			key("fraction", &c.heuristicFraction, fraction()),
			key("max", &c.heuristicMax, duration())),
		key("targeted", &c.targeted, listOf(text("field name", token))),
		key("honour_request_directives_from", &c.honourDirectiveFrom, listOf(network())),
	}
}

// accessLog is stdout, stderr, off or the path of a file. off may come as YAML's false.
func accessLog() shape[string] {
	parse := func(s, tag string) (string, string) {
		if v, ok := truthOf(s, tag); ok && !v {
			return "off", ""
		}
		if tag != "!!str" || s == "" {
			return "", "is none of stdout, stderr, off and the path of a file"
		}
		return s, ""
	}
	return scalar("stdout, stderr, off or a path", parse, textNode)
}
