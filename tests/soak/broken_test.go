package soak_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
)

// The ways in which an origin fails. At is where in the answer, from 0, before its first byte, to 1, before its last.
const (
	well    = iota
	killed  // the connection is closed in order
	reset   // and by RST
	hung    // nothing comes any more
	garbage // bytes that are no HTTP come instead
	dripped // the rest comes byte by byte; the answer is whole
	broken  // the number of those
)

const noise = "\x00\x16\x03\x01 \r\n\r\n zz \xff\xfe"

func faultNames() []string { return []string{"well", "killed", "reset", "hung", "garbage", "dripping"} }

// origin is a server of pages on bare sockets, so that it can break off anywhere.
type origin struct {
	listener net.Listener
	rate     atomic.Int64 // of a thousand answers so many fail
	only     atomic.Int64 // this fault alone, in the head; 0: every fault, everywhere
	done     [broken]atomic.Int64

	mu     sync.Mutex // guards rng, conns
	rng    *rand.Rand
	conns  map[net.Conn]bool
	failed map[string]time.Time // when the last answer to a path broke; guarded by mu
}

func startOrigin(t *testing.T, seed uint64) *origin {
	t.Helper()
	l, err := net.Listen("tcp", ports.Address(t)) // nobody else's once the origin is killed
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{listener: l, rng: rand.New(rand.NewPCG(seed, 1)), conns: map[net.Conn]bool{}, failed: map[string]time.Time{}}
	go o.accept(l)
	t.Cleanup(o.kill)
	return o
}

// kill ends the origin as the end of its process would: nobody listens, and every connection is gone.
func (o *origin) kill() {
	_ = o.listener.Close()
	o.closeAll()
}

func (o *origin) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		o.conns[c] = true
		o.mu.Unlock()
		go o.serve(c)
	}
}

func (o *origin) serve(c net.Conn) {
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.conns, c)
		_ = c.Close()
	}()
	for r := bufio.NewReader(c); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil || !o.answer(c, req) {
			return
		}
	}
}

// draw chooses a fault, where in an answer of n bytes it happens, and how the body is framed.
func (o *origin) draw(n int) (fault, at int, chunked bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	chunked = o.rng.IntN(2) == 0
	if o.rng.Int64N(1000) >= o.rate.Load() {
		return well, n, chunked
	}
	fault = 1 + o.rng.IntN(broken-1)
	if only := int(o.only.Load()); only != 0 {
		return only, o.rng.IntN(min(n, 60)), chunked
	}
	// A third each: in the head, in the body, and at its very ends.
	switch o.rng.IntN(3) {
	case 0:
		at = o.rng.IntN(min(n, 200))
	case 1:
		at = o.rng.IntN(n)
	default:
		at = []int{0, 1, n - 1, n - 2, n - 5}[o.rng.IntN(5)]
	}
	return fault, max(at, 0), chunked
}

// answer writes a page, or as much of it as there is; false ends the connection.
func (o *origin) answer(c net.Conn, req *http.Request) bool {
	o.mu.Lock()
	text := page(req.URL.Path, o.rng.IntN(40_000), o.rng.Int())
	o.mu.Unlock()
	whole := len(message(text, false))
	fault, at, chunked := o.draw(whole)
	answer := message(text, chunked)
	at = min(at, len(answer)-1)
	if fault == garbage && !chunked {
		// Bytes that fill up a body of a told length are that body: nobody can know better.
		at = max(0, min(at, len(answer)-2*len(noise)))
	}
	o.done[fault].Add(1)
	if fault == well {
		_, err := io.WriteString(c, answer)
		return err == nil
	}
	if _, err := io.WriteString(c, answer[:at]); err != nil {
		return false
	}
	o.mu.Lock()
	o.failed[req.URL.Path] = time.Now()
	o.mu.Unlock()
	return o.fail(c, fault, answer[at:])
}

func (o *origin) fail(c net.Conn, fault int, rest string) bool {
	switch fault {
	case reset:
		_ = c.(*net.TCPConn).SetLinger(0)
	case hung:
		_, _ = c.Read(make([]byte, 1)) // until the other side gives up
	case garbage:
		_, _ = io.WriteString(c, noise)
	case dripped:
		return drip(c, rest)
	}
	return false
}

// drip sends the last bytes one by one.
func drip(c net.Conn, rest string) bool {
	slow := max(0, len(rest)-20)
	if _, err := io.WriteString(c, rest[:slow]); err != nil {
		return false
	}
	for i := slow; i < len(rest); i++ {
		if _, err := io.WriteString(c, rest[i:i+1]); err != nil {
			return false
		}
		time.Sleep(time.Millisecond) // dripping is what the test is about
	}
	return true
}

// page is a text that proves itself whole: its path, filler, and a digest of all before as its last line.
func page(path string, filler, nonce int) string {
	text := fmt.Sprintf("%s %d %s", path, nonce, strings.Repeat("x", filler))
	sum := sha256.Sum256([]byte(text))
	return text + "\n" + hex.EncodeToString(sum[:])
}

// isWhole checks a page.
func isWhole(path, text string) bool {
	before, sum, ok := strings.Cut(text, "\n")
	want := sha256.Sum256([]byte(before))
	return ok && strings.HasPrefix(before, path+" ") && sum == hex.EncodeToString(want[:])
}

func message(text string, chunked bool) string {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=1, stale-if-error=3600\r\n"
	if !chunked {
		return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(text), text)
	}
	half := len(text) / 2
	return fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x;ext=\"1\"\r\n%s\r\n0\r\n\r\n", head, half, text[:half], len(text)-half, text[half:])
}

// TestPagesProveThemselves: the check that the soak stands on finds what is missing.
func TestPagesProveThemselves(t *testing.T) {
	f := func(path, text string, want bool) {
		t.Helper()
		if isWhole(path, text) != want {
			t.Errorf("isWhole(%q, %.60q) = %v", path, text, !want)
		}
	}
	text := page("/a", 20, 7)
	f("/a", text, true)
	f("/b", text, false)
	for n := range len(text) {
		f("/a", text[:n], false)
	}
	f("/a", text+"x", false)
	f("/a", strings.Replace(text, "xx", "x", 1), false)
}
