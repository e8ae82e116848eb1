package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/config"
)

const reloadBase = "upstreams: {a: {servers: [\"http://127.0.0.1:1\"]}}\n"

// The keys that a running edge cannot follow are named in file order; the others are not.
func TestNeedsRestart(t *testing.T) {
	f := func(before, after string, want ...string) {
		t.Helper()
		parse := func(text string) *config.Config {
			t.Helper()
			c, err := config.Parse([]byte(reloadBase + text))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if diff := cmp.Diff(want, parse(before).NeedsRestart(parse(after))); diff != "" {
			t.Errorf("%q to %q: (-want +got)\n%s", before, after, diff)
		}
	}
	f("", "")
	f("", "listen: \":8080\"") // the default
	f("", "account: other", "account")
	f("", "cache: {memory: 1GiB, max_object: 4MiB}", "cache.memory")
	f("", "admin: {listen: \"127.0.0.1:9\"}", "admin.listen")
	f("log: {level: debug}", "log: {format: text}", "log.format", "log.level")
	f("", "purge: {max_records: 9}", "purge.max_records")
	f("", "listen: [{address: \":1\"}, {address: \":2\"}]", "listen")
	f("listen: \":1\"", "listen: \":2\"", "listen[0].address")
	f("", "hosts: [a.example]\ndrain_timeout: 3s\nsegment: {unsealed: pass}\nquery: {sort: false}\nroutes: [{match: {path: /a}, scope: private}]")
}

// The keys file is part of a configuration, named or not.
func TestFiles(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		c, err := config.Parse([]byte(reloadBase + text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Files()); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", text, diff)
		}
	}
	f("", "./data/seal.keys")
	f("segment: {keys_file: /k}", "/k")
}
