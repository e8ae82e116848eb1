package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

const (
	postHead = "POST /up HTTP/1.1\r\nHost: a\r\n"
	inChunks = postHead + "Transfer-Encoding: chunked\r\n\r\n"
	getHead  = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
)

// Bodies come through in any framing, without extensions and trailers, and what is
// behind one is the next request.
func TestFramerLetsThrough(t *testing.T) {
	f := func(sent string, want ...string) {
		t.Helper()
		for _, sent := range []string{sent + getHead, "\r\n\r\n" + sent + "\r\n" + getHead} {
			for _, pieces := range [][][]byte{{[]byte(sent)}, bytewise(sent)} {
				s := proxy.ServePieces(pieces...)
				if diff := cmp.Diff(append(want[:len(want):len(want)], ""), s.Bodies); diff != "" || s.Err != nil || s.Fault != nil || s.Open {
					t.Errorf("%q in %d pieces: %v, %v, %s", sent, len(pieces), s.Err, s.Fault, diff)
				}
			}
		}
	}
	f(getHead, "")
	f("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n", "")
	f(postHead+"Content-Length: 5\r\n\r\nhello", "hello")
	f(postHead+"content-length:\t005 \r\n\r\nhello", "hello")
	f("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello")
	f(postHead+"\r\n", "")
	f(inChunks+"5\r\nhello\r\n0\r\n\r\n", "hello")
	f(inChunks+"0\r\n\r\n", "")
	f(inChunks+"000A;a=b;c=\"d\\\"\xe9\"\r\n0123456789\r\n0;x\r\n\r\n", "0123456789")
	f(inChunks+"5\r\nhello\r\n0\r\nHost: b\r\nContent-Length: 9\r\nX-Vtex-Segment:\r\n\r\n", "hello")
	f(inChunks+"2\r\n\r\n\r\n2\r\n0\r\r\n0\r\n\r\n", "\r\n0\r")
	f(strings.Repeat(getHead, 3)+inChunks+"1\r\na\r\n0\r\n\r\n", "", "", "", "a")
}

func bytewise(s string) (pieces [][]byte) {
	for i := range len(s) {
		pieces = append(pieces, []byte{s[i]})
	}
	return pieces
}

// What could be read in two ways is refused where it begins: no request behind it is
// read, and those before it are.
func TestFramerRefusesBodies(t *testing.T) {
	f := func(body string) {
		t.Helper()
		sent := getHead + inChunks + body + "\r\n\r\n" + getHead
		for _, pieces := range [][][]byte{{[]byte(sent)}, {[]byte(getHead), []byte(sent[len(getHead):])}, bytewise(sent)} {
			s := proxy.ServePieces(pieces...)
			if s.Reason() != cache.ReasonBadFraming || s.Err == nil || len(s.Bodies) != 1 {
				t.Errorf("%q in %d pieces: %s, %v, %q", body, len(pieces), s.Reason(), s.Err, s.Bodies)
			}
		}
	}
	f("5\r\nhello\r\n0\r\n\n")                        // CR LF LF
	f("5\r\nhello\r\n0\n\r\n")                        // LF alone behind the last chunk
	f("5\nhello\r\n0\r\n\r\n")                        // LF alone behind a size
	f("5\rhello\r\n0\r\n\r\n")                        // CR alone
	f("5\r\nhello\n0\r\n\r\n")                        // LF alone behind a chunk
	f("5\r\nhello0\r\n\r\n")                          // nothing behind a chunk
	f("5\r\nhelloX\r\n0\r\n\r\n")                     // one byte more
	f("\r\nhello\r\n0\r\n\r\n")                       // no size
	f(";x\r\nhello\r\n0\r\n\r\n")                     // the same
	f("0x5\r\nhello\r\n0\r\n\r\n")                    // a prefix
	f("+5\r\nhello\r\n0\r\n\r\n")                     // a sign
	f("-1\r\nhello\r\n0\r\n\r\n")                     // another
	f("5_0\r\nhello\r\n0\r\n\r\n")                    // digits of Go
	f(" 5\r\nhello\r\n0\r\n\r\n")                     // white space before a size
	f("5 \r\nhello\r\n0\r\n\r\n")                     // and behind
	f("5\t;x\r\nhello\r\n0\r\n\r\n")                  // and before an extension
	f("5\v\r\nhello\r\n0\r\n\r\n")                    // other white space
	f("5,5\r\nhello\r\n0\r\n\r\n")                    // a list
	f("10000000000000005\r\nhello\r\n0\r\n\r\n")      // 64 bits and one more
	f("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")       // -1
	f(strings.Repeat("0", 16) + "5\r\nhello\r\n\r\n") // zeros without end
	f("5;a\x00b\r\nhello\r\n0\r\n\r\n")               // NUL in an extension
	f("5;a\nb\r\nhello\r\n0\r\n\r\n")                 // LF in an extension
	f("5;a\r\r\nhello\r\n0\r\n\r\n")                  // CR in an extension
	f("5;" + strings.Repeat("a", 300) + "\r\nhello\r\n0\r\n\r\n")
	f("0\r\nX-Y\r\n\r\n")                       // a trailer without a colon
	f("0\r\nX Y: z\r\n\r\n")                    // without a name
	f("0\r\n: z\r\n\r\n")                       // the same
	f("0\r\n X: z\r\n\r\n")                     // folded into nothing
	f("0\r\nX: y\r\n z\r\n\r\n")                // folded
	f("0\r\nX: y\nz: a\r\n\r\n")                // LF alone
	f("0\r\nX: y\rz\r\n\r\n")                   // CR alone
	f("0\r\nX: \x00\r\n\r\n")                   // NUL
	f("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") // a request in their place
	f("0\r\n\rX\r\n")                           // half an end
}

