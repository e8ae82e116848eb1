package acceptance

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
)

const empty = "HTTP/1.1 204 No Content\r\n\r\n"

// target: the very bytes reach the wire; normalised ones would be another page
// than the one that was keyed.
func (s suite) target(t *testing.T) {
	targets := []string{"/", "/?", "/a%2Fb", "/a%2fb%3D=", "/a;b=c;d", "//", "//a//b", "//a{b}", "///x?y", "/{}|^`<>\"", "/a/../b/./c",
		"/%7Euser/~", "/?a=b&&c=%20+d", "/?a=/../{x}&u=http://h//p", "/caf\xc3\xa9", "/a?b?c#d", "/:@!$&'()*,", "/" + strings.Repeat("long/", 2000), "//" + strings.Repeat("long/", 2000)}
	heads := make(chan string, 1)
	o := Listen(t, func(c *Conn) {
		for range targets {
			heads <- c.Answer(empty)
		}
		c.AwaitEnd()
	})
	transport := s.one(t, o)
	f := func(method, target string) {
		t.Helper()
		r := get(target)
		r.Method = method
		whole(t, fetch(t, transport, r))
		line, _, _ := strings.Cut(<-heads, "\r\n")
		if want := method + " " + target + " HTTP/1.1"; line != want {
			t.Errorf("request line %q instead of %q", line, want)
		}
	}
	for i, target := range targets {
		f([]string{"GET", "DELETE", "OPTIONS", "M-SEARCH"}[i%4], target)
	}
}

// requestFields: what is given and nothing else; hop-by-hop fields end here.
func (s suite) requestFields(t *testing.T) {
	f := func(name string, in []cache.Field, want ...string) {
		t.Run(name, func(t *testing.T) {
			var head string
			done := make(chan struct{})
			o := Listen(t, func(c *Conn) { head = c.Answer(empty); close(done) })
			r := get("/x")
			r.Host, r.Fields = "Shop.Example:8443", in
			whole(t, fetch(t, s.one(t, o), r))
			<-done
			if diff := cmp.Diff(slices.Sorted(slices.Values(append(want, "get /x http/1.1", "host: shop.example:8443"))), wireLines(head)); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
		})
	}
	f("none", nil)
	f("repeated lines", []cache.Field{{Name: "X-A", Value: "1"}, {Name: "Cookie", Value: "a=b"}, {Name: "x-a", Value: "2"}, {Name: "X-A", Value: "1"}},
		"x-a: 1", "x-a: 2", "x-a: 1", "cookie: a=b")
	f("agent and coding as given", []cache.Field{{Name: "User-Agent", Value: "test"}, {Name: "Accept-Encoding", Value: "br"}}, "user-agent: test", "accept-encoding: br")
	f("two agents", []cache.Field{{Name: "User-Agent", Value: "a"}, {Name: "User-Agent", Value: "b"}}, "user-agent: a", "user-agent: b")
	f("empty value", []cache.Field{{Name: "X-A", Value: ""}}, "x-a:")
	f("bytes beyond ASCII", []cache.Field{{Name: "X-A", Value: "caf\xc3\xa9\xff"}}, "x-a: caf\xc3\xa9\xff")
	f("hop by hop", []cache.Field{{Name: "Connection", Value: "close, X-Hop"}, {Name: "X-Hop", Value: "1"}, {Name: "Keep-Alive", Value: "timeout=5"},
		{Name: "Proxy-Connection", Value: "x"}, {Name: "Proxy-Authorization", Value: "x"}, {Name: "Proxy", Value: "stays"}, {Name: "Trailer", Value: "x"}, {Name: "Upgrade", Value: "h2c"},
		{Name: "HTTP2-Settings", Value: "x"}, {Name: "transfer-encoding", Value: "chunked"}, {Name: "content-length", Value: "7"}, {Name: "host", Value: "evil.example"},
		{Name: "TE", Value: "gzip"}, {Name: "Accept", Value: "*/*"}}, "accept: */*", "proxy: stays")
	f("te trailers", []cache.Field{{Name: "te", Value: "gzip;q=0.5, trailers"}}, "te: trailers", "connection: te")
	f("what no connection option takes", []cache.Field{{Name: "Connection", Value: "x-vtex-segment, cookie, Authorization"}, {Name: "X-Vtex-Segment", Value: "s"}, {Name: "Cookie", Value: "c=d"}},
		"x-vtex-segment: s", "cookie: c=d")
}

// wireLines gives the lines of a head, names and request line in lower case, sorted:
// the order of lines of different names is free.
func wireLines(head string) []string {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n"), "\r\n")
	for i, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if i == 0 || strings.EqualFold(name, "host") || strings.EqualFold(name, "connection") {
			lines[i] = strings.ToLower(line)
		} else if ok {
			lines[i] = strings.TrimRight(strings.ToLower(name)+":"+value, " ")
		}
	}
	slices.Sort(lines)
	return lines
}

// refused: what could be read as two requests, or as another one, is not sent.
func (s suite) refused(t *testing.T) {
	transport := s.one(t, Listen(t))
	f := func(reason cache.Reason, change func(*cache.OriginRequest)) {
		t.Helper()
		r := get("/")
		change(r)
		fails(t, transport, r, reason)
	}
	for _, target := range []string{"", "a", "*", "http://h/", "/a b", "/a\r\nX: y", "/\x00", "/\x7f", "/\t"} {
		f(cache.ReasonBadTarget, func(r *cache.OriginRequest) { r.Target = target })
	}
	for _, method := range []string{"", "GET /", "G\r\n", "CONNECT", "caf\xc3\xa9"} {
		f(cache.ReasonBadMethod, func(r *cache.OriginRequest) { r.Method = method })
	}
	for _, host := range []string{"", "a b", "a/b", "a\r\nX: y", "user@host", "caf\xc3\xa9"} {
		f(cache.ReasonBadHost, func(r *cache.OriginRequest) { r.Host = host })
	}
	for _, field := range []cache.Field{{Name: "", Value: "x"}, {Name: "X Y", Value: "x"}, {Name: "X:", Value: "x"}, {Name: "X", Value: "a\r\nY: z"}, {Name: "X", Value: "\x00"}, {Name: "X", Value: "\n"}} {
		f(cache.ReasonBadField, func(r *cache.OriginRequest) { r.Fields = []cache.Field{field} })
	}
}
