package upstream_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/proxy/upstream"
)

func TestValidate(t *testing.T) {
	f := func(name string, o upstream.Options, want ...string) {
		t.Run(name, func(t *testing.T) {
			var got []string
			if err := o.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if u, err := upstream.New(o); (err == nil) != (want == nil) {
				t.Errorf("New: %v", err)
			} else if err == nil {
				u.Close()
			}
		})
	}
	servers := func(s ...string) upstream.Options { return upstream.Options{Name: "x", Servers: s} }
	f("least", servers("http://127.0.0.1:9000"), nil...)
	f("several", servers("http://a:80", "http://a:81", "https://a", "http://[::1]:80/"), nil...)
	f("no name", upstream.Options{Servers: []string{"http://a"}}, "upstreams: an upstream without a name")
	f("no server", servers(), "upstreams.x.servers: at least one server is needed")
	f("scheme", servers("http://a", "ftp://b"), `upstreams.x.servers[1]: "ftp://b" is not http://host:port, https://host:port or unix:/path`)
	f("no scheme", servers("localhost:80"), `upstreams.x.servers[0]: "localhost:80" is not http://host:port, https://host:port or unix:/path`)
	f("no host", servers("http://:80"), `upstreams.x.servers[0]: "http://:80" is not http://host:port, https://host:port or unix:/path`)
	f("path", servers("http://a/b"), `upstreams.x.servers[0]: "http://a/b" has more than scheme, host and port`)
	f("query", servers("http://a?"), `upstreams.x.servers[0]: "http://a?" has more than scheme, host and port`)
	f("user", servers("http://u:p@a"), `upstreams.x.servers[0]: "http://u:p@a" has more than scheme, host and port`)
	f("port", servers("http://a:0", "http://a:65536"), `upstreams.x.servers[0]: "http://a:0" has a port that is none`, `upstreams.x.servers[1]: "http://a:65536" has a port that is none`)
	f("not a URL", servers("http://a b"), `upstreams.x.servers[0]: parse "http://a b": invalid character " " in host name`)
	f("twice", servers("http://a", "http://b", "http://a:80"), `upstreams.x.servers[2]: "http://a:80" is the same server as servers[0]`)
	f("limits", upstream.Options{Name: "x", Servers: []string{"http://a"}, Connect: -1, FirstByte: -time.Second, Idle: -1, KeepAlive: -1, MaxConnections: -1, MaxHead: -1},
		"upstreams.x.timeouts.connect: -1ns is negative", "upstreams.x.timeouts.first_byte: -1s is negative", "upstreams.x.timeouts.idle: -1ns is negative",
		"upstreams.x.timeouts.keep_alive: -1ns is negative", "upstreams.x.max_connections: -1 is negative", "upstreams.x.max_head: -1 is negative")
	with := func(change func(o *upstream.Options)) upstream.Options {
		o := servers("http://127.0.0.1:9")
		change(&o)
		return o
	}
	f("health", with(func(o *upstream.Options) { o.Health = upstream.Health{Path: "/h?a=%20", Host: "shop.example:80"} }))
	f("health path", with(func(o *upstream.Options) { o.Health.Path = "h" }), `upstreams.x.health.path: "h" is not a path`)
	f("health path of two slashes", with(func(o *upstream.Options) { o.Health.Path = "//h" }), `upstreams.x.health.path: "//h" is not a path`)
	f("health, all else", with(func(o *upstream.Options) {
		o.Health = upstream.Health{Path: "/", Host: "a b", Interval: -1, Rise: -1, Fall: -2}
	}), "upstreams.x.health.interval: -1ns is negative", `upstreams.x.health.host: "a b" is not a host`,
		"upstreams.x.health.rise: -1 is negative", "upstreams.x.health.fall: -2 is negative")
	f("breaker", with(func(o *upstream.Options) { o.Breaker = upstream.Breaker{ErrorRatio: 1.5, Window: -1, OpenFor: -1} }),
		"upstreams.x.breaker.window: -1ns is negative", "upstreams.x.breaker.open_for: -1ns is negative", "upstreams.x.breaker.error_ratio: 1.5 is not between 0 and 1")
	f("budget", with(func(o *upstream.Options) { o.RetryBudget = math.NaN() }), "upstreams.x.retries.budget: NaN is not between 0 and 1")
	f("spans", with(func(o *upstream.Options) { o.SlowStart, o.Resolve = -1, -1 }), "upstreams.x.slow_start: -1ns is negative", "upstreams.x.resolve: -1ns is negative")
}
