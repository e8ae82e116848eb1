package sessions

import (
	"context"
	"sync"
)

// turns lets the edits of one session in this process go one after the other, so that of 64 writers none
// starves on conflicts; the store's versions alone guard against other processes. A lock per session and not
// one of a fixed set: an edit may wait for a slow transform, and must not hold up strangers.
type turns struct {
	mu    sync.Mutex
	taken map[string]*turn // guarded by mu; of sessions that are being edited now
}

type turn struct {
	free    chan struct{} // holds a value while nobody has the turn
	holders int           // guarded by turns.mu; who has it and who waits for it
}

// enter waits for the turn of a session until ctx ends. leave must be called once.
func (t *turns) enter(ctx context.Context, id string) (leave func(), err error) {
	own := t.join(id)
	select {
	case <-own.free:
		return func() {
			own.free <- struct{}{}
			t.part(id, own)
		}, nil
	case <-ctx.Done():
		t.part(id, own)
		return nil, ctx.Err()
	}
}

func (t *turns) join(id string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own, ok := t.taken[id]
	if !ok {
		own = &turn{free: make(chan struct{}, 1)}
		own.free <- struct{}{}
		if t.taken == nil {
			t.taken = map[string]*turn{}
		}
		t.taken[id] = own
	}
	own.holders++
	return own
}

func (t *turns) part(id string, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.holders--; own.holders == 0 {
		delete(t.taken, id)
	}
}
