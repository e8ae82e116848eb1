package config

import "time"

type upstreamSection struct {
	servers        []string
	connect        Duration
	firstByte      Duration
	idle           Duration
	maxConnections int
}

func upstreamDefaults() upstreamSection {
	return upstreamSection{
		connect: Duration(time.Second), firstByte: Duration(10 * time.Second), idle: Duration(30 * time.Second),
		maxConnections: 256,
	}
}

func upstreamKeys(u *upstreamSection) []field {
	return []field{
		key("servers", &u.servers, listOf(text("URL", serverURL))),
		section("timeouts",
			key("connect", &u.connect, duration()),
			key("first_byte", &u.firstByte, duration()),
			key("idle", &u.idle, duration())),
		key("max_connections", &u.maxConnections, integer(1, 65536)),
		later("health"),
		later("breaker"),
		later("retries"),
	}
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
		timeouts := under(at, "timeouts")
		for name, t := range map[string]Duration{"connect": e.value.connect, "first_byte": e.value.firstByte, "idle": e.value.idle} {
			if t == 0 {
				d.failAt(under(timeouts, name), "is zero: no request would be answered")
			}
		}
	}
}
