package acceptance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

// RunMovable runs what a store.Movable must pass beside Run.
func RunMovable(t *testing.T, open func(t *testing.T) store.Movable) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Movable)
	}{
		{"get", get},
		{"import", imports},
		{"import of what has ended", importsEnded},
		{"a copy edited is native", editedCopy},
		{"retract", retract},
		{"bury", bury},
		{"a grave ends", graveEnds},
		{"facets", scanFacets},
		{"imports and edits at once", importsAndEdits},
		{"cancelled and closed", movableEnds},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { check(t, s.Close(), nil) })
			c.test(t, s)
		})
	}
}

// nearly lets ends that are made from the clock differ by a second.
func nearly() cmp.Option {
	return cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Second })
}

func is(t *testing.T, s store.Movable, id string, kind store.Kind, version uint64, data string) {
	t.Helper()
	got, err := s.Get(t.Context(), id)
	check(t, err, nil)
	want := store.Entry{Kind: kind, Stored: sessions.Stored{ID: id, Version: version}}
	if kind == store.Native || kind == store.Copy {
		want.Data, want.Expires = []byte(data), Later()
	} else {
		got.Expires = time.Time{} // of a grave
	}
	if diff := cmp.Diff(want, got, nearly()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", id, diff)
	}
}

func brought(t *testing.T, s store.Movable, from sessions.Stored, want bool) {
	t.Helper()
	got, err := s.Import(t.Context(), from)
	check(t, err, nil)
	if got != want {
		t.Fatalf("Import of %s at %d gave %v, want %v", from.ID, from.Version, got, want)
	}
}

func copyOf(id string, version uint64) sessions.Stored {
	return sessions.Stored{ID: id, Version: version, Data: fmt.Append(nil, "copy ", version), Expires: Later()}
}

func get(t *testing.T, s store.Movable) {
	is(t, s, "a", store.Absent, 0, "")
	save(t, s, "a", 1, "one")
	save(t, s, "a", 2, "two")
	is(t, s, "a", store.Native, 2, "two")
	check(t, s.Delete(t.Context(), "a"), nil)
	is(t, s, "a", store.Absent, 0, "")
}

// imports: what is newer stays, and so does what is as new.
func imports(t *testing.T, s store.Movable) {
	brought(t, s, copyOf("a", 7), true)
	is(t, s, "a", store.Copy, 7, "copy 7")
	holds(t, s, "a", "copy 7")
	shows(t, s, copyOf("a", 7))
	length(t, s, 1)
	brought(t, s, copyOf("a", 7), false)
	brought(t, s, copyOf("a", 6), false)
	brought(t, s, copyOf("a", 16), true)
	brought(t, s, copyOf("a", 15), false)
	is(t, s, "a", store.Copy, 16, "copy 16")

	save(t, s, "b", 1, "one")
	save(t, s, "b", 2, "two")
	brought(t, s, copyOf("b", 2), false)
	brought(t, s, copyOf("b", 1), false)
	is(t, s, "b", store.Native, 2, "two")
	brought(t, s, copyOf("b", 3), true)
	is(t, s, "b", store.Copy, 3, "copy 3")

	short := copyOf("c", 1)
	short.Expires = time.Now().Add(time.Minute)
	brought(t, s, short, true)
	brought(t, s, copyOf("c", 1), true) // touched at its source
	is(t, s, "c", store.Copy, 1, "copy 1")
	brought(t, s, short, false)
	is(t, s, "c", store.Copy, 1, "copy 1")
	length(t, s, 3)

	data := copyOf("d", 1)
	brought(t, s, data, true)
	copy(data.Data, "XXXX")
	is(t, s, "d", store.Copy, 1, "copy 1")
}

func importsEnded(t *testing.T, s store.Movable) {
	ended := copyOf("a", 7)
	ended.Expires = time.Now().Add(-time.Second)
	brought(t, s, ended, false)
	is(t, s, "a", store.Absent, 0, "")
	ended.Expires = time.Now().Add(soon)
	brought(t, s, ended, true)
	eventually(t, "the copy ends", func() bool {
		e, err := s.Get(t.Context(), "a")
		check(t, err, nil)
		return e.Kind == store.Absent
	})
	brought(t, s, copyOf("a", 3), true)
	is(t, s, "a", store.Copy, 3, "copy 3")
}

func editedCopy(t *testing.T, s store.Movable) {
	ctx := t.Context()
	brought(t, s, copyOf("a", 7), true)
	check(t, s.Save(ctx, "a", 7, []byte("lost"), Later()), sessions.ErrConflict)
	check(t, s.Save(ctx, "a", 1, []byte("lost"), Later()), sessions.ErrConflict)
	is(t, s, "a", store.Copy, 7, "copy 7")
	save(t, s, "a", 8, "eight")
	is(t, s, "a", store.Native, 8, "eight")
	brought(t, s, copyOf("a", 8), false)
	is(t, s, "a", store.Native, 8, "eight")

	brought(t, s, copyOf("b", 7), true)
	check(t, s.Touch(ctx, "b", Later()), nil)
	is(t, s, "b", store.Native, 7, "copy 7")

	brought(t, s, copyOf("c", 7), true)
	check(t, s.Delete(ctx, "c"), nil)
	is(t, s, "c", store.Absent, 0, "")
}

