package reload_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shoppers ask without pause on connections that they keep, each until an answer announces its end, and try
// nothing twice: a request that gets no answer is one that failed.
type shoppers struct {
	address  string
	answered atomic.Int64

	mu       sync.Mutex
	failures []string
}

func (s *shoppers) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures = append(s.failures, fmt.Sprintf(format, args...)); len(s.failures) > 20 {
		s.failures = s.failures[:20]
	}
}

// shop asks for pages from memory, pages that expire and passes, until ctx ends.
func (s *shoppers) shop(ctx context.Context, name int) {
	for n := 0; ctx.Err() == nil; {
		c, err := net.DialTimeout("tcp", s.address, patience)
		if err != nil {
			s.fail("no connection: %v", err)
			return
		}
		in := bufio.NewReader(c)
		for open := true; open && ctx.Err() == nil; n++ {
			path := [...]string{"/p", "/asset.css", fmt.Sprint("/account/", name), fmt.Sprint("/c/", n%50)}[n%4]
			if open, err = s.ask(c, in, path); err != nil {
				s.fail("%s: %v", path, err)
				open = false
			}
		}
		c.Close()
	}
}

func (s *shoppers) ask(c net.Conn, in *bufio.Reader, path string) (open bool, err error) {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: shop.example\r\n\r\n"); err != nil {
		return false, err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || string(body) != path {
		return false, fmt.Errorf("%d %.100q %v", res.StatusCode, body, err)
	}
	s.answered.Add(1)
	return !res.Close, nil
}

// reloads changes the configuration to and fro, 20 times a second, until ctx ends, and counts.
func reloads(ctx context.Context, t *testing.T, e *edge, origin string) (done int) {
	shapes := []string{
		configOf(origin, "routes: [{match: {path: /c/**}, scope: segment, segment: [channel]}]"),
		configOf(origin, "routes: [{match: {path: /c/**}, scope: public, ttl: 1s}]"),
		strings.Replace(configOf(origin, ""), "servers: ", "max_connections: 128, servers: ", 1),
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		e.configure(shapes[n%len(shapes)])
		status, body, err := get("POST", e.admin+"/-/reload")
		switch {
		case err == nil && status == 200 && strings.Contains(body, `"reloaded"`):
			done++
		case err == nil && status != 503 && !strings.Contains(body, `"unchanged"`): // a successor has read it at its start
			t.Errorf("reload: %d %s", status, body)
		}
		<-tick.C
	}
	return done
}

// Zero requests fail while the configuration is reloaded 20 times a second and the process replaced: three times, or
// with AISLE_SOAK=1 every five seconds for a minute.
func TestNoRequestIsLost(t *testing.T) {
	url, _ := origin(t, nil)
	e := start(t, configOf(url, ""), nil)
	pid := e.ready()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &shoppers{address: strings.TrimPrefix(e.url, "http://")}
	var busy sync.WaitGroup
	for i := range 16 {
		busy.Go(func() { s.shop(ctx, i) })
	}
	var reloaded int
	busy.Go(func() { reloaded = reloads(ctx, t, e, url) })
	times, each := 3, time.Second // of load on each process
	if os.Getenv("AISLE_SOAK") != "" {
		times, each = 12, 5*time.Second
	}
	for range times {
		time.Sleep(each)
		pid = e.replace(pid)
	}
	time.Sleep(time.Second)
	cancel()
	busy.Wait()
	for _, f := range s.failures {
		t.Error(f)
	}
	t.Logf("%d answers, %d reloads, %d new processes", s.answered.Load(), reloaded, times)
	if reloaded < 20 || s.answered.Load() < 500 {
		t.Errorf("too little was going on: %d answers, %d reloads", s.answered.Load(), reloaded)
	}
	e.await("stopped", times)
	for _, l := range e.lines("requests were cut off") {
		t.Errorf("a process was not through with its requests: %s", l.Error)
	}
}
