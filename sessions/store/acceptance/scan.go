package acceptance

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
)

// shows checks that Scan gives exactly these sessions, in any order, each at least once. Ends may differ by
// a second, as they are made from the clock.
func shows(t *testing.T, s sessions.Store, want ...sessions.Stored) {
	t.Helper()
	got := map[string]sessions.Stored{}
	check(t, s.Scan(t.Context(), func(stored sessions.Stored) error {
		got[stored.ID] = stored
		return nil
	}), nil)
	wanted := map[string]sessions.Stored{}
	for _, w := range want {
		wanted[w.ID] = w
	}
	if diff := cmp.Diff(wanted, got, nearly()); diff != "" {
		t.Fatalf("Scan (-want +got):\n%s", diff)
	}
}

func scan(t *testing.T, s sessions.Store) {
	shows(t, s)
	save(t, s, "a", 1, "one")
	save(t, s, "a", 2, "two")
	save(t, s, "b", 1, "")
	save(t, s, "c", 1, "deleted")
	check(t, s.Delete(t.Context(), "c"), nil)
	shows(t, s,
		sessions.Stored{ID: "a", Version: 2, Data: []byte("two"), Expires: Later()},
		sessions.Stored{ID: "b", Version: 1, Data: []byte{}, Expires: Later()},
	)
}

func scanStops(t *testing.T, s sessions.Store) {
	for i := range 10 {
		save(t, s, fmt.Sprint(i), 1, "data")
	}
	stop := errors.New("enough")
	calls := 0
	check(t, s.Scan(t.Context(), func(sessions.Stored) error {
		calls++
		return stop
	}), stop)
	if calls != 1 {
		t.Errorf("fn was called %d times after its error", calls-1)
	}
}

// scanWhileWriting: what exists throughout is seen, whatever comes and goes around it.
func scanWhileWriting(t *testing.T, s sessions.Store) {
	const fixed = 600
	inParallel(t, fixed, 16, func(i int) error {
		return s.Save(t.Context(), fmt.Sprintf("fixed-%d", i), 1, []byte("data"), Later())
	})
	stop := make(chan struct{})
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() { comeAndGo(t, s, w, stop) })
	}
	for range 3 {
		seen := map[string]bool{}
		err := s.Scan(t.Context(), func(stored sessions.Stored) error {
			seen[stored.ID] = true
			return nil
		})
		if err != nil {
			t.Errorf("Scan: %v", err)
		}
		for i := range fixed {
			if id := fmt.Sprintf("fixed-%d", i); !seen[id] {
				t.Errorf("Scan has missed %s", id)
			}
		}
	}
	close(stop)
	group.Wait()
}

// comeAndGo edits some sessions that stay, and makes and deletes others.
func comeAndGo(t *testing.T, s sessions.Store, writer int, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		id := fmt.Sprintf("passing-%d-%d", writer, i)
		if err := s.Save(t.Context(), id, 1, []byte("data"), Later()); err != nil {
			t.Errorf("Save: %v", err)
		}
		if err := s.Delete(t.Context(), id); err != nil {
			t.Errorf("Delete: %v", err)
		}
		stays := fmt.Sprintf("fixed-%d", writer)
		if err := s.Save(t.Context(), stays, uint64(i+2), fmt.Append(nil, i), Later()); err != nil {
			t.Errorf("Save: %v", err)
		}
	}
}

// scanCallsBack: fn may use the store.
func scanCallsBack(t *testing.T, s sessions.Store) {
	const sessionsMade = 50
	for i := range sessionsMade {
		save(t, s, fmt.Sprint(i), 1, "data")
	}
	check(t, s.Scan(t.Context(), func(stored sessions.Stored) error {
		if stored.Version == 2 {
			return nil // seen twice
		}
		return s.Save(t.Context(), stored.ID, 2, []byte("edited"), Later())
	}), nil)
	for i := range sessionsMade {
		holds(t, s, fmt.Sprint(i), "edited")
	}
}

// many is more than a page of any scan or a batch of any commit.
func many(t *testing.T, s sessions.Store) {
	const n = 3000
	inParallel(t, n, 64, func(i int) error {
		return s.Save(t.Context(), fmt.Sprint(i), 1, fmt.Appendf(nil, "session %d %0200d", i, i), Later())
	})
	length(t, s, n)
	inParallel(t, n, 64, func(i int) error {
		got, err := s.Load(t.Context(), fmt.Sprint(i))
		if want := fmt.Sprintf("session %d %0200d", i, i); err == nil && string(got) != want {
			err = fmt.Errorf("%d holds %.20q", i, got)
		}
		return err
	})
	seen := map[string]bool{}
	check(t, s.Scan(t.Context(), func(stored sessions.Stored) error {
		seen[stored.ID] = true
		return nil
	}), nil)
	if len(seen) != n {
		t.Errorf("Scan showed %d sessions, want %d", len(seen), n)
	}
}
