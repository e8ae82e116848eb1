package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusal is what is refused before anything is forwarded (DESIGN.md, rule 1).
type refusal struct {
	name, request string
	status        int
	reason        string
}

const hostLine = "Host: shop.example\r\n"

var refusals = []refusal{
	{"no host", "GET / HTTP/1.1\r\n\r\n", 400, "bad-host"},
	{"no host beside an absolute form", "GET http://shop.example/ HTTP/1.1\r\n\r\n", 400, "bad-host"},
	{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "bad-host"},
	{"two hosts", "GET / HTTP/1.1\r\n" + hostLine + hostLine + "\r\n", 400, "bad-framing"},
	{"userinfo in host", "GET / HTTP/1.1\r\nHost: evil@shop.example\r\n\r\n", 400, "bad-host"},
	{"8-bit host", "GET / HTTP/1.1\r\nHost: sh\xf6p.example\r\n\r\n", 400, "bad-host"},
	{"host with a slash", "GET / HTTP/1.1\r\nHost: shop.example/x\r\n\r\n", 400, "bad-host"},
	{"host with two ports", "GET / HTTP/1.1\r\nHost: shop.example:80:90\r\n\r\n", 400, "bad-host"},
	{"unknown host", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", 421, "unknown-host"},
	{"unknown host in the absolute form", "GET http://other.example/ HTTP/1.1\r\n" + hostLine + "\r\n", 421, "unknown-host"},
	{"length and chunked", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-framing"},
	{"chunked and length", "POST / HTTP/1.1\r\n" + hostLine + "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400, "bad-framing"},
	{"two lengths", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "bad-framing"},
	{"list of lengths", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 3, 3\r\n\r\nabc", 400, "bad-framing"},
	{"signed length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: +3\r\n\r\nabc", 400, "bad-framing"},
	{"endless length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 99999999999999999999\r\n\r\nabc", 400, "bad-framing"},
	{"gzip as transfer coding", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: gzip\r\n\r\n", 501, "bad-coding"},
	{"gzip and chunked", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "bad-coding"},
	{"identity", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: identity\r\n\r\nGET /smuggled HTTP/1.1\r\n" + hostLine + "\r\n", 501, "bad-coding"},
	{"chunked twice", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-framing"},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-framing"},
	{"vertical tab before chunked", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, "bad-framing"},
	{"HTTP/0.9", "GET / HTTP/0.9\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"HTTP/2.0", "GET / HTTP/2.0\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad-framing"},
	{"a space in a name", "GET / HTTP/1.1\r\n" + hostLine + "X Y: z\r\n\r\n", 400, "bad-field"},
	{"a space before the colon", "GET / HTTP/1.1\r\n" + hostLine + "X-Y : z\r\n\r\n", 400, "bad-field"},
	{"no name", "GET / HTTP/1.1\r\n" + hostLine + ": z\r\n\r\n", 400, "bad-field"},
	{"no colon", "GET / HTTP/1.1\r\n" + hostLine + "nothing\r\n\r\n", 400, "bad-field"},
	{"8-bit name", "GET / HTTP/1.1\r\n" + hostLine + "X-\xe9: z\r\n\r\n", 400, "bad-field"},
	{"NUL in a value", "GET / HTTP/1.1\r\n" + hostLine + "X-Y: a\x00b\r\n\r\n", 400, "bad-framing"},
	{"CR in a value", "GET / HTTP/1.1\r\n" + hostLine + "X-Y: a\rInjected: b\r\n\r\n", 400, "bad-framing"},
	{"a folded line", "GET / HTTP/1.1\r\n" + hostLine + "X-Y: a\r\n b\r\n\r\n", 400, "bad-field"},
	{"a line that ends in LF alone", "GET / HTTP/1.1\r\n" + hostLine + "X-Y: a\nX-Z: b\r\n\r\n", 400, "bad-framing"},
	{"CONNECT", "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n", 405, "bad-method"},
	{"TRACE", "TRACE / HTTP/1.1\r\n" + hostLine + "\r\n", 405, "bad-method"},
	{"a method that is no token", "G@T / HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"a method without end", strings.Repeat("A", 33) + " / HTTP/1.1\r\n" + hostLine + "\r\n", 405, "bad-method"},
	{"NUL in the target", "GET /a%00b HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"backslash in the target", "GET /a\\b HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"encoded backslash in the target", "GET /a%5Cb HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"bad percent-encoding", "GET /a%zz HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"bad percent-encoding in the query", "GET /a?b=%zz HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"above the root", "GET /../x HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"encoded above the root", "GET /%2e%2e/x HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"fragment", "GET /a#b HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"absolute form without a host", "GET http:///x HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"absolute form of another scheme", "GET ftp://shop.example/x HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-target"},
	{"40 KB of head", "GET / HTTP/1.1\r\n" + hostLine + "X-Y: " + strings.Repeat("a", 40<<10) + "\r\n\r\n", 431, "head-too-large"},
	{"folded chunked", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, "bad-framing"},
	{"9 KB of target", "GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.1\r\n" + hostLine + "\r\n", 414, "target-too-long"},
	{"20 KB of target, without end", "GET /" + strings.Repeat("a", 20<<10), 414, "target-too-long"},
	{"identity beside a length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nabc", 400, "bad-framing"},
	{"an empty length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length:\r\n\r\n", 400, "bad-framing"},
	{"a length in hex", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 0x3\r\n\r\nabc", 400, "bad-framing"},
	{"a length with a space before the colon", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length : 3\r\n\r\nabc", 400, "bad-field"},
	{"HTTP/3.0", "GET / HTTP/3.0\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"no version", "GET /\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"two spaces before the version", "GET /  HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"a space before the method", " GET / HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"a field before the request line", "\r\nX-Y: z\r\nGET / HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"a folded first line", "GET / HTTP/1.1\r\n X-Y: z\r\n" + hostLine + "\r\n", 400, "bad-field"},
	{"an LF alone at the end of the head", "GET / HTTP/1.1\r\n" + hostLine + "\n", 400, "bad-framing"},
	{"an LF alone behind the request line", "GET / HTTP/1.1\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"an empty line of LF alone before", "\nGET / HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"empty lines without end", strings.Repeat("\r\n", 6) + "GET / HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"a header of the PROXY protocol", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
	{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad-framing"},
	{"a space within the target", "GET /a b HTTP/1.1\r\n" + hostLine + "\r\n", 400, "bad-framing"},
}

// Each is answered with its status and one line that says why, nothing is
// forwarded, and the connection ends, whatever the client has sent behind it.
func TestGuardRefuses(t *testing.T) {
	r := newRig(t, page("public, max-age=60"), func(s *setup) { s.options.Hosts = []string{"shop.example", "*.shop.example"} })
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			a := r.raw("GET", c.request+"GET /behind HTTP/1.1\r\n"+hostLine+"\r\n")
			if a.Status != c.status || a.Body != "aisle: "+c.reason+"\n" || a.Err != nil {
				t.Errorf("%d %q %v, want %d %s", a.Status, a.Body, a.Err, c.status, c.reason)
			}
			if !a.Closed {
				t.Error("the connection was not closed behind the answer")
			}
			if cc := a.Header.Get("Cache-Control"); cc != "no-store" {
				t.Errorf("Cache-Control %q", cc)
			}
			if got := a.detail(t); got != c.reason {
				t.Errorf("Cache-Status says %q", got)
			}
		})
	}
	if n := len(r.requests()); n != 0 {
		t.Errorf("%d requests reached the origin: %s", n, r.views())
	}
	if n := r.count("aisle_requests_total", "route", "none", "outcome", "refused"); int(n) != len(refusals) {
		t.Errorf("%v refusals counted, want %d", n, len(refusals))
	}
	log := r.logged()
	if len(log) != len(refusals) {
		t.Fatalf("%d lines in the log, want %d", len(log), len(refusals))
	}
	for i, c := range refusals {
		want := map[string]any{"outcome": "refused", "reason": c.reason, "status": float64(c.status), "client": "127.0.0.1", "route": nil}
		got := map[string]any{}
		for name := range want {
			got[name] = log[i][name]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("log line of %q: %s", c.name, diff)
		}
	}
}

// The guard's answer to a HEAD has no body, and that of a GET which follows a
// HEAD in the same pooled exchange has one.
func TestRefusalOfHead(t *testing.T) {
	r := newRig(t, page("public, max-age=60"))
	f := func(method string, want string) {
		t.Helper()
		for range 3 {
			r.do("HEAD", "/fine", "")
			a := r.raw(method, method+" /a%00 HTTP/1.1\r\n"+hostLine+"\r\n")
			if a.Status != 400 || a.Body != want || !a.Closed {
				t.Errorf("%s: %+v", method, a)
			}
			if a = r.raw(method, method+" / HTTP/1.1\r\n"+hostLine+"X Y: z\r\n\r\n"); a.Status != 400 || a.Err != nil || !a.Closed {
				t.Errorf("%s: %+v", method, a)
			}
		}
	}
	f("HEAD", "")
	f("GET", "aisle: bad-target\n")
}

// What is allowed, in the forms that it may take, is one page under one key: the
// bytes that reach the origin are those in the key.
func TestOneCanonicalTargetAndHost(t *testing.T) {
	r := newRig(t, page("public, max-age=60"), func(s *setup) { s.options.Hosts = []string{"shop.example"} })
	for i, head := range []string{
		"GET /caf%C3%A9/~x?a=1&b=2 HTTP/1.1\r\n" + hostLine,
		"GET /caf%c3%a9/%7Ex?a=1&b=2 HTTP/1.1\r\nhost: SHOP.example\r\n",
		"GET /caf\xc3\xa9/./y/../~x?b=2&a=1 HTTP/1.1\r\nHOST: shop.example:80\r\n",
		"GET http://shop.example/caf%C3%A9/~x?b=2&&a=1 HTTP/1.1\r\nHost: evil.example\r\n",
		"GET HTTP://Shop.Example:80/caf%C3%A9/~x?a=1&b=2&gclid=xyz HTTP/1.1\r\n" + hostLine,
		"GET http://shop.example./caf%C3%A9/~x?a=1&b=%32 HTTP/1.0\r\n",
		"GET /caf%C3%A9/~x?a=1&b=2 HTTP/1.1\r\n" + hostLine + "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example;proto=https\r\n",
	} {
		a := r.raw("GET", head+"Connection: close\r\n\r\n")
		if a.Status != 200 || i > 0 && a.detail(t) != "hit fresh" {
			t.Errorf("%q: %d %s", head, a.Status, a.detail(t))
		}
	}
	want := []string{lines("GET /caf%C3%A9/~x?a=1&b=2 of shop.example", "Cookie: vtex_segment="+defaultSegment, "Via: 1.1 aisle",
		"X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http", "X-Vtex-Locale: pt-BR", "X-Vtex-Segment: "+defaultSegment)}
	if diff := cmp.Diff(want, r.views()); diff != "" {
		t.Error(diff)
	}
}

// Host and scheme stand in the key: the other shop, and the same one by https
// as a trusted proxy says, have pages of their own.
func TestHostAndSchemeAreKeyed(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		fmt.Fprint(w, q.Header.Get("X-Forwarded-Proto"), "://", q.Host)
	}, trustLoopback)
	f := func(want string, headers ...string) {
		t.Helper()
		for range 2 {
			if a := r.get("/", headers...); a.Body != want {
				t.Errorf("%s: %q, want %q", headers, a.Body, want)
			}
		}
	}
	f("http://shop.example")
	f("http://b.example", "Host: b.example")
	f("https://shop.example", "X-Forwarded-Proto: https", "X-Forwarded-For: 1.2.3.4")
	f("https://c.example", "Forwarded: for=1.2.3.4;proto=https;host=c.example")
	f("https://c.example:8443", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: c.example:8443")
	if n := len(r.requests()); n != 5 {
		t.Errorf("the origin was asked %d times, want 5", n)
	}
}
