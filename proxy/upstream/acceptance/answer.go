package acceptance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
)

// answerFields: end-to-end fields only, names sorted, lines of one name in order,
// the same every time.
func (s suite) answerFields(t *testing.T) {
	f := func(name, lines string, want ...cache.Field) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + "\r\n") })
			resp := fetch(t, s.one(t, o), get("/"))
			whole(t, resp)
			if diff := cmp.Diff(want, lowerNames(resp.Fields)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if resp.Server != o.Address() {
				t.Errorf("server %q instead of %q", resp.Server, o.Address())
			}
		})
	}
	f("none", "", nil...)
	f("repeated and oddly cased", "x-B: 2\r\nSET-COOKIE: b=1; Path=/\r\nX-b:   1 \r\nset-cookie: a=2\r\nx-a: caf\xc3\xa9\r\nX-Empty:\r\n",
		cache.Field{Name: "set-cookie", Value: "b=1; Path=/"}, cache.Field{Name: "set-cookie", Value: "a=2"}, cache.Field{Name: "x-a", Value: "caf\xc3\xa9"},
		cache.Field{Name: "x-b", Value: "2"}, cache.Field{Name: "x-b", Value: "1"}, cache.Field{Name: "x-empty", Value: ""})
	f("hop by hop", "Connection: x-hop, close\r\nConnection: Keep-Alive , X-Hop2\r\nX-Hop: 1\r\nx-hop2: 2\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"+
		"Proxy-Connection: x\r\nUpgrade: h2c\r\nTrailer: X-T\r\nTE: x\r\nHTTP2-Settings: x\r\nProxy-Status: x; error=y\r\nVia: 1.1 p\r\n",
		cache.Field{Name: "proxy-status", Value: "x; error=y"}, cache.Field{Name: "via", Value: "1.1 p"})
	f("what no connection option takes", "Connection: Cache-Control, vary\r\nCache-Control: no-store\r\nVary: *\r\n",
		cache.Field{Name: "cache-control", Value: "no-store"}, cache.Field{Name: "vary", Value: "*"})
}

func lowerNames(fields []cache.Field) []cache.Field {
	var out []cache.Field
	for _, f := range fields {
		out = append(out, cache.Field{Name: strings.ToLower(f.Name), Value: f.Value})
	}
	return out
}

