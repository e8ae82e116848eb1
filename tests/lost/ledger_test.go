package lost_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keysOfSession are written in turn: a session holds no more than 200.
const keysOfSession = 50

// entry is what a writer knows of one key: the number that was acknowledged last, and the one that was on its way
// when the sidecar or its store was killed, which may be there or not. 0 is none.
type entry struct{ acknowledged, pending int }

// session is a shopper's, and what was written to it. One that several write to is guarded by mu.
type session struct {
	token, id string
	mu        sync.Mutex
	keys      map[string]entry
	edits     int // acknowledged
}

func (s *session) note(key string, e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]entry{}
	}
	s.keys[key] = e
}

// edit writes the next number under a key that nobody else writes to.
func (s *session) edit(c *http.Client, url, key string, n int) error {
	s.mu.Lock()
	was, token, id := s.keys[key], s.token, s.id
	s.mu.Unlock()
	s.note(key, entry{was.acknowledged, n})
	a, err := write(c, url, token, key, n)
	if err != nil {
		return err
	}
	s.note(key, entry{acknowledged: n})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits++
	if id == "" {
		s.token, s.id = a.token, a.ID
	} else if a.ID != id {
		// Never during a round: the store was asked, and said that there is no such session.
		return fmt.Errorf("%w: %s became %s", errReplaced, id, a.ID)
	}
	return nil
}

// audit reads the session and takes what is there for acknowledged.
func (s *session) audit(t *testing.T, c *http.Client, url string) {
	t.Helper()
	if s.token == "" {
		return // its creation was on its way
	}
	a, err := call(c, url, s.token, "public.*", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.ID != s.id {
		t.Errorf("session %s with %d edits is lost: its token gives %s", s.id, s.edits, a.ID)
		return
	}
	if a.Version < uint64(s.edits) {
		t.Errorf("session %s is at version %d after %d edits", s.id, a.Version, s.edits)
	}
	for key, e := range s.keys {
		got, _ := strconv.Atoi(a.public(key)) // "" is 0
		if got != e.acknowledged && (got != e.pending || e.pending == 0) {
			t.Errorf("session %s: %s is %d, acknowledged was %d, on its way %d", s.id, key, got, e.acknowledged, e.pending)
		}
		s.keys[key] = entry{acknowledged: got}
	}
}

// crowd is writers who write until something fails them.
type crowd struct {
	client *http.Client
	url    string
	shared *session // which all of them write to, each under a key of its own
	count  atomic.Int64
	ended  <-chan struct{} // closed when all of them have failed
}

// own is how many writes a writer makes to one session of its own before it takes another.
const own = 40

// write edits by turns a session of the writer's own and the shared one. It gives the sessions that it has made and what
// ended it.
func (c *crowd) write(writer, round int) (made []*session, err error) {
	for n := 1; ; n++ {
		if n%own == 1 {
			made = append(made, &session{})
		}
		if err := made[len(made)-1].edit(c.client, c.url, fmt.Sprint("k", n%keysOfSession), n); err != nil {
			return made, err
		}
		if err := c.shared.edit(c.client, c.url, fmt.Sprint("w", writer), round*1e6+n); err != nil {
			return made, err
		}
		c.count.Add(2)
	}
}

// await waits until the writers have had n answers.
func (c *crowd) await(t *testing.T, n int64) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(30 * time.Second); c.count.Load() < n; {
		select {
		case <-c.ended:
			t.Fatalf("all writers ended after %d edits", c.count.Load())
		case <-limit:
			t.Fatalf("only %d edits in half a minute", c.count.Load())
		case <-tick.C:
		}
	}
}
