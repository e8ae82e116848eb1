package config_test

import (
	"strings"
	"testing"

	"github.com/aislecache/aisle/config"
)

// accepts and refuses put one value into a file that is good but for it. The values are
// single-quoted, so that YAML leaves them alone.
func accepts(t *testing.T, file string, values ...string) {
	t.Helper()
	for _, v := range values {
		if _, err := config.Parse([]byte(fill(file, v))); err != nil {
			t.Errorf("%q is refused: %v", v, err)
		}
	}
}

func refuses(t *testing.T, file string, values ...string) {
	t.Helper()
	for _, v := range values {
		_, err := config.Parse([]byte(fill(file, v)))
		if err == nil {
			t.Errorf("%q is accepted", v)
		} else if n := len(err.(config.Problems)); n != 1 {
			t.Errorf("%q: %d faults, want one: %v", v, n, err)
		}
	}
}

func fill(file, value string) string {
	return minimal + strings.ReplaceAll(file, "@", "'"+strings.ReplaceAll(value, "'", "''")+"'")
}

func TestListenAddresses(t *testing.T) {
	accepts(t, "listen: @", ":8080", ":0", "127.0.0.1:80", "[::1]:80", "localhost:65535", "unix:/run/aisle.sock", "unix:relative")
	refuses(t, "listen: @", "", "8080", "127.0.0.1", ":http", ":65536", ":-1", "::1:80", "unix:", "http://h:80")
}

func TestHosts(t *testing.T) {
	accepts(t, "hosts: [@]", "*", "*:8080", "shop.example", "SHOP.example", "*.shop.example", "*.shop.example:81", "localhost:3000", "10.0.0.1", "[::1]", "[::1]:80", "a_b.example")
	refuses(t, "hosts: [@]", "", "*.", "*shop.example", "a.*.example", "a..b", ".a", "a.", "a/b", "a b", "u@h", "h:", "h:x", "h:70000", "::1", "[::1", "[::1]x", "[::1]:", "[10.0.0.1]",
		strings.Repeat("a", 64)+".example", strings.Repeat("a.", 127)+"abc")
}

func TestServers(t *testing.T) {
	file := "" // the upstream of minimal has to go
	for _, v := range []string{"http://h", "http://h:9000", "https://h/", "http://10.0.0.1:1", "http://[::1]:9000"} {
		if _, err := config.Parse([]byte("upstreams: {a: {servers: ['" + v + "']}}" + file)); err != nil {
			t.Errorf("%q is refused: %v", v, err)
		}
	}
	for _, v := range []string{"", "h", "h:9000", "//h", "http:h", "http://", "http://:80", "ws://h", "http://h/p", "http://h?", "http://h#f", "http://h:0", "http://h:70000", "http://u@h", "http://h:x", "http://%zz"} {
		if _, err := config.Parse([]byte("upstreams: {a: {servers: ['" + v + "']}}")); err == nil {
			t.Errorf("%q is accepted", v)
		}
	}
}

func TestPathPatterns(t *testing.T) {
	accepts(t, "routes: [{match: {path: @}}]", "/", "/**", "/**/p", "/a/**/b/*.js", "/*", "/a*b*c", "/%C3%A9", "/é", "/a//b", "/a;v=1", "/...")
	refuses(t, "routes: [{match: {path: @}}]", "a", "**", "/a**", "/***", "/.", "/a/../b", "/a?b", "/a#b", "/a b", "/a\\b", "/%", "/%z0", "/%4", "/%00", "/%5c", "/%2e%2E/a")
}

func TestMethods(t *testing.T) {
	accepts(t, "routes: [{match: {methods: [@]}}]", "GET", "PURGE", "M-SEARCH")
	refuses(t, "routes: [{match: {methods: [@]}}]", "", "get", "G T", "GET,HEAD")
}

func TestKeyedFields(t *testing.T) {
	accepts(t, "routes: [{match: {path: /a}, key: {headers: {@: [a]}}}]", "CF-IPCountry", "x-device", "Accept-Language")
	refuses(t, "routes: [{match: {path: /a}, key: {headers: {@: [a]}}}]", "", "a b", "Cookie", "cookie2", "AUTHORIZATION", "X-VTEX-Segment", "x-vtex-anything",
		"X-Forwarded-For", "Forwarded", "Host", "Via", "Connection", "TE", "Proxy-Authorization", "Content-Type", "Range", "If-None-Match", "X-Real-IP", "a:b")
	accepts(t, "routes: [{match: {path: /a}, key: {headers: {X-A: [@]}}}]", "a", "1", "a b", "é", "text/html")
	refuses(t, "routes: [{match: {path: /a}, key: {headers: {X-A: [@]}}}]", "", " a", "a ", "a;b", "a,b", `a"b`, "a\tb")
}

func TestKeyedCookies(t *testing.T) {
	accepts(t, "routes: [{match: {path: /a}, key: {cookies: {@: [a]}}}]", "ab", "VTEXSC", "a.b")
	refuses(t, "routes: [{match: {path: /a}, key: {cookies: {@: [a]}}}]", "", "a b", "a=b", "vtex_segment", "vtex_session", "aisle_seal")
	refuses(t, "segment: {cookie: seg}\nroutes: [{match: {path: /a}, key: {cookies: {@: [a]}}}]", "seg")
}

func TestProjectedFields(t *testing.T) {
	accepts(t, "routes: [{match: {path: /a}, segment: [@]}]", "channel", "priceTables", "admin_cultureInfo", "loyalty", "x1")
	refuses(t, "routes: [{match: {path: /a}, segment: [@]}]", "", "a-b", "price tables", "PriceTables", "CHANNEL", "é")
}

func TestQueryNames(t *testing.T) {
	accepts(t, "query: {drop: [@]}", "gclid", "utm_*", "a.b", "a[b]")
	refuses(t, "query: {drop: [@]}", "", "*", "a*b", "a=b", "a&b", "a b", "a#b", "a**")
}

func TestAccounts(t *testing.T) {
	accepts(t, "account: @", "acme", "a b", "é", "true", "1")
	refuses(t, "account: @", "")
	refuses(t, `account: "a\tb" #@`, "")
}
