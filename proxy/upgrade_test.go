package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// echoing switches protocols and then echoes in capitals, until its client has no more to say; then it says goodbye.
func echoing(w http.ResponseWriter, q *http.Request) {
	if q.Header.Get("Upgrade") == "" {
		w.WriteHeader(426)
		return
	}
	c, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprintf(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Accept: x\r\nSet-Cookie: a=b\r\n\r\n", q.Header.Get("Upgrade"))
	_ = both.Flush()
	buf := make([]byte, 1000)
	for {
		n, err := both.Read(buf)
		if err != nil {
			break
		}
		fmt.Fprint(both, strings.ToUpper(string(buf[:n])))
		_ = both.Flush()
	}
	_, _ = io.WriteString(c, "goodbye")
}

const webSocket = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"

func wantRead(t *testing.T, from io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(from, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
}

// A WebSocket is passed on whatever the scope; both directions are open at once and end apart.
func TestUpgrade(t *testing.T) {
	for _, target := range []string{"/api/socket", "/p", "/assets/x.css"} {
		t.Run(target, func(t *testing.T) {
			r := newRig(t, echoing, streaming)
			c := r.dial()
			c.write("GET " + target + " HTTP/1.1\r\n" + hostLine + webSocket)
			in := bufio.NewReader(c)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Connection") != "Upgrade" ||
				resp.Header.Get("Sec-WebSocket-Accept") != "x" || resp.Header.Get("Set-Cookie") != "a=b" || !strings.Contains(resp.Header.Get("Cache-Status"), "fwd=bypass") {
				t.Errorf("%d %v", resp.StatusCode, resp.Header)
			}
			for _, said := range []string{"hello", "\x00\xff\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"} {
				c.write(said)
				wantRead(t, in, strings.ToUpper(said))
			}
			if n := r.count("aisle_upgraded_connections"); n != 1 {
				t.Errorf("%v upgraded connections", n)
			}
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			wantRead(t, in, "goodbye")
			if n, err := in.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d bytes, %v after the end", n, err)
			}
			waitFor(t, func() bool { return r.count("aisle_upgraded_connections") == 0 })
		})
	}
}

// The origin's end ends the client's connection too.
func TestUpgradeEndedByTheOrigin(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbye")
		c.Close()
	}, streaming)
	c := r.dial()
	c.write("GET /api/socket HTTP/1.1\r\n" + hostLine + webSocket)
	in := bufio.NewReader(c)
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	wantRead(t, in, "bye")
	if n, err := in.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d bytes, %v after the end", n, err)
	}
}

// What is no wish to switch, or one that would carry requests past the guard, is an ordinary request.
func TestNoUpgrade(t *testing.T) {
	f := func(name, request string) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, echoing)
			c := r.dial()
			c.write(request)
			if a := c.answer("GET"); a.Status != 426 {
				t.Errorf("%d %v", a.Status, a.Header)
			}
			for _, q := range r.requests() {
				if q.Header.Get("Upgrade") != "" || q.Header.Get("Http2-Settings") != "" {
					t.Errorf("reached the origin: %s", q)
				}
			}
		})
	}
	f("without Connection", "GET /api/x HTTP/1.1\r\n"+hostLine+"Upgrade: websocket\r\n\r\n")
	f("h2c", "GET /api/x HTTP/1.1\r\n"+hostLine+"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
	f("H2C", "GET /api/x HTTP/1.1\r\n"+hostLine+"Connection: upgrade\r\nUpgrade: H2C\r\n\r\n")
	f("another HTTP", "GET /api/x HTTP/1.1\r\n"+hostLine+"Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n\r\n")
	f("TLS", "GET /api/x HTTP/1.1\r\n"+hostLine+"Connection: upgrade\r\nUpgrade: TLS/1.3\r\n\r\n")
	f("a list", "GET /api/x HTTP/1.1\r\n"+hostLine+"Connection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n")
	f("two lines", "GET /api/x HTTP/1.1\r\n"+hostLine+"Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n")
	f("POST", "POST /api/x HTTP/1.1\r\n"+hostLine+"Content-Length: 2\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nab")
	f("HTTP/1.0", "GET /api/x HTTP/1.0\r\n"+hostLine+"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
}

// Bytes behind the wish are of no protocol that anybody has agreed on: they might be a request.
func TestUpgradeWithEarlyBytes(t *testing.T) {
	r := newRig(t, echoing, streaming)
	c := r.dial()
	c.write("GET /api/x HTTP/1.1\r\n" + hostLine + webSocket + "GET /secret HTTP/1.1\r\n")
	if a := c.answer("GET"); a.Status != 400 || !a.Closed {
		t.Errorf("%d, closed %v", a.Status, a.Closed)
	}
	if n := len(r.requests()); n != 0 {
		t.Errorf("%d requests reached the origin", n)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}
