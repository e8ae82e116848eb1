package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

// TestBothAcceptance: to a sidecar it is a store like any other.
func TestBothAcceptance(t *testing.T) {
	acceptance.Run(t, func(t *testing.T) sessions.Store { return store.NewBoth(newBolt(t), newBolt(t)) })
}

// trio is a Both with its stores.
type trio struct {
	t        *testing.T
	old, new *bolt.Store
	both     *store.Both
}

func newTrio(t *testing.T) *trio {
	r := &trio{t: t, old: newBolt(t), new: newBolt(t)}
	r.both = store.NewBoth(r.old, r.new)
	return r
}

func (r *trio) holds(id, want string) {
	r.t.Helper()
	got, err := r.both.Load(r.t.Context(), id)
	if err != nil || string(got) != want {
		r.t.Fatalf("%s holds %q, %v; want %q", id, got, err, want)
	}
}

func (r *trio) gone(id string) {
	r.t.Helper()
	if got, err := r.both.Load(r.t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
		r.t.Fatalf("%s holds %q, %v", id, got, err)
	}
}

func (r *trio) kind(s store.Movable, id string, want store.Kind) {
	r.t.Helper()
	if e, err := s.Get(r.t.Context(), id); err != nil || e.Kind != want {
		r.t.Fatalf("%s is %v, %v; want %v", id, e.Kind, err, want)
	}
}

func (r *trio) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *trio) copied(id string) {
	r.t.Helper()
	e, err := r.old.Get(r.t.Context(), id)
	r.ok(err)
	_, err = r.new.Import(r.t.Context(), e.Stored)
	r.ok(err)
}

func TestBothEdits(t *testing.T) {
	r, ctx := newTrio(t), t.Context()
	put(t, r.old, "old", 3)
	r.holds("old", "old at 3")
	r.kind(r.new, "old", store.Absent)
	for version, want := range map[uint64]error{1: sessions.ErrConflict, 3: sessions.ErrConflict, 5: sessions.ErrConflict} {
		if err := r.both.Save(ctx, "old", version, nil, acceptance.Later()); !errors.Is(err, want) {
			t.Errorf("version %d of a session at 3 gave %v", version, err)
		}
	}
	r.holds("old", "old at 3")
	r.ok(r.both.Save(ctx, "old", 4, []byte("old at 4"), acceptance.Later()))
	r.holds("old", "old at 4")
	r.kind(r.new, "old", store.Native)
	r.kind(r.old, "old", store.Native) // as it was: one can go back

	put(t, r.old, "touched", 2)
	end := acceptance.Later().Add(time.Minute)
	r.ok(r.both.Touch(ctx, "touched", end))
	if e, err := r.new.Get(ctx, "touched"); err != nil || e.Kind != store.Native || e.Version != 2 || !e.Expires.Equal(end) {
		t.Errorf("touched: %+v, %v", e, err)
	}

	r.ok(r.both.Save(ctx, "new", 1, []byte("new at 1"), acceptance.Later()))
	r.kind(r.old, "new", store.Absent)
	same(t, all(t, r.both), map[string]uint64{"old": 4, "touched": 2, "new": 1})
}

