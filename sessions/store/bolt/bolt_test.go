package bolt_test

import (
	"testing"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

func TestAcceptance(t *testing.T) {
	for _, policy := range []bolt.Sync{bolt.SyncAlways, bolt.SyncInterval} {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			fresh := bolt.Options{Sync: policy}
			acceptance.Run(t, func(t *testing.T) sessions.Store { return openNew(t, fresh) })
			acceptance.RunMovable(t, func(t *testing.T) store.Movable { return openNew(t, fresh) })
		})
	}
}

// openNew opens a store in a file of its own.
func openNew(t testing.TB, o bolt.Options) *bolt.Store {
	t.Helper()
	o.Path = t.TempDir() + "/sessions.db"
	return open(t, o)
}

func open(t testing.TB, o bolt.Options) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(o)
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
