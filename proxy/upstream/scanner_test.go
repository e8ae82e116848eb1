package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const testLimit = 1 << 12

// scan feeds pieces and gives how many bytes belong to the answer, whether it
// ended, and the first error.
func scan(head bool, pieces ...[]byte) (n int, ended bool, listed []string, err error) {
	var s scanner
	s.expect(head, testLimit, &listed)
	for _, p := range pieces {
		k, err := s.feed(p)
		n += k
		if err != nil || k < len(p) {
			return n, s.stage == outside, listed, err
		}
	}
	return n, s.stage == outside, listed, nil
}

func TestScannerEnd(t *testing.T) {
	const rest = "HTTP/1.1 200 OK\r\n\r\nrest"
	f := func(method, answer string) {
		t.Helper()
		n, ended, _, err := scan(method == "HEAD", []byte(answer+rest))
		if n != len(answer) || !ended || err != nil {
			t.Errorf("%q: ends after %d of %d bytes (%v), %v", answer, n, len(answer), ended, err)
		}
	}
	f("GET", "HTTP/1.1 204 No Content\r\n\r\n")
	f("GET", "HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n")
	f("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
	f("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	f("GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
	f("GET", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok")
	f("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok")
	f("GET", "HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	f("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\nA \r\n0123456789\r\n0\r\nX: y\r\n\r\n")
}

func TestScannerEndless(t *testing.T) {
	f := func(answer string) {
		t.Helper()
		if n, ended, _, err := scan(false, []byte(answer)); n != len(answer) || ended || err != nil {
			t.Errorf("%q: %d bytes, ended %v, %v", answer, n, ended, err)
		}
	}
	f("")
	f("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
	f("HTTP/1.1 101 Switching\r\nContent-Length: 0\r\n\r\nanything")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n0\r\n\r\nmore")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n0\r\n\r\nmore")
	f("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
}

func TestScannerFaults(t *testing.T) {
	f := func(answer string) {
		t.Helper()
		n, _, _, err := scan(false, []byte(answer+"\r\n\r\n"))
		if !errors.Is(err, errMalformed) {
			t.Errorf("%q: %v", answer, err)
		}
		if n > len(answer)+1 {
			t.Errorf("%q: the end of the line at fault passed, %d of %d bytes", answer, n, len(answer))
		}
	}
	for _, line := range []string{"", "x", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 200x", "HTTP/1.x 200 OK", "HTTP/2.0 200 OK", "http/1.1 200 OK",
		"HTTP/1.1  200 OK", "HTTP/1.1 099 OK", "HTTP/1.1 600 OK", "HTTP/1.1 -20 OK", "HTTP/1.10 200 OK", " HTTP/1.1 200 OK", "HTTP/1.1 200 O\x00", "HTTP/1.1 200 OK\r\x16", "HTTP/1.1 200 \x7f"} {
		f(line)
	}
	for _, line := range []string{"x", ": x", "a b: c", "a : c", " a: c", "\ta: c", "a: b\rc", "a: \x00", "caf\xc3\xa9: x", "Content-Length: ", "Content-Length: -1", "Content-Length: +1",
		"Content-Length: 1, 1", "Content-Length: 0x1", "Content-Length: 9223372036854775808"} {
		f("HTTP/1.1 200 OK\r\n" + line)
	}
	f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2")
	f("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1")
	f("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked")
}

func TestScannerLimitsLines(t *testing.T) {
	long := []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", testLimit+1))
	if _, _, _, err := scan(false, long); !errors.Is(err, errMalformed) {
		t.Errorf("a line without end: %v", err)
	}
}

func TestScannerConnection(t *testing.T) {
	_, _, got, err := scan(false, []byte("HTTP/1.1 103 Hints\r\nConnection: x-hint\r\n\r\nHTTP/1.1 200 OK\r\nConnection:  close, x-hop \r\nCONNECTION: x-hop2\r\n\r\n"))
	if diff := cmp.Diff([]string{"close, x-hop", "x-hop2"}, got); diff != "" || err != nil {
		t.Errorf("lines (-want +got):\n%s%v", diff, err)
	}
}

// TestScannerPieces: how the bytes are cut makes no difference.
func TestScannerPieces(t *testing.T) {
	answers := []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello, and more",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x\r\n!\r\n0\r\nT: u\r\n\r\nmore", "HTTP/1.1 204 No\r\n\r\nmore", "HTTP/1.1 200 OK\r\nbad line\r\n\r\n"}
	rapid.Check(t, func(t *rapid.T) {
		whole := []byte(rapid.SampledFrom(answers).Draw(t, "answer"))
		var pieces [][]byte
		for rest := whole; len(rest) > 0; {
			k := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			pieces = append(pieces, rest[:k])
			rest = rest[k:]
		}
		n, ended, _, err := scan(false, whole)
		gotN, gotEnded, _, gotErr := scan(false, pieces...)
		if gotN != n || gotEnded != ended || (gotErr == nil) != (err == nil) {
			t.Fatalf("%d bytes, ended %v, %v; whole: %d, %v, %v", gotN, gotEnded, gotErr, n, ended, err)
		}
	})
}

// FuzzScanner: where net/http takes an answer for whole, the scanner has refused
// it or sees its end at the same byte. This is what keeps a connection's next
// answer from beginning elsewhere for one of them.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\nmore",
		"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\nmore", "HTTP/1.0 200 OK\nContent-Length:1\n\nx", "HTTP/1.1 304 N\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n \r\n\r\n"} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		want, framed := consumed(answer, head)
		n, ended, _, err := scan(head, answer)
		if n > len(answer) {
			t.Fatalf("%d of %d bytes", n, len(answer))
		}
		if framed && err == nil && (n != want || !ended) {
			t.Errorf("%q: ends after %d bytes (%v); net/http says %d", answer, n, ended, want)
		}
	})
}

// consumed is how many bytes net/http takes for one final answer; framed says
// that it found one whose end does not depend on the connection's.
func consumed(answer []byte, head bool) (n int, framed bool) {
	method := "GET"
	if head {
		method = "HEAD"
	}
	from := bytes.NewReader(answer)
	br := bufio.NewReaderSize(from, 1<<16)
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil || resp.StatusCode == 101 || resp.StatusCode < 100 || resp.StatusCode > 599 {
			return 0, false
		}
		if resp.StatusCode < 200 {
			continue
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return 0, false
		}
		bodiless := head || resp.StatusCode == 204 || resp.StatusCode == 304
		return len(answer) - from.Len() - br.Buffered(), bodiless || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0
	}
}