// What is wrong behind a request is no fault of it.
func TestFramerFaultBehindARequest(t *testing.T) {
	for _, behind := range []string{"\rG", "\r\n\r\n\r\n\r\n\r\n", "\n", "\x00", "GET  /\r\n"} {
		for _, whole := range []string{getHead, postHead + "Content-Length: 5\r\n\r\nhello", inChunks + "5\r\nhello\r\n0\r\n\r\n"} {
			s := proxy.ServePieces([]byte(whole + behind))
			if len(s.Bodies) != 1 || s.Told() != cache.ReasonBadFraming {
				t.Errorf("%q behind %q: %q, %s", behind, whole, s.Bodies, s.Told())
			}
		}
	}
}

// A request line, head or trailer section that has no end is refused before it has one,
// in one piece or in many.
func TestFramerBounds(t *testing.T) {
	f := func(sent, part string, want cache.Reason) {
		t.Helper()
		long := sent + strings.Repeat(part, 70<<10/len(part))
		var pieces [][]byte
		for rest := []byte(long); len(rest) > 0; {
			n := min(len(rest), 1000)
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		for _, pieces := range [][][]byte{{[]byte(long)}, pieces} {
			if s := proxy.ServePieces(pieces...); s.Reason() != want || len(s.Bodies) != 0 {
				t.Errorf("%q and %d times %q: %s, %d bodies", sent, 70<<10/len(part), part, s.Reason(), len(s.Bodies))
			}
		}
	}
	f("GET /", "a", cache.ReasonTargetTooLong)
	f("G", "E", cache.ReasonTargetTooLong)
	f("GET / HTTP/1.1\r\nHost: a\r\nX: ", "a", cache.ReasonHeadTooLarge)
	f("GET / HTTP/1.1\r\nHost: a\r\n", "X: a\r\n", cache.ReasonHeadTooLarge)
	f(inChunks+"0\r\nX: ", "a", cache.ReasonHeadTooLarge)
	f(inChunks+"0\r\n", "X: a\r\n", cache.ReasonHeadTooLarge)
	f(inChunks+"5;", "a", cache.ReasonBadFraming)
}

// The first byte tells that no HTTP is coming: nobody waits for the rest.
func TestFramerRefusesAtTheFirstByte(t *testing.T) {
	for c := range 256 {
		s := proxy.ServePieces([]byte{byte(c)})
		token := c < 0x80 && (strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z')
		if want := !token && c != '\r'; (s.Reason() == cache.ReasonBadFraming) != want {
			t.Errorf("%q: %s", []byte{byte(c)}, s.Reason())
		}
	}
}

// sameAsNetHTTP says that what is let through has the bodies that net/http reads from
// the same bytes. net/http refuses some that aisle judges later, by their fields: there
// the comparison ends.
func sameAsNetHTTP(t rapid.TB, s *proxy.Served, sent []byte) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(sent))
	for i := 0; ; i++ {
		q, err := http.ReadRequest(br)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(q.Body)
		}
		if i < len(s.Bodies) && err == nil && s.Bodies[i] != string(body) {
			t.Fatalf("%q: body %d is %q, for net/http %q", sent, i, s.Bodies[i], body)
		}
		if err != nil || i >= len(s.Bodies) {
			if err == nil && s.Err == nil && !s.Closed && !s.Open {
				t.Fatalf("%q: net/http reads more than the %d requests here", sent, len(s.Bodies))
			}
			if err == io.EOF && i < len(s.Bodies) {
				t.Fatalf("%q: net/http reads only %d of the %d requests here", sent, i, len(s.Bodies))
			}
			return
		}
	}
}

