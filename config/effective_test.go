package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/config"
)

// sameConfig says that a configuration survives being written out and read again.
func sameConfig(t rapid.TB, c *config.Config) {
	t.Helper()
	text := c.Effective()
	again, err := config.Parse(text)
	if err != nil {
		t.Fatalf("the effective configuration is refused:\n%s\n%v", text, err)
	}
	if string(again.Effective()) != string(text) {
		t.Fatalf("written:\n%s\nread and written again:\n%s", text, again.Effective())
	}
	for _, pair := range [][2]any{{c.Proxy(), again.Proxy()}, {c.Segment(), again.Segment()}, {c.Upstreams(), again.Upstreams()}, {c.Listeners(), again.Listeners()}} {
		if a, b := fmt.Sprintf("%#v", pair[0]), fmt.Sprintf("%#v", pair[1]); a != b {
			t.Fatalf("got  %s\nwant %s\nfrom\n%s", b, a, text)
		}
	}
	// A null is not written: to leave it out is the same.
	before := slices.DeleteFunc(c.Warnings(), func(w string) bool { return strings.Contains(w, ": is null, ") })
	if fmt.Sprint(before) != fmt.Sprint(again.Warnings()) {
		t.Fatalf("warnings %q, then %q", before, again.Warnings())
	}
}

func TestTheEffectiveConfigurationOfEveryFileReadsBack(t *testing.T) {
	files, _ := filepath.Glob("testdata/good-*.yaml")
	examples, _ := filepath.Glob("../examples/*.yaml")
	for _, file := range append(append(files, examples...), "../config.yaml") {
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		sameConfig(t, c)
	}
}

func TestTheEffectiveConfigurationReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawFile(t)
		c, err := config.Parse([]byte(text))
		if err != nil {
			t.Fatalf("a file meant to be good:\n%s\n%v", text, err)
		}
		sameConfig(t, c)
	})
}

// drawFile writes a good file with any choice of keys.
func drawFile(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{minimal,
		`upstreams: {storefront: {servers: ["http://h:1"], health: {path: /h}, breaker: {window: 1m}, retries: {budget: 0}, slow_start: 0s}}` + "\n",
		`upstreams: {storefront: {servers: ["http://h:1", "https://i"], health: {path: "/?", host: "a:1", rise: 9}, breaker: {error_ratio: 1}, resolve: 1h}}` + "\n",
	}).Draw(t, "upstreams"))
	some := func(name string, values ...string) {
		if v := rapid.SampledFrom(append(values, "")).Draw(t, name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	some("listen", `":80"`, `unix:/x`, `[{address: ":80"}]`, `[{address: ":80"}, {address: "[::1]:0"}]`,
		`[{address: ":80", tls: {cert_file: a, key_file: b}}]`, `[{address: ":80", tls: {cert_file: a, key_file: b, min_version: 1.3, more: [{cert_file: c, key_file: c}]}}]`)
	some("account", "acme", `"true"`, "0x1f", `"# no"`, `"é"`)
	some("hosts", `[a.example, "*.b.example:81"]`)
	some("debug_from", "[]", `["::/0", 10.0.0.1]`)
	some("segment", "{cookie: seg, sealed: []}", "{sealed: [facets, channel], unsealed: default, max_bytes: 1000}",
		`{channels: {b: {cultureInfo: "no"}, 1: {channelPrivacy: private}}, seal_ttl: 3d, overlay: {x: channel}, allow: {utm_source: [], utm_campaign: ["a*"]}}`)
	some("query", "{drop: [], sort: false}", `{drop: ["a*", "true"]}`)
	some("cache", "{memory: 3MiB, grace: 1ms}", "{max_object: 1, heuristic: {fraction: 1}}", "{heuristic: {fraction: 0.125, max: 0s}, targeted: []}")
	some("log", "{access: /var/log/x, format: text}", "{access: no, level: debug}")
	some("purge", "{max_records: 5}")
	b.WriteString("routes:\n")
	for i := range rapid.IntRange(0, 4).Draw(t, "routes") {
		fmt.Fprintf(&b, "  - match: {path: /%d%s}\n", i, rapid.SampledFrom([]string{"", "/**", "/*.x", "/%C3%A9"}).Draw(t, "path"))
		b.WriteString(drawRoute(t))
	}
	return strings.TrimSuffix(b.String(), "routes:\n")
}

func drawRoute(t *rapid.T) string {
	lines := map[string][]string{
		"segment": {"segment: []", "segment: [channel, other]", "echo_check: true", "downstream: {}", "downstream: {cdn: 5m}", "ttl: 0s", "key: {cookies: {a: [1]}}"},
		"public":  {"ttl: 1h30m", "grace: 2d", "keep: 90s", "status_ttl: {404: 1s, 200: 0s}", "set_cookie: store", "key: {headers: {X-A: [a, b]}}"},
		"private": {"upstream: storefront", "echo_check: false"},
	}
	scope := rapid.SampledFrom([]string{"segment", "public", "private"}).Draw(t, "scope")
	text := "    scope: " + scope + "\n"
	seen := map[string]bool{}
	for _, line := range rapid.SliceOfN(rapid.SampledFrom(lines[scope]), 0, 4).Draw(t, "lines") {
		if name, _, _ := strings.Cut(line, ":"); !seen[name] {
			text += "    " + line + "\n"
			seen[name] = true
		}
	}
	return text
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, file := range append(files, "../config.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse(text)
		if err == nil {
			sameConfig(t, c)
			return
		}
		problems, ok := err.(config.Problems)
		if !ok || len(problems) == 0 || c != nil {
			t.Fatalf("got %v and %T %v, want faults alone", c, err, err)
		}
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 {
				t.Errorf("a fault that says nothing: %+v", p)
			}
		}
	})
}
