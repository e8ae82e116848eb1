package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuiteOnMemory(t *testing.T) {
	acceptance.Run(t, func(*testing.T) sessions.Store { return newMemory() })
	acceptance.RunMovable(t, func(*testing.T) store.Movable { return newMemory() })
}

// broken is a store with one fault.
type broken struct {
	*memory
	fault string
}

func (b broken) is(fault string) bool { return b.fault == fault }

func (b broken) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	switch {
	case b.is("overwrites") || b.is("two winners"):
		err := b.memory.Save(ctx, id, version, data, expires)
		if b.is("two winners") && errors.Is(err, sessions.ErrConflict) {
			if had, _ := b.memory.Load(ctx, id); string(had) == string(data) {
				return nil
			}
		}
		if b.is("overwrites") && errors.Is(err, sessions.ErrConflict) {
			e, _ := b.memory.Get(ctx, id)
			return b.memory.Save(ctx, id, e.Version+1, data, expires)
		}
		return err
	case b.is("never ends"):
		expires = expires.Add(time.Hour)
	case b.is("ends early"):
		expires = expires.Add(-500 * time.Millisecond)
	case b.is("cuts"):
		data = data[:min(len(data), 64<<10)]
	case b.is("any version of the absent"):
		if _, err := b.memory.Load(ctx, id); errors.Is(err, sessions.ErrNotFound) {
			e := store.Entry{Kind: store.Native, Stored: sessions.Stored{ID: id, Version: version, Data: data, Expires: expires}}
			b.rows[id] = e
			return nil
		}
	case b.is("deaf"):
		ctx = context.WithoutCancel(ctx)
	}
	return b.memory.Save(ctx, id, version, data, expires)
}

func (b broken) Load(ctx context.Context, id string) ([]byte, error) {
	if b.is("shares") {
		b.mu.Lock()
		defer b.mu.Unlock()
		if e := b.rows[id]; e.Data != nil {
			return e.Data, nil
		}
		return nil, sessions.ErrNotFound
	}
	return b.memory.Load(ctx, id)
}

func (b broken) Touch(ctx context.Context, id string, expires time.Time) error {
	if b.is("touches nothing") {
		_, err := b.memory.Load(ctx, id)
		return err
	}
	return b.memory.Touch(ctx, id, expires)
}

func (b broken) Delete(ctx context.Context, id string) error {
	if b.is("deletes nothing") {
		_, err := b.memory.Load(ctx, id)
		return err
	}
	return b.memory.Delete(ctx, id)
}

func (b broken) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	n := 0
	return b.memory.Scan(ctx, func(s sessions.Stored) error {
		if n++; b.is("forgets one") && n == 100 {
			return nil
		}
		if err := fn(s); err != nil && !b.is("goes on") {
			return err
		}
		return nil
	})
}

func (b broken) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	if b.is("shortens facets") {
		b.mu.Lock()
		delete(b.facets, ref)
		b.mu.Unlock()
	}
	return b.memory.PutFacets(ctx, ref, value, expires)
}

func (b broken) Import(ctx context.Context, s sessions.Stored) (bool, error) {
	if b.is("imports over all") {
		b.mu.Lock()
		delete(b.rows, s.ID)
		b.mu.Unlock()
	}
	return b.memory.Import(ctx, s)
}

func (b broken) Bury(ctx context.Context, id string, until time.Time) error {
	if b.is("shallow graves") {
		return b.memory.Bury(ctx, id, time.Now())
	}
	return b.memory.Bury(ctx, id, until)
}

func (b broken) Close() error {
	if b.is("open for ever") {
		return nil
	}
	return b.memory.Close()
}

const faultOf = "AISLE_TEST_FAULT"

// TestBroken is run by TestSuiteFails in a process of its own, where it fails.
func TestBroken(t *testing.T) {
	fault := os.Getenv(faultOf)
	if fault == "" {
		t.Skip("for TestSuiteFails")
	}
	acceptance.Run(t, func(*testing.T) sessions.Store { return broken{newMemory(), fault} })
	acceptance.RunMovable(t, func(*testing.T) store.Movable { return broken{newMemory(), fault} })
}

// TestSuiteFails: each fault is found, by the test that is for it.
func TestSuiteFails(t *testing.T) {
	for fault, test := range map[string]string{
		"overwrites":                "versions",
		"two winners":               "one_winner",
		"never ends":                "already_expired",
		"ends early":                "expiry",
		"cuts":                      "big_values",
		"any version of the absent": "versions",
		"deaf":                      "cancelled",
		"shares":                    "bytes_are_nobody_else's",
		"touches nothing":           "touch",
		"deletes nothing":           "delete",
		"forgets one":               "scan_while_writing",
		"goes on":                   "scan_stops",
		"shortens facets":           "facets_expiry",
		"imports over all":          "import",
		"shallow graves":            "bury",
		"open for ever":             "closed",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$/^"+test+"$")
			child.Env = append(os.Environ(), faultOf+"="+fault)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(out), fmt.Sprintf("--- FAIL: TestBroken/%s", test)) {
				t.Errorf("%s was not found by %s: %v\n%s", fault, test, err, out)
			}
		})
	}
}
