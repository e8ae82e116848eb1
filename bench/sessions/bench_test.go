package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		cookie, _ := r.Cookie("vtex_session")
		token := ""
		if cookie != nil {
			token = cookie.Value
		}
		text := fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL, token, r.Header.Get("Content-Type"), body)
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	c, err := dial(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := func(method, target, token, body string, status int, want string) {
		t.Helper()
		var sent []byte
		if body != "" {
			sent = []byte(body)
		}
		got, err := c.do(method, target, token, sent, status)
		if err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	f("GET", "/a?b=c", "", "", 200, "GET /a?b=c   ")
	f("POST", "/a", "tok", `{"x":1}`, 200, `POST /a tok application/json {"x":1}`)
	f("GET", "/gone", "tok", "", 410, "GET /gone tok  ")
	f("POST", "/a", "", strings.Repeat("x", 50_000), 200, "POST /a  application/json "+strings.Repeat("x", 50_000))
	if _, err := c.do("GET", "/gone", "", nil, 200); err == nil || !strings.Contains(err.Error(), "410") {
		t.Errorf("a wrong status: %v", err)
	}
	f("GET", "/a", "", "", 200, "GET /a   ")
}

func TestParseStat(t *testing.T) {
	got, err := parseStat("12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15")
	if err != nil || got != 2*time.Second {
		t.Errorf("%v, %v, want 2s", got, err)
	}
	if _, err := parseStat("12 (x) S 1"); err == nil {
		t.Error("a line that is cut off was read")
	}
	own, err := processorTime(0)
	other, err2 := processorTime(os.Getpid())
	if err != nil || err2 != nil || other < own {
		t.Errorf("%v, %v, %v, %v", own, err, other, err2)
	}
}

func TestQuantile(t *testing.T) {
	var m measured
	if m.quantile(0.99) != 0 {
		t.Error("nothing has no quantile")
	}
	for i := range 100 {
		m.waits = append(m.waits, time.Duration(i))
	}
	for share, want := range map[float64]time.Duration{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := m.quantile(share); got != want {
			t.Errorf("%v: %v, want %v", share, got, want)
		}
	}
}

// A request that is late because of the one before counts from its turn; turns of the clients are evenly apart.
func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := load{clients: 2, rate: 10} // a turn each 100 ms, of each client each 200 ms
		begin := time.Now()
		f := func(client, n int, want, now time.Duration) {
			t.Helper()
			if got := l.due(client, n, begin).Sub(begin); got != want {
				t.Errorf("client %d, request %d counts from %v, want %v", client, n, got, want)
			}
			if got := time.Since(begin); got != now {
				t.Errorf("client %d, request %d is sent at %v, want %v", client, n, got, now)
			}
		}
		f(0, 0, 0, 0)
		f(1, 0, 100*time.Millisecond, 100*time.Millisecond)
		time.Sleep(500 * time.Millisecond)
		f(0, 1, 200*time.Millisecond, 600*time.Millisecond)
		f(0, 5, time.Second, time.Second)
	})
}

func TestLoad(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") }))
	defer server.Close()
	l := load{sidecar: &sidecar{address: server.Listener.Addr().String(), pid: os.Getpid()}, clients: 4}
	var asked atomic.Int64
	l.do = func(c *conn, _, _ int) error {
		asked.Add(1)
		_, err := c.do("GET", "/", "", nil, 200)
		return err
	}
	m, err := l.run(time.Minute, 25)
	if err != nil || m.requests != 100 || asked.Load() != 100 || m.rate() <= 0 {
		t.Errorf("%d of %d requests, %.0f/s, %v", m.requests, asked.Load(), m.rate(), err)
	}
	l.do = func(c *conn, _, _ int) error {
		_, err := c.do("GET", "/", "", nil, 204)
		return err
	}
	if _, err := l.run(time.Minute, 25); err == nil {
		t.Error("wrong answers are no figure")
	}
}

func TestMeasureDisk(t *testing.T) {
	dir := t.TempDir()
	m, err := measureDisk(dir, 20*time.Millisecond)
	if err != nil || m.requests == 0 || len(m.waits) != m.requests {
		t.Errorf("%d, %d, %v", m.requests, len(m.waits), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
