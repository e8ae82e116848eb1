package sessions

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		inside, most, done := 0, 0, 0
		var writers sync.WaitGroup
		for range 64 {
			writers.Go(func() {
				leave, err := all.enter(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				inside++ // one at a time: -race would tell
				most = max(most, inside)
				time.Sleep(time.Second)
				inside--
				done++
				leave()
			})
		}
		writers.Wait()
		if most != 1 || done != 64 {
			t.Errorf("%d at once, %d done", most, done)
		}
		if len(all.taken) != 0 {
			t.Errorf("%d turns are left behind", len(all.taken))
		}
	})
}

// TestTurnsApart: who edits one session does not wait for another's slow edit.
func TestTurnsApart(t *testing.T) {
	var all turns
	leaveA, err := all.enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	leaveB, err := all.enter(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	leaveA()
	leaveB()
}

func TestTurnsGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		leave, err := all.enter(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := all.enter(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		leave()
		if len(all.taken) != 0 {
			t.Error("who gave up is still there")
		}
		leave, err = all.enter(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		leave()
	})
}