// bodies: every framing that HTTP/1.1 knows.
func (s suite) bodies(t *testing.T) {
	f := func(name, method, answer string, status int, body string, length int64) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer(answer) })
			r := get("/")
			r.Method = method
			resp := fetch(t, s.one(t, o), r)
			if got := whole(t, resp); got != body || resp.Status != status || resp.Length != length {
				t.Errorf("status %d, length %d, body %q", resp.Status, resp.Length, got)
			}
			for _, field := range resp.Fields {
				if n := strings.ToLower(field.Name); n == "content-length" || n == "transfer-encoding" {
					t.Errorf("field %v", field)
				}
			}
		})
	}
	big := strings.Repeat("0123456789abcdef", 1<<14)
	f("length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", 5)
	f("length twice, equal", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", 5)
	f("length zero", "GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "", 0)
	f("large", "GET", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(big), big), 200, big, int64(len(big)))
	f("more than announced", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello, world", 200, "hello", 5)
	f("chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, "hello", -1)
	f("chunked with extensions", "GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", 200, "hello", -1)
	f("chunked with trailers", "GET", "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", 200, "hello", -1)
	f("chunked, empty", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", -1)
	f("until close", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello", -1)
	f("HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nhello", 200, "hello", -1)
	f("no reason phrase", "GET", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, "ok", 2)
	f("unknown status", "GET", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok", 299, "ok", 2)
	f("204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", 0)
	f("304", "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", 304, "", 0)
	f("304 with the length of the page", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", 0)
	f("HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, "", 7)
	f("HEAD of a chunked page", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, "", -1)
	f("gzip stays gzip", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", 200, "\x1f\x8b\x08", 3)
	f("503", "GET", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, "busy", 4)
}

// interim: 1xx answers are not the answer.
func (s suite) interim(t *testing.T) {
	o := Listen(t, func(c *Conn) {
		c.Answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + ok2)
	})
	resp := fetch(t, s.one(t, o), get("/"))
	if got := whole(t, resp); got != "ok" || resp.Status != 200 || len(resp.Fields) != 0 {
		t.Errorf("status %d, fields %v, body %q", resp.Status, resp.Fields, got)
	}
}

// redirect: following one is the shopper's affair.
func (s suite) redirect(t *testing.T) {
	o := Listen(t, func(c *Conn) { c.Answer("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n") })
	resp := fetch(t, s.one(t, o), get("/"))
	whole(t, resp)
	want := []cache.Field{{Name: "location", Value: "/elsewhere"}}
	if diff := cmp.Diff(want, lowerNames(resp.Fields)); resp.Status != 302 || diff != "" {
		t.Errorf("status %d, fields (-want +got):\n%s", resp.Status, diff)
	}
}

// drip: each byte is delivered before the next one exists, whatever the framing.
func (s suite) drip(t *testing.T) {
	const page = "drip by drip"
	f := func(name, head, format string) {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{})
			o := Listen(t, func(c *Conn) {
				c.Answer("HTTP/1.1 200 OK\r\n" + head + "\r\n")
				for _, b := range []byte(page) {
					c.Await(arrived)
					c.Writef(format, b)
				}
				if strings.Contains(head, "chunked") {
					c.Write("0\r\n\r\n")
				}
			})
			resp := fetch(t, s.one(t, o), get("/"))
			p := make([]byte, 64)
			for i := range len(page) {
				arrived <- struct{}{}
				n, err := resp.Body.Read(p)
				if n != 1 || p[0] != page[i] || (err != nil && i < len(page)-1) {
					t.Fatalf("byte %d: %q, %v", i, p[:n], err)
				}
			}
			if n, err := resp.Body.Read(p); n != 0 || err != io.EOF {
				t.Errorf("end: %d bytes, %v", n, err)
			}
		})
	}
	f("length", fmt.Sprintf("Content-Length: %d\r\n", len(page)), "%c")
	f("chunked", "Transfer-Encoding: chunked\r\n", "1\r\n%c\r\n")
	f("until close", "", "%c")
}

// malformed: what is no answer is never taken for one.
func (s suite) malformed(t *testing.T) {
	f := func(name, answer string) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) {
				c.Answer(answer)
				io.Copy(io.Discard, c.in) // ends when the connection is dropped
			})
			if err := fails(t, s.one(t, o), get("/"), cache.ReasonMalformed); err.Server != o.Address() {
				t.Errorf("server %q", err.Server)
			}
		})
	}
	f("garbage", "this is not HTTP\r\n\r\n")
	f("binary", "\x16\x03\x01\x00\x01\x02\r\n\r\n")
	f("another protocol", "SSH-2.0-OpenSSH_9.9\r\n\r\n")
	f("HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
	f("status of two digits", "HTTP/1.1 20 OK\r\n\r\n")
	f("status 000", "HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n")
	f("status 099", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n")
	f("status 600", "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n")
	f("status of letters", "HTTP/1.1 abc OK\r\n\r\n")
	f("unasked upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
	f("field without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")
	f("space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n")
	f("NUL in a value", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n")
	f("lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
	f("length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na")
	f("negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na")
	f("length beyond 63 bits", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\na")
	f("unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
	f("length beside chunked", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f("chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f("folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n")
	f("white line", "HTTP/1.1 200 OK\r\nX: a\r\n \r\nContent-Length: 0\r\n\r\n")
	f("carriage return in a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n")
	f("head too large", "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<17)+"\r\nContent-Length: 0\r\n\r\n")
	f("too many interim answers", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <"+strings.Repeat("x", 1000)+">\r\n\r\n", 200)+ok2)
}

// malformedBody: wrong chunks abort the body; they do not end it.
func (s suite) malformedBody(t *testing.T) {
	f := func(name, chunks string) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) {
				c.Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
				io.Copy(io.Discard, c.in)
			})
			_, err := io.ReadAll(fetch(t, s.one(t, o), get("/")).Body)
			if err == nil {
				t.Fatal("the body was taken for whole")
			}
			because(t, err, cache.ReasonMalformed)
		})
	}
	f("size of letters", "5\r\nhello\r\nxyz\r\nhello\r\n0\r\n\r\n")
	f("negative size", "-1\r\nhello\r\n0\r\n\r\n")
	f("no end of chunk", "5\r\nhelloworld\r\n0\r\n\r\n")
	f("size beyond 64 bits", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n")
}

// truncated: a body that ends early is io.ErrUnexpectedEOF at every point.
func (s suite) truncated(t *testing.T) {
	f := func(name, answer, before string) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer(answer) })
			resp := fetch(t, s.one(t, o), get("/"))
			var got bytes.Buffer
			_, err := got.ReadFrom(resp.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || got.String() != before {
				t.Errorf("body %q, %v", got.String(), err)
			}
			if n, again := resp.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(again, io.ErrUnexpectedEOF) {
				t.Errorf("the error did not stay: %d, %v", n, again)
			}
		})
	}
	f("length, nothing came", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "")
	f("length, one byte missing", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "hell")
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	f("chunked, nothing came", chunked, "")
	f("chunked, within a size", chunked+"5\r\nhello\r\n5", "hello")
	f("chunked, within a chunk", chunked+"5\r\nhel", "hel")
	f("chunked, after a chunk", chunked+"5\r\nhello\r\n", "hello")
	f("chunked, within the last chunk", chunked+"5\r\nhello\r\n0\r\n", "hello")
	f("chunked, within a trailer", chunked+"5\r\nhello\r\n0\r\nX-T: 1\r\n", "hello")
}
