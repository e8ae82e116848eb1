package lost_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

// errReplaced is an edit of a session that went to another one.
var errReplaced = errors.New("the session was replaced")

const (
	writers = 16
	// atLeast is how many edits are acknowledged before the kill, and atMost the most that it waits for.
	atLeast, atMost = 200, 600
)

// history is what was written in all rounds so far.
type history struct {
	place  *place
	all    []*session
	shared *session
	edits  int64
}

// round has writers write until kill has ended the sidecar. Then it looks for all that they, and those of the rounds before,
// were told was stored.
func (h *history) round(t *testing.T, number int, kill func(*sidecar, *crowd)) {
	t.Helper()
	s := h.place.start()
	c := &crowd{client: newClient(t), url: s.url, shared: h.shared}
	if h.shared.token == "" {
		if err := h.shared.edit(c.client, c.url, "first", 1); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	for w := range writers {
		group.Go(func() {
			made, err := c.write(w, number)
			mu.Lock()
			defer mu.Unlock()
			h.all = append(h.all, made...)
			if errors.Is(err, errReplaced) {
				t.Error(err)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	c.ended = ended
	c.await(t, atLeast+rand.Int64N(atMost-atLeast))
	kill(s, c)
	<-ended
	h.edits += c.count.Load()
	h.audit(t)
}

func (h *history) audit(t *testing.T) {
	t.Helper()
	s, c := h.place.start(), newClient(t)
	for _, one := range h.all {
		one.audit(t, c, s.url)
	}
	h.shared.audit(t, c, s.url)
	if t.Failed() {
		t.FailNow()
	}
	s.kill(t)
}

// TestKillSidecar: the sidecar on bbolt.
func TestKillSidecar(t *testing.T) {
	t.Parallel()
	h := &history{place: newPlace(t, nil), shared: &session{}}
	for n := range rounds() {
		h.round(t, n, func(s *sidecar, _ *crowd) { s.kill(t) })
	}
	h.report(t)
}

// TestKillRedis: in turn the sidecar is killed, its Redis while it goes on, and both at once. Redis keeps its word by
// appendfsync always.
func TestKillRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := &history{place: newPlace(t, server), shared: &session{}}
	for n := range rounds() {
		h.round(t, n, func(s *sidecar, c *crowd) {
			if n%3 == 0 {
				s.kill(t)
				return
			}
			server.Kill()
			if n%3 == 1 {
				// The sidecar asks again until Redis is back, so its shoppers notice nothing but a pause.
				server.Restart()
				c.await(t, c.count.Load()+atLeast)
				s.kill(t)
				return
			}
			s.kill(t)
			server.Restart()
		})
	}
	h.report(t)
}

func (h *history) report(t *testing.T) {
	keys := 0
	for _, s := range append(h.all, h.shared) {
		keys += len(s.keys)
	}
	t.Logf("%d rounds, %d acknowledged edits, %d sessions, %d keys looked for after each round: none lost", rounds(), h.edits, len(h.all)+1, keys)
}