// TestBothCopies: until it is edited, a copy counts for nothing: what the old store says of it counts, even if somebody
// has written there behind our back.
func TestBothCopies(t *testing.T) {
	r, ctx := newTrio(t), t.Context()
	put(t, r.old, "a", 1)
	r.copied("a")
	put(t, r.old, "a", 2)
	r.holds("a", "a at 2")
	r.ok(r.both.Save(ctx, "a", 3, []byte("a at 3"), acceptance.Later()))
	r.holds("a", "a at 3")

	for _, id := range []string{"read", "saved", "touched", "deleted"} {
		put(t, r.old, id, 1)
		r.copied(id)
		r.ok(r.old.Delete(ctx, id))
		r.gone(id)
	}
	for _, err := range []error{
		r.both.Save(ctx, "saved", 2, nil, acceptance.Later()), r.both.Touch(ctx, "touched", acceptance.Later()), r.both.Delete(ctx, "deleted"),
	} {
		if !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
	same(t, all(t, r.both), map[string]uint64{"a": 3})
	for _, id := range []string{"saved", "touched", "deleted"} {
		r.kind(r.new, id, store.Absent)
	}
}

// TestBothDeletes: nothing of an erased session is left, and a copy that was on its way is too late.
func TestBothDeletes(t *testing.T) {
	r, ctx := newTrio(t), t.Context()
	put(t, r.old, "old", 1)
	put(t, r.old, "copied", 1)
	r.copied("copied")
	put(t, r.old, "edited", 1)
	r.ok(r.both.Save(ctx, "edited", 2, []byte("edited at 2"), acceptance.Later()))
	r.ok(r.both.Save(ctx, "new", 1, []byte("new at 1"), acceptance.Later()))
	for _, id := range []string{"old", "copied", "edited", "new"} {
		onItsWay := sessions.Stored{ID: id, Version: 9, Data: []byte("erased"), Expires: acceptance.Later()}
		r.ok(r.both.Delete(ctx, id))
		r.gone(id)
		r.kind(r.old, id, store.Absent)
		if ok, err := r.new.Import(ctx, onItsWay); ok || err != nil {
			t.Errorf("%s came back: %v, %v", id, ok, err)
		}
		if err := r.both.Delete(ctx, id); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("%s erased again: %v", id, err)
		}
	}
	same(t, all(t, r.both), map[string]uint64{})

	// One that was interrupted between the stores has been answered by an error; it can be made again.
	put(t, r.old, "half", 1)
	r.ok(r.new.Bury(ctx, "half", acceptance.Later()))
	r.gone("half")
	if err := r.both.Save(ctx, "half", 2, nil, acceptance.Later()); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("an edit of a session that is half erased: %v", err)
	}
	r.ok(r.both.Delete(ctx, "half"))
	r.kind(r.old, "half", store.Absent)
}

func TestBothFacets(t *testing.T) {
	r, ctx := newTrio(t), t.Context()
	r.ok(r.old.PutFacets(ctx, "old", []byte("old facets"), acceptance.Later()))
	r.ok(r.both.PutFacets(ctx, "new", []byte("new facets"), acceptance.Later()))
	for ref, want := range map[string]string{"old": "old facets", "new": "new facets"} {
		if got, err := r.both.GetFacets(ctx, ref); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", ref, got, err)
		}
	}
	if _, err := r.old.GetFacets(ctx, "new"); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("new facets went to the old store: %v", err)
	}
}

// broken is a store that cannot be reached.
type broken struct{ store.Movable }

func (broken) Get(context.Context, string) (store.Entry, error) {
	return store.Entry{}, sessions.ErrUnavailable
}

// TestBothNeedsBoth: with one store out of reach nobody is told that a session is not there, or that an edit of it
// was made.
func TestBothNeedsBoth(t *testing.T) {
	r, ctx := newTrio(t), t.Context()
	put(t, r.old, "a", 1)
	for name, both := range map[string]*store.Both{
		"old": store.NewBoth(broken{r.old}, r.new), "new": store.NewBoth(r.old, broken{r.new}),
	} {
		_, loadErr := both.Load(ctx, "b")
		for call, err := range map[string]error{
			"Load": loadErr, "Save": both.Save(ctx, "a", 2, nil, acceptance.Later()), "Touch": both.Touch(ctx, "a", acceptance.Later()),
			"Delete": both.Delete(ctx, "a"), "Scan": both.Scan(ctx, func(sessions.Stored) error { return nil }),
		} {
			if !errors.Is(err, sessions.ErrUnavailable) {
				t.Errorf("%s without the %s store gave %v", call, name, err)
			}
		}
	}
	r.holds("a", "a at 1")
}

func TestKinds(t *testing.T) {
	for kind, want := range map[store.Kind]string{
		store.Absent: "absent", store.Native: "native", store.Copy: "copy", store.Buried: "buried", 4: "unknown", 200: "unknown",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%d is %q, want %q", kind, got, want)
		}
	}
}