// sameReason leaves aside the reasons of fasthttp, ReasonNone here: of two faults in one
// head it may come to its own first.
func sameReason(a, b cache.Reason) bool {
	return a == b || a == cache.ReasonNone || b == cache.ReasonNone
}

// However the bytes are cut, the same requests are read, or the same reason given.
func sameInPieces(t rapid.TB, whole *proxy.Served, sent []byte, cuts ...int) {
	t.Helper()
	pieces, last := [][]byte{}, 0
	for _, cut := range cuts {
		if cut > last && cut < len(sent) {
			pieces, last = append(pieces, bytes.Clone(sent[last:cut])), cut
		}
	}
	s := proxy.ServePieces(append(pieces, bytes.Clone(sent[last:]))...)
	if diff := cmp.Diff(whole.Bodies, s.Bodies); diff != "" || !sameReason(s.Told(), whole.Told()) || (s.Err == nil) != (whole.Err == nil) {
		t.Fatalf("%q cut at %v: %s %v, in one piece %s %v: %s", sent, cuts, s.Told(), s.Err, whole.Told(), whole.Err, diff)
	}
}

func FuzzFramer(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.request+getHead), uint16(20), uint16(40))
	}
	f.Add([]byte(inChunks+"5;a\r\nhello\r\n0\r\nX: y\r\n\r\n"+getHead+postHead+"Content-Length: 3\r\n\r\nabc"), uint16(3), uint16(90))
	f.Add([]byte("\r\n"+getHead+"HEAD / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab"), uint16(1), uint16(2))
	f.Fuzz(func(t *testing.T, sent []byte, a, b uint16) {
		s := proxy.ServePieces(bytes.Clone(sent))
		sameAsNetHTTP(t, &s, sent)
		sameInPieces(t, &s, sent, int(min(a, b)), int(max(a, b)))
	})
}

// Parts that parsers fall out over, put together in any order.
func TestFramerAgreesWithNetHTTP(t *testing.T) {
	parts := []string{
		"GET / HTTP/1.1\r\n", "POST /x HTTP/1.1\r\n", "HEAD / HTTP/1.0\r\n", "OPTIONS * HTTP/1.1\r\n", "PUT http://a/ HTTP/1.1\r\n", "Host: a\r\n", "Host: a\r\n\r\n", "\r\n", "\n", "\r",
		"Content-Length: 5\r\n", "Content-Length: 0\r\n", "content-length:5\r\n", "Transfer-Encoding: chunked\r\n", "transfer-encoding:CHUNKED\r\n", "Transfer-Encoding: identity\r\n",
		"Connection: close\r\n", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n", "Trailer: X\r\n", "X: y\r\n", "X : y\r\n", " z\r\n", "hello", "5\r\nhello\r\n", "5;a=b\r\nhello\r\n", "0\r\n\r\n", "0\r\n", "00;x\r\n", "a\r\n",
		"5 \r\nhello\r\n", "5\nhello\r\n", "\x00", ";", getHead, inChunks, postHead + "Content-Length: 5\r\n\r\nhello",
	}
	rapid.Check(t, func(t *rapid.T) {
		sent := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 14).Draw(t, "parts"), ""))
		s := proxy.ServePieces(bytes.Clone(sent))
		sameAsNetHTTP(t, &s, sent)
		sameInPieces(t, &s, sent, rapid.IntRange(1, len(sent)).Draw(t, "cut"))
	})
}
