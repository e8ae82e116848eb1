package upstream_test

import (
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
	f("scheme", servers("http://a", "ftp://b"), `upstreams.x.servers[1]: "ftp://b" is not http://host:port or https://host:port`)
	f("no scheme", servers("localhost:80"), `upstreams.x.servers[0]: "localhost:80" is not http://host:port or https://host:port`)
	f("no host", servers("http://:80"), `upstreams.x.servers[0]: "http://:80" is not http://host:port or https://host:port`)
	f("path", servers("http://a/b"), `upstreams.x.servers[0]: "http://a/b" has more than scheme, host and port`)
	f("query", servers("http://a?"), `upstreams.x.servers[0]: "http://a?" has more than scheme, host and port`)
	f("user", servers("http://u:p@a"), `upstreams.x.servers[0]: "http://u:p@a" has more than scheme, host and port`)
	f("port", servers("http://a:0", "http://a:65536"), `upstreams.x.servers[0]: "http://a:0" has a port that is none`, `upstreams.x.servers[1]: "http://a:65536" has a port that is none`)
	f("not a URL", servers("http://a b"), `upstreams.x.servers[0]: parse "http://a b": invalid character " " in host name`)
	f("twice", servers("http://a", "http://b", "http://a:80"), `upstreams.x.servers[2]: "http://a:80" is the same server as servers[0]`)
	f("limits", upstream.Options{Name: "x", Servers: []string{"http://a"}, Connect: -1, FirstByte: -time.Second, Idle: -1, KeepAlive: -1, MaxConnections: -1, MaxHead: -1},
		"upstreams.x.timeouts.connect: -1ns is negative", "upstreams.x.timeouts.first_byte: -1s is negative", "upstreams.x.timeouts.idle: -1ns is negative",
		"upstreams.x.timeouts.keep_alive: -1ns is negative", "upstreams.x.max_connections: -1 is negative", "upstreams.x.max_head: -1 is negative")
}
