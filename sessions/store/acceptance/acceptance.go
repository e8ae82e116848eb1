// Package acceptance is what any sessions.Store must pass before shoppers' sessions may be kept in it. It knows
// the port only.
package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// Open makes an empty store. The suite closes it at the end of the test, so Open need not.
type Open func(t *testing.T) sessions.Store

// Run runs the suite. Expiry is tested by the real clock, so that what a server decides can be tested: it
// takes a few seconds.
func Run(t *testing.T, open func(t *testing.T) sessions.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, sessions.Store)
	}{
		{"absent", absent},
		{"save and load", saveAndLoad},
		{"versions", versions},
		{"a refusal changes nothing", refusals},
		{"bytes are nobody else's", ownership},
		{"big values", bigValues},
		{"odd ids", oddIDs},
		{"expiry", expiry},
		{"already expired", alreadyExpired},
		{"an expired id anew", expiredAnew},
		{"touch", touch},
		{"delete", deletes},
		{"facets", facets},
		{"facets expiry", facetsExpiry},
		{"facets and sessions apart", apart},
		{"scan", scan},
		{"scan stops", scanStops},
		{"scan while writing", scanWhileWriting},
		{"scan calls back", scanCallsBack},
		{"many sessions", many},
		{"one winner", oneWinner},
		{"64 writers", writers},
		{"model", model},
		{"cancelled", cancelled},
		{"closed", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { check(t, s.Close(), nil) })
			c.test(t, s)
		})
	}
}

// Later is a time that no test waits for: the same at each call, as one that is reckoned from now is not when a second
// passes between two calls, and a copy that ends later is another copy.
func Later() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }

// check fails the test unless err is want, nil included.
func check(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func save(t *testing.T, s sessions.Store, id string, version uint64, data string) {
	t.Helper()
	check(t, s.Save(t.Context(), id, version, []byte(data), Later()), nil)
}

// holds checks what is stored under id.
func holds(t *testing.T, s sessions.Store, id, want string) {
	t.Helper()
	got, err := s.Load(t.Context(), id)
	check(t, err, nil)
	if string(got) != want {
		t.Fatalf("%s holds %.60q, want %.60q", id, got, want)
	}
}

func gone(t *testing.T, s sessions.Store, id string) {
	t.Helper()
	got, err := s.Load(t.Context(), id)
	check(t, err, sessions.ErrNotFound)
	if got != nil {
		t.Fatalf("%s is not there, but has data %.60q", id, got)
	}
}

// eventually waits for what happens by itself, as expiry does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ticks := time.NewTicker(5 * time.Millisecond); !is(); {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			t.Fatalf("%s: not after ten seconds", what)
		}
	}
}

func absent(t *testing.T, s sessions.Store) {
	gone(t, s, "nobody")
	check(t, s.Touch(t.Context(), "nobody", Later()), sessions.ErrNotFound)
	check(t, s.Delete(t.Context(), "nobody"), sessions.ErrNotFound)
	_, err := s.GetFacets(t.Context(), "nothing")
	check(t, err, sessions.ErrNotFound)
	gone(t, s, "nobody") // asking makes nothing
	length(t, s, 0)
}

func length(t *testing.T, s sessions.Store, want int) {
	t.Helper()
	got, err := s.Len(t.Context())
	check(t, err, nil)
	if got != want {
		t.Fatalf("Len is %d, want %d", got, want)
	}
}

func saveAndLoad(t *testing.T, s sessions.Store) {
	save(t, s, "a", 1, "one")
	save(t, s, "b", 1, "other")
	holds(t, s, "a", "one")
	save(t, s, "a", 2, "two")
	save(t, s, "a", 3, "")
	holds(t, s, "a", "")
	save(t, s, "a", 4, "\x00\xff\r\n$3\r\nend")
	holds(t, s, "a", "\x00\xff\r\n$3\r\nend")
	holds(t, s, "b", "other")
	length(t, s, 2)
}

// versions: only the version after the stored one is taken, and 1 where there is none.
func versions(t *testing.T, s sessions.Store) {
	f := func(version uint64, want error) {
		t.Helper()
		check(t, s.Save(t.Context(), "a", version, fmt.Append(nil, version), Later()), want)
	}
	f(2, sessions.ErrNotFound)
	f(0, sessions.ErrNotFound)
	f(1<<63, sessions.ErrNotFound)
	f(1, nil)
	f(1, sessions.ErrConflict)
	f(0, sessions.ErrConflict)
	f(3, sessions.ErrConflict)
	f(2, nil)
	f(2, sessions.ErrConflict)
	for v := uint64(3); v <= 12; v++ { // 10 after 9, 11 after 10
		f(v, nil)
	}
	f(12, sessions.ErrConflict)
	f(14, sessions.ErrConflict)
	holds(t, s, "a", "12")
}