func retracted(t *testing.T, s store.Movable, id string, version uint64, want bool) {
	t.Helper()
	got, err := s.Retract(t.Context(), id, version)
	check(t, err, nil)
	if got != want {
		t.Fatalf("Retract of %s at %d gave %v, want %v", id, version, got, want)
	}
}

func retract(t *testing.T, s store.Movable) {
	retracted(t, s, "a", 1, false)
	brought(t, s, copyOf("a", 7), true)
	retracted(t, s, "a", 6, false)
	retracted(t, s, "a", 8, false)
	is(t, s, "a", store.Copy, 7, "copy 7")
	retracted(t, s, "a", 7, true)
	is(t, s, "a", store.Absent, 0, "")
	retracted(t, s, "a", 7, false)
	length(t, s, 0)

	save(t, s, "b", 1, "one")
	retracted(t, s, "b", 1, false)
	is(t, s, "b", store.Native, 1, "one")
	check(t, s.Bury(t.Context(), "c", Later()), nil)
	retracted(t, s, "c", 0, false)
	brought(t, s, copyOf("c", 1), false)
}

// bury: what was erased does not come back by an Import, and is not to be seen.
func bury(t *testing.T, s store.Movable) {
	ctx := t.Context()
	save(t, s, "native", 1, "one")
	brought(t, s, copyOf("copy", 7), true)
	for _, id := range []string{"native", "copy", "absent"} {
		check(t, s.Bury(ctx, id, Later()), nil)
		is(t, s, id, store.Buried, 0, "")
		gone(t, s, id)
		brought(t, s, copyOf(id, 9), false)
		check(t, s.Save(ctx, id, 2, []byte("back"), Later()), sessions.ErrNotFound)
		check(t, s.Touch(ctx, id, Later()), sessions.ErrNotFound)
		check(t, s.Delete(ctx, id), sessions.ErrNotFound)
		is(t, s, id, store.Buried, 0, "")
		check(t, s.Bury(ctx, id, Later()), nil)
	}
	shows(t, s)
	save(t, s, "native", 1, "another")
	is(t, s, "native", store.Native, 1, "another")
}

func graveEnds(t *testing.T, s store.Movable) {
	end := time.Now().Add(soon)
	check(t, s.Bury(t.Context(), "a", end), nil)
	eventually(t, "the grave ends", func() bool {
		ok, err := s.Import(t.Context(), copyOf("a", 7))
		check(t, err, nil)
		return ok
	})
	if time.Now().Before(end) {
		t.Fatal("the grave ended too early")
	}
	is(t, s, "a", store.Copy, 7, "copy 7")
}

func scanFacets(t *testing.T, s store.Movable) {
	ctx := t.Context()
	want := map[string]store.Facets{}
	for i := range 300 {
		f := store.Facets{Ref: fmt.Sprint("ref", i), Value: fmt.Append(nil, "facets ", i), Expires: Later()}
		want[f.Ref] = f
		check(t, s.PutFacets(ctx, f.Ref, f.Value, f.Expires), nil)
	}
	check(t, s.PutFacets(ctx, "ended", []byte("value"), time.Now().Add(-time.Second)), nil)
	save(t, s, "session", 1, "data")
	got := map[string]store.Facets{}
	check(t, s.ScanFacets(ctx, func(f store.Facets) error {
		got[f.Ref] = f
		return nil
	}), nil)
	if diff := cmp.Diff(want, got, nearly()); diff != "" {
		t.Errorf("ScanFacets (-want +got):\n%s", diff)
	}
	stop := errors.New("enough")
	check(t, s.ScanFacets(ctx, func(store.Facets) error { return stop }), stop)
}

// importsAndEdits: an edit that was acknowledged is not undone by a copy that arrives late.
func importsAndEdits(t *testing.T, s store.Movable) {
	brought(t, s, copyOf("a", 1), true)
	inParallel(t, 400, 8, func(i int) error {
		if i%2 == 0 {
			_, err := s.Import(t.Context(), copyOf("a", 1))
			return err
		}
		for {
			e, err := s.Get(t.Context(), "a")
			if err != nil {
				return err
			}
			err = s.Save(t.Context(), "a", e.Version+1, append(e.Data, '.'), Later())
			if !errors.Is(err, sessions.ErrConflict) {
				return err
			}
		}
	})
	is(t, s, "a", store.Native, 201, "copy 1"+strings.Repeat(".", 200))
}

func movableEnds(t *testing.T, s store.Movable) {
	f := func(ctx context.Context, want error) {
		t.Helper()
		_, err := s.Get(ctx, "a")
		check(t, err, want)
		_, err = s.Import(ctx, copyOf("a", 1))
		check(t, err, want)
		_, err = s.Retract(ctx, "a", 1)
		check(t, err, want)
		check(t, s.Bury(ctx, "a", Later()), want)
		check(t, s.ScanFacets(ctx, func(store.Facets) error { return nil }), want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f(ctx, context.Canceled)
	is(t, s, "a", store.Absent, 0, "")
	check(t, s.Close(), nil)
	f(t.Context(), sessions.ErrUnavailable)
}
