package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newBolt(t testing.TB) *bolt.Store {
	t.Helper()
	// That writes are made is the stores' own affair; an fsync each would only slow the tests down.
	s, err := bolt.Open(bolt.Options{Path: t.TempDir() + "/sessions.db", Sync: bolt.SyncInterval})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// put brings a session to a version.
func put(t *testing.T, s sessions.Store, id string, version uint64) {
	t.Helper()
	for v := uint64(1); v <= version; v++ {
		err := s.Save(t.Context(), id, v, fmt.Append(nil, id, " at ", v), acceptance.Later())
		if err != nil && !errors.Is(err, sessions.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// all gives what a store holds, versions by id.
func all(t *testing.T, s sessions.Store) map[string]uint64 {
	t.Helper()
	found := map[string]uint64{}
	err := s.Scan(t.Context(), func(s sessions.Stored) error {
		if want := fmt.Sprint(s.ID, " at ", s.Version); string(s.Data) != want {
			t.Errorf("%s at %d holds %q", s.ID, s.Version, s.Data)
		}
		found[s.ID] = s.Version
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func migrate(t *testing.T, from, to store.Movable, want store.Moved) {
	t.Helper()
	got, err := store.Migrate(t.Context(), from, to, nil)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("Migrate: %v (-want +got):\n%s", err, diff)
	}
}

func same(t *testing.T, got, want map[string]uint64) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func TestMigrate(t *testing.T) {
	ctx := t.Context()
	from, to := newBolt(t), newBolt(t)
	migrate(t, from, to, store.Moved{Passes: 1, Settled: true})

	want := map[string]uint64{}
	for i := range 300 {
		id := fmt.Sprint("session-", i)
		want[id] = uint64(i%5 + 1)
		put(t, from, id, want[id])
		if err := from.PutFacets(ctx, fmt.Sprint("ref-", i), fmt.Append(nil, "facets ", i), acceptance.Later()); err != nil {
			t.Fatal(err)
		}
	}
	migrate(t, from, to, store.Moved{Copied: 300, Facets: 300, Passes: 2, Settled: true})
	same(t, all(t, to), want)
	same(t, all(t, from), want)
	if f, err := to.GetFacets(ctx, "ref-7"); err != nil || string(f) != "facets 7" {
		t.Errorf("facets %q, %v", f, err)
	}

	// Again after edits on both sides: what is newer counts.
	migrate(t, from, to, store.Moved{Facets: 300, Passes: 1, Settled: true})
	put(t, from, "session-0", 3)
	put(t, to, "session-1", 9)
	put(t, from, "session-1", 4)
	put(t, to, "only there", 1)
	want["session-0"], want["session-1"], want["only there"] = 3, 9, 1
	migrate(t, from, to, store.Moved{Copied: 1, Facets: 300, Passes: 2, Settled: true})
	same(t, all(t, to), want)

	// What ended at the source ends here, unless it was edited here.
	for _, id := range []string{"session-1", "session-2", "session-3"} {
		if err := from.Delete(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	delete(want, "session-2")
	delete(want, "session-3")
	migrate(t, from, to, store.Moved{Removed: 2, Facets: 300, Passes: 2, Settled: true})
	same(t, all(t, to), want)
}

// TestMigrateTouched: a longer life is brought over too.
func TestMigrateTouched(t *testing.T) {
	from, to := newBolt(t), newBolt(t)
	put(t, from, "a", 1)
	migrate(t, from, to, store.Moved{Copied: 1, Passes: 2, Settled: true})
	end := acceptance.Later().Add(time.Hour)
	if err := from.Touch(t.Context(), "a", end); err != nil {
		t.Fatal(err)
	}
	migrate(t, from, to, store.Moved{Copied: 1, Passes: 2, Settled: true})
	if e, err := to.Get(t.Context(), "a"); err != nil || !e.Expires.Equal(end) {
		t.Errorf("ends at %v, %v; want %v", e.Expires, err, end)
	}
}

func TestMigrateProgress(t *testing.T) {
	from, to := newBolt(t), newBolt(t)
	for i := range 100 {
		put(t, from, fmt.Sprint(i), 1)
	}
	var calls [][2]int // unguarded: calls come one at a time
	if _, err := store.Migrate(t.Context(), from, to, func(done, total int) { calls = append(calls, [2]int{done, total}) }); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 200 {
		t.Fatalf("%d calls for two passes over 100", len(calls))
	}
	for i, c := range calls {
		if want := [2]int{i%100 + 1, 100}; c != want {
			t.Errorf("call %d says %v, want %v", i, c, want)
		}
	}
}

// failing is a store whose Imports fail after some.
type failing struct {
	store.Movable
	left atomic.Int64
	err  error
}

func (f *failing) Import(ctx context.Context, s sessions.Stored) (bool, error) {
	if f.left.Add(-1) < 0 {
		return false, f.err
	}
	return f.Movable.Import(ctx, s)
}

// TestMigrateFails: the error comes out, and the next run goes on.
func TestMigrateFails(t *testing.T) {
	from, to := newBolt(t), newBolt(t)
	for i := range 500 {
		put(t, from, fmt.Sprint(i), 1)
	}
	f := &failing{Movable: to, err: errors.New("no more")}
	f.left.Store(40)
	moved, err := store.Migrate(t.Context(), from, f, nil)
	if !errors.Is(err, f.err) || moved.Settled || moved.Copied > 40 {
		t.Fatalf("got %+v, %v", moved, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = store.Migrate(ctx, from, to, func(done, total int) {
		if done == 10 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled, and got %v", err)
	}
	if _, err := store.Migrate(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	same(t, all(t, to), all(t, from))
}

// restless is a source in which every look finds another edit.
type restless struct {
	store.Movable
	version uint64
}

func (r *restless) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	r.version++
	if err := r.Save(ctx, "a", r.version, fmt.Append(nil, "a at ", r.version), acceptance.Later()); err != nil {
		return err
	}
	return r.Movable.Scan(ctx, fn)
}

// TestMigrateBounded: a source that somebody else writes to does not keep it for ever.
func TestMigrateBounded(t *testing.T) {
	to := newBolt(t)
	migrate(t, &restless{Movable: newBolt(t)}, to, store.Moved{Copied: 8, Passes: 8})
	same(t, all(t, to), map[string]uint64{"a": 8})
}

// TestMigrateInUse is the whole of it: shoppers edit, make and erase sessions on Both while they move. Every
// acknowledged edit is there in the new store alone, and nothing that was erased.
func TestMigrateInUse(t *testing.T) {
	from, to := newBolt(t), newBolt(t)
	const old, shoppers = 600, 8
	for i := range old {
		put(t, from, fmt.Sprint("old-", i), 1)
	}
	both := store.NewBoth(from, to)
	want := make([]map[string]uint64, shoppers)
	stop := make(chan struct{})
	var group sync.WaitGroup
	for n := range shoppers {
		group.Go(func() { want[n] = shop(t, both, n, old/shoppers, stop) })
	}
	moved, err := store.Migrate(t.Context(), from, to, nil)
	close(stop)
	group.Wait()
	if err != nil || !moved.Settled {
		t.Fatalf("Migrate: %+v, %v", moved, err)
	}
	merged := map[string]uint64{}
	for _, w := range want {
		for id, version := range w {
			merged[id] = version
		}
	}
	same(t, all(t, to), merged)
	// Once more, for what an operator may do.
	if _, err := store.Migrate(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	same(t, all(t, to), merged)
}

// shop edits each of the shopper's sessions, erases every fourth, makes new ones, and goes on until stop. It gives
// what must be there in the end.
func shop(t *testing.T, s sessions.Store, shopper, count int, stop <-chan struct{}) map[string]uint64 {
	versions := map[string]uint64{}
	for i := range count {
		versions[fmt.Sprint("old-", shopper*count+i)] = 1
	}
	for round := 0; ; round++ {
		for i := range count {
			id := fmt.Sprint("old-", shopper*count+i)
			if i%3 == 0 {
				id = fmt.Sprintf("new-%d-%d", shopper, i)
			}
			version, there := versions[id]
			var err error
			switch {
			case round > 0 && i%4 == 0:
				if err = s.Delete(t.Context(), id); !there {
					err = expect(err, sessions.ErrNotFound)
				}
				delete(versions, id)
			case there || round == 0:
				versions[id] = version + 1
				err = s.Save(t.Context(), id, version+1, fmt.Append(nil, id, " at ", version+1), acceptance.Later())
			}
			if err != nil {
				t.Errorf("%s at %d: %v", id, version, err)
			}
		}
		select {
		case <-stop:
			if round > 1 {
				return versions
			}
		default:
		}
	}
}

func expect(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("got %w, want %w", err, want)
}
