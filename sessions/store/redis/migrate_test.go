package redis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

func newBolt(t *testing.T) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(bolt.Options{Path: t.TempDir() + "/sessions.db", Sync: bolt.SyncInterval})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestMove: from a file to a server and back into another file, edits going on.
func TestMove(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendfsync", "no")
	file, file2 := newBolt(t), newBolt(t)
	remote := open(t, redis.Options{Addresses: []string{server.Addr}})
	want := map[string]string{}
	for i := range 300 {
		id := fmt.Sprint(i)
		want[id] = "made"
		if err := file.Save(t.Context(), id, 1, []byte("made"), acceptance.Later()); err != nil {
			t.Fatal(err)
		}
		if err := file.PutFacets(t.Context(), "ref-"+id, []byte(id), acceptance.Later()); err != nil {
			t.Fatal(err)
		}
	}
	move(t, file, remote, want, 2)
	move(t, remote, file2, want, 3)
	if f, err := file2.GetFacets(t.Context(), "ref-7"); err != nil || string(f) != "7" {
		t.Errorf("facets %q, %v", f, err)
	}
}

// move moves, while every third session is edited to version and every fifth erased.
func move(t *testing.T, from, to store.Movable, want map[string]string, version uint64) {
	t.Helper()
	both := store.NewBoth(from, to)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 300 {
			id, data := fmt.Sprint(i), fmt.Sprint("edited to ", version)
			if _, there := want[id]; there && i%3 == 0 {
				if err := both.Save(t.Context(), id, version, []byte(data), acceptance.Later()); err != nil {
					t.Errorf("%s: %v", id, err)
				}
				want[id] = data
			}
			if _, there := want[id]; there && i%5 == int(version) {
				if err := both.Delete(t.Context(), id); err != nil {
					t.Errorf("%s: %v", id, err)
				}
				delete(want, id)
			}
		}
	})
	moved, err := store.Migrate(t.Context(), from, to, nil)
	group.Wait()
	if err != nil || !moved.Settled {
		t.Fatalf("Migrate: %+v, %v", moved, err)
	}
	// What was erased after the last pass had looked is in neither; a copy of it may be, but for a grave.
	got := map[string]string{}
	err = to.Scan(t.Context(), func(s sessions.Stored) error {
		got[s.ID] = string(s.Data)
		return nil
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
}

// TestBothAcceptance: a sidecar that moves into Redis has a store like any other, but for Len, in which graves count until
// they end.
func TestBothAcceptance(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendfsync", "no")
	open := apart(redis.Options{Addresses: []string{server.Addr}})
	acceptance.Run(t, func(t *testing.T) sessions.Store { return exact{store.NewBoth(newBolt(t), open(t))} })
}

// exact counts by scanning.
type exact struct{ *store.Both }

func (e exact) Len(ctx context.Context) (n int, err error) {
	err = e.Scan(ctx, func(sessions.Stored) error {
		n++
		return nil
	})
	return n, err
}
