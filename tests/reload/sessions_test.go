package reload_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// editor is a shopper who edits one session on a connection that stays open as long as the edge lets it, and remembers
// what was acknowledged.
type editor struct {
	name   int
	cookie string
	edits  int // acknowledged
	slow   time.Duration
}

// editedKeys are written in turn: a session holds no more than 200.
const editedKeys = 150

// edit writes one key and takes the session's token from the answer.
func (d *editor) edit(c net.Conn, in *bufio.Reader) (open bool, err error) {
	body := fmt.Sprintf(`{"public":{"k%d":{"value":%d}}}`, d.edits%editedKeys, d.edits)
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "POST /api/sessions HTTP/1.1\r\nHost: shop.example\r\n%sContent-Length: %d\r\n\r\n%s", d.cookie, len(body), body); err != nil {
		return false, err
	}
	began := time.Now()
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	d.slow = max(d.slow, time.Since(began))
	if err != nil || res.StatusCode != http.StatusCreated {
		return false, fmt.Errorf("%d %.200q %v", res.StatusCode, text, err)
	}
	d.edits++
	for _, ck := range res.Cookies() {
		if ck.Name == "vtex_session" {
			d.cookie = "Cookie: vtex_session=" + ck.Value + "\r\n"
		}
	}
	return !res.Close, nil
}

// run edits until ctx ends.
func (d *editor) run(ctx context.Context, address string, fail func(string, ...any)) {
	for ctx.Err() == nil {
		c, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			fail("no connection: %v", err)
			return
		}
		in := bufio.NewReader(c)
		for open := true; open && ctx.Err() == nil; {
			if open, err = d.edit(c, in); err != nil {
				fail("editor %d, edit %d: %v", d.name, d.edits, err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		c.Close()
	}
}

// check reads the session: every acknowledged edit is there.
func (d *editor) check(t *testing.T, url string) {
	t.Helper()
	q, err := http.NewRequest("GET", url+"/api/sessions?items=public.*", nil)
	must(t, err)
	name, value, _ := strings.Cut(strings.TrimSpace(d.cookie), ": ")
	q.Header.Set(name, value)
	res, err := http.DefaultClient.Do(q)
	must(t, err)
	defer res.Body.Close()
	var s struct {
		Namespaces map[string]map[string]struct{ Value int }
	}
	must(t, json.NewDecoder(res.Body).Decode(&s))
	for i := max(0, d.edits-editedKeys); i < d.edits; i++ {
		// The edit that the end of the test has broken off may be there too, over the oldest.
		if got, ok := s.Namespaces["public"][fmt.Sprint("k", i%editedKeys)]; !ok || got.Value != i && got.Value != d.edits {
			t.Errorf("editor %d: edit %d of %d is lost: %v", d.name, i, d.edits, got)
		}
	}
}

// A sidecar inside of the edge, on a file that one process has: through hand-overs no session request fails, none waits
// for more than a second and what the machine adds, and every acknowledged edit is there afterwards.
func TestHandOverOfSessions(t *testing.T) {
	url, _ := origin(t, nil)
	e := start(t, configOf(url, "sessions: {mode: embedded, store: {bolt: ./data/sessions.db}}"), nil)
	pid := e.ready()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var failures atomic.Int64
	fail := func(format string, args ...any) {
		if failures.Add(1) <= 10 {
			t.Errorf(format, args...)
		}
	}
	editors := make([]*editor, 8)
	var busy sync.WaitGroup
	for i := range editors {
		editors[i] = &editor{name: i}
		busy.Go(func() { editors[i].run(ctx, strings.TrimPrefix(e.url, "http://"), fail) })
	}
	for i := range 3 {
		time.Sleep(time.Second)
		pid = e.replace(pid)
		e.await("sessions taken over", i+1)
	}
	time.Sleep(time.Second)
	cancel()
	busy.Wait()
	total := 0
	for _, d := range editors {
		total += d.edits
		d.check(t, e.url)
	}
	t.Logf("%d edits, the slowest of each took %v", total, []time.Duration{editors[0].slow, editors[1].slow})
	if total < 100 {
		t.Errorf("too little was going on: %d edits", total)
	}
	e.await("stopped", 3)
}
