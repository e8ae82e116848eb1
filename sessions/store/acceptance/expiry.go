package acceptance

import (
	"errors"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// soon is long enough for a call to be answered before, even on a busy machine, and short enough to wait for.
const soon = 700 * time.Millisecond

// expiry: what has ended is gone for every method, and what has not stays.
func expiry(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	end := time.Now().Add(soon)
	check(t, s.Save(ctx, "short", 1, []byte("short"), end), nil)
	save(t, s, "long", 1, "long")
	if got, err := s.Load(ctx, "short"); time.Now().Before(end) && (err != nil || string(got) != "short") {
		t.Fatalf("it has not ended yet, and Load gave %q, %v", got, err)
	}
	eventually(t, "the session ends", func() bool {
		_, err := s.Load(ctx, "short")
		return errors.Is(err, sessions.ErrNotFound)
	})
	if time.Now().Before(end) {
		t.Fatal("the session ended too early")
	}
	check(t, s.Save(ctx, "short", 2, []byte("again"), Later()), sessions.ErrNotFound)
	check(t, s.Touch(ctx, "short", Later()), sessions.ErrNotFound)
	gone(t, s, "short")
	check(t, s.Scan(ctx, func(stored sessions.Stored) error {
		if stored.ID != "long" {
			t.Errorf("Scan shows %q, which has ended", stored.ID)
		}
		return nil
	}), nil)
	check(t, s.Delete(ctx, "short"), sessions.ErrNotFound)
	holds(t, s, "long", "long")
}

func alreadyExpired(t *testing.T, s sessions.Store) {
	for _, end := range []time.Time{time.Now().Add(-time.Second), time.Unix(0, 0), time.Unix(1, 0)} {
		check(t, s.Save(t.Context(), "a", 1, []byte("late"), end), nil)
		gone(t, s, "a")
	}
	save(t, s, "a", 1, "alive")
	check(t, s.Save(t.Context(), "a", 2, []byte("late"), time.Now().Add(-time.Second)), nil)
	gone(t, s, "a")
}

// expiredAnew: the end of the first session under an id is not that of the second.
func expiredAnew(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	end := time.Now().Add(soon)
	check(t, s.Save(ctx, "a", 1, []byte("first"), end), nil)
	check(t, s.Save(ctx, "b", 1, []byte("first"), end), nil)
	check(t, s.Save(ctx, "b", 2, []byte("second"), Later()), nil)
	eventually(t, "the session ends", func() bool {
		err := s.Save(ctx, "a", 1, []byte("second"), Later())
		if err != nil && !errors.Is(err, sessions.ErrConflict) {
			t.Fatal(err)
		}
		return err == nil
	})
	holds(t, s, "a", "second")
	holds(t, s, "b", "second")
	save(t, s, "a", 2, "third")
	holds(t, s, "a", "third")
	length(t, s, 2)
}

// touch moves the end, both ways, and neither data nor version.
func touch(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	check(t, s.Save(ctx, "a", 1, []byte("data"), time.Now().Add(soon)), nil)
	want := Later().Add(time.Minute)
	check(t, s.Touch(ctx, "a", want), nil)
	shows(t, s, sessions.Stored{ID: "a", Version: 1, Data: []byte("data"), Expires: want})
	save(t, s, "a", 2, "more")
	end := time.Now().Add(soon / 2)
	check(t, s.Touch(ctx, "a", end), nil)
	eventually(t, "the session ends", func() bool {
		_, err := s.Load(ctx, "a")
		return errors.Is(err, sessions.ErrNotFound)
	})
	if time.Now().Before(end) {
		t.Fatal("the session ended too early")
	}

	save(t, s, "b", 1, "data")
	check(t, s.Touch(ctx, "b", time.Now().Add(-time.Second)), nil)
	gone(t, s, "b")
	check(t, s.Touch(ctx, "b", Later()), sessions.ErrNotFound)
}

func deletes(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	save(t, s, "a", 1, "data")
	save(t, s, "b", 1, "data")
	save(t, s, "a", 2, "more")
	check(t, s.Delete(ctx, "a"), nil)
	gone(t, s, "a")
	check(t, s.Delete(ctx, "a"), sessions.ErrNotFound)
	check(t, s.Save(ctx, "a", 3, []byte("back"), Later()), sessions.ErrNotFound)
	check(t, s.Touch(ctx, "a", Later()), sessions.ErrNotFound)
	gone(t, s, "a")
	holds(t, s, "b", "data")
	length(t, s, 1)
}

func holdsFacets(t *testing.T, s sessions.Store, ref, want string) {
	t.Helper()
	got, err := s.GetFacets(t.Context(), ref)
	check(t, err, nil)
	if string(got) != want {
		t.Fatalf("facets %s are %.60q, want %.60q", ref, got, want)
	}
}

func facets(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	check(t, s.PutFacets(ctx, "r1", []byte("zip-code=01002020;"), Later()), nil)
	check(t, s.PutFacets(ctx, "r2", []byte(""), Later()), nil)
	check(t, s.PutFacets(ctx, "r1", []byte("zip-code=01002020;"), Later().Add(time.Minute)), nil)
	holdsFacets(t, s, "r1", "zip-code=01002020;")
	holdsFacets(t, s, "r2", "")
	_, err := s.GetFacets(ctx, "r")
	check(t, err, sessions.ErrNotFound)
}

// facetsExpiry: they live at least as long as the last session that needs them, which need not be the last put.
func facetsExpiry(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	end := time.Now().Add(soon)
	for _, put := range []struct {
		ref     string
		expires time.Time
	}{
		{"short", end},
		{"longer", end}, {"longer", Later()},
		{"not shorter", Later()}, {"not shorter", end},
	} {
		check(t, s.PutFacets(ctx, put.ref, []byte("value"), put.expires), nil)
	}
	eventually(t, "the facets end", func() bool {
		_, err := s.GetFacets(ctx, "short")
		return errors.Is(err, sessions.ErrNotFound)
	})
	if time.Now().Before(end) {
		t.Fatal("the facets ended too early")
	}
	holdsFacets(t, s, "longer", "value")
	holdsFacets(t, s, "not shorter", "value")
	check(t, s.PutFacets(ctx, "short", []byte("value"), Later()), nil)
	holdsFacets(t, s, "short", "value")
}

// apart: a session and a facets value may have one name.
func apart(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	save(t, s, "x", 1, "session")
	check(t, s.PutFacets(ctx, "x", []byte("facets"), Later()), nil)
	check(t, s.PutFacets(ctx, "y", []byte("facets"), Later()), nil)
	holds(t, s, "x", "session")
	gone(t, s, "y")
	length(t, s, 1)
	shows(t, s, sessions.Stored{ID: "x", Version: 1, Data: []byte("session"), Expires: Later()})
	check(t, s.Delete(ctx, "x"), nil)
	holdsFacets(t, s, "x", "facets")
}
