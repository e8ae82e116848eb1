package sessions_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/acceptance"
)

// memStore is a sessions.Store in memory, that a test may look into and make fail.
type memStore struct {
	mu       sync.Mutex
	sessions map[string]sessions.Stored
	facets   map[string]sessions.Stored
	shut     bool
	saves    int
	touches  int
	// before is asked before each operation, without the lock; its error is that of the operation.
	before func(op string) error
}

func newMemStore() *memStore {
	return &memStore{sessions: map[string]sessions.Stored{}, facets: map[string]sessions.Stored{}}
}

// TestMemStore: what the tests stand on is a store.
func TestMemStore(t *testing.T) {
	acceptance.Run(t, func(*testing.T) sessions.Store { return newMemStore() })
}

func (m *memStore) enter(ctx context.Context, op string) error {
	if m.before != nil {
		if err := m.before(op); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.shut {
		m.mu.Unlock()
		return fmt.Errorf("closed: %w", sessions.ErrUnavailable)
	}
	return nil
}

func find(in map[string]sessions.Stored, id string) (sessions.Stored, error) {
	s, ok := in[id]
	if !ok || !time.Now().Before(s.Expires) {
		return sessions.Stored{}, sessions.ErrNotFound
	}
	s.Data = slices.Clone(s.Data)
	return s, nil
}

func (m *memStore) Load(ctx context.Context, id string) ([]byte, error) {
	if err := m.enter(ctx, "load"); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	s, err := find(m.sessions, id)
	return s.Data, err
}

func (m *memStore) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	if err := m.enter(ctx, "save"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	s, err := find(m.sessions, id)
	switch {
	case err != nil && version != 1:
		return err
	case err == nil && s.Version != version-1:
		return sessions.ErrConflict
	}
	m.saves++
	m.sessions[id] = sessions.Stored{ID: id, Version: version, Data: slices.Clone(data), Expires: expires}
	return nil
}

func (m *memStore) Touch(ctx context.Context, id string, expires time.Time) error {
	if err := m.enter(ctx, "touch"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	s, err := find(m.sessions, id)
	if err == nil {
		m.touches++
		s.Expires = expires
		m.sessions[id] = s
	}
	return err
}

func (m *memStore) Delete(ctx context.Context, id string) error {
	if err := m.enter(ctx, "delete"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	_, err := find(m.sessions, id)
	delete(m.sessions, id)
	return err
}

func (m *memStore) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	if err := m.enter(ctx, "put-facets"); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if s, err := find(m.facets, ref); err == nil && s.Expires.After(expires) {
		return nil
	}
	m.facets[ref] = sessions.Stored{ID: ref, Data: slices.Clone(value), Expires: expires}
	return nil
}

func (m *memStore) GetFacets(ctx context.Context, ref string) ([]byte, error) {
	if err := m.enter(ctx, "get-facets"); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	s, err := find(m.facets, ref)
	return s.Data, err
}

func (m *memStore) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	if err := m.enter(ctx, "scan"); err != nil {
		return err
	}
	var all []sessions.Stored
	for id := range m.sessions {
		if s, err := find(m.sessions, id); err == nil {
			all = append(all, s)
		}
	}
	m.mu.Unlock()
	for _, s := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(s); err != nil {
			return err
		}
	}
	return nil
}

func (m *memStore) Len(ctx context.Context) (int, error) {
	n := 0
	err := m.Scan(ctx, func(sessions.Stored) error { n++; return nil })
	return n, err
}

func (m *memStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shut = true
	return nil
}

// counts gives the writes so far.
func (m *memStore) counts() (saves, touches int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saves, m.touches
}

// stored gives the session that is stored under id.
func (m *memStore) stored(t *testing.T, id string) *sessions.Session {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok {
		t.Fatalf("session %s is not stored", id)
	}
	got, err := sessions.Decode(s.Data)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