func refusals(t *testing.T, s sessions.Store) {
	ctx := t.Context()
	save(t, s, "a", 1, "kept")
	check(t, s.Save(ctx, "a", 1, []byte("lost"), time.Now().Add(-time.Second)), sessions.ErrConflict)
	holds(t, s, "a", "kept")
	check(t, s.Save(ctx, "b", 7, []byte("lost"), Later()), sessions.ErrNotFound)
	gone(t, s, "b")
	length(t, s, 1)
}

func ownership(t *testing.T, s sessions.Store) {
	data := []byte("mine")
	check(t, s.Save(t.Context(), "a", 1, data, Later()), nil)
	copy(data, "XXXX")
	got, err := s.Load(t.Context(), "a")
	check(t, err, nil)
	copy(got, "YYYY")
	_ = append(got, "ZZZZ"...)
	holds(t, s, "a", "mine")

	facets := []byte("mine")
	check(t, s.PutFacets(t.Context(), "ref", facets, Later()), nil)
	copy(facets, "XXXX")
	got, err = s.GetFacets(t.Context(), "ref")
	check(t, err, nil)
	copy(got, "YYYY")
	holdsFacets(t, s, "ref", "mine")
}

func bigValues(t *testing.T, s sessions.Store) {
	big := string(bytes.Repeat([]byte("0123456789abcdef"), 256<<10/16))
	save(t, s, "big", 1, big)
	holds(t, s, "big", big)
	save(t, s, "big", 2, "small")
	holds(t, s, "big", "small")
	save(t, s, "big", 3, big[1:])
	holds(t, s, "big", big[1:])
	check(t, s.PutFacets(t.Context(), "big", []byte(big), Later()), nil)
	holdsFacets(t, s, "big", big)
}

// oddIDs: an id is a UUID, but nothing may happen if it is not.
func oddIDs(t *testing.T, s sessions.Store) {
	ids := []string{
		"a", "a:b", "{a}", "a}b{", "}", "*", "a*", "?", "[a]", `\`, " ", "\x00", "\xff\xfe", "a\nb", "Ä€", string(bytes.Repeat([]byte("x"), 300)),
	}
	for _, id := range ids {
		save(t, s, id, 1, "of "+id)
	}
	seen := map[string]bool{}
	check(t, s.Scan(t.Context(), func(stored sessions.Stored) error {
		seen[stored.ID] = string(stored.Data) == "of "+stored.ID
		return nil
	}), nil)
	for _, id := range ids {
		holds(t, s, id, "of "+id)
		if !seen[id] {
			t.Errorf("Scan did not show %.20q with its data", id)
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("Scan showed %d ids, want %d", len(seen), len(ids))
	}
	gone(t, s, "")
	gone(t, s, string(bytes.Repeat([]byte("x"), 70_000)))
}

// cancelled: no call that its caller has given up succeeds, and none claims to know something.
func cancelled(t *testing.T, s sessions.Store) {
	save(t, s, "a", 1, "kept")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls(ctx, s) {
		err := call()
		if !errors.Is(err, context.Canceled) || errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrConflict) {
			t.Errorf("%s with a cancelled context gave %v", name, err)
		}
	}
	holds(t, s, "a", "kept")
	gone(t, s, "b")
}

// closed: whoever still has the store is told to come again.
func closed(t *testing.T, s sessions.Store) {
	save(t, s, "a", 1, "kept")
	check(t, s.Close(), nil)
	for name, call := range calls(t.Context(), s) {
		if err := call(); !errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("%s of a closed store gave %v", name, err)
		}
	}
}

// calls are all methods that may fail, on a session "a" that is there and a new one "b".
func calls(ctx context.Context, s sessions.Store) map[string]func() error {
	return map[string]func() error{
		"Load":      func() error { _, err := s.Load(ctx, "a"); return err },
		"Save":      func() error { return s.Save(ctx, "b", 1, []byte("lost"), Later()) },
		"Save next": func() error { return s.Save(ctx, "a", 2, []byte("lost"), Later()) },
		"Touch":     func() error { return s.Touch(ctx, "a", time.Now().Add(-time.Hour)) },
		"Delete":    func() error { return s.Delete(ctx, "a") },
		"PutFacets": func() error { return s.PutFacets(ctx, "ref", []byte("lost"), Later()) },
		"GetFacets": func() error { _, err := s.GetFacets(ctx, "ref"); return err },
		"Len":       func() error { _, err := s.Len(ctx); return err },
		"Scan":      func() error { return s.Scan(ctx, func(sessions.Stored) error { return nil }) },
	}
}
