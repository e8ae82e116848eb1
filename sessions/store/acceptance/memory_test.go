package acceptance_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

// memory is the simplest store that keeps the port's word. It shows that the suite asks for the port and not for one
// implementation of it, and is what the broken ones are made from.
type memory struct {
	mu     sync.Mutex
	rows   map[string]store.Entry
	facets map[string]store.Facets
	closed bool
}

func newMemory() *memory {
	return &memory{rows: map[string]store.Entry{}, facets: map[string]store.Facets{}}
}

// enter begins a method; what it gives is called at its end.
func (m *memory) enter(ctx context.Context) (leave func(), err error) {
	m.mu.Lock()
	if err = ctx.Err(); err == nil && m.closed {
		err = fmt.Errorf("closed: %w", sessions.ErrUnavailable)
	}
	if err != nil {
		m.mu.Unlock()
		return func() {}, err
	}
	return m.mu.Unlock, nil
}

// at gives what is under id now.
func (m *memory) at(id string) store.Entry {
	e := m.rows[id]
	if !time.Now().Before(e.Expires) {
		return store.Entry{Stored: sessions.Stored{ID: id}}
	}
	e.Data = bytes.Clone(e.Data)
	return e
}

func readable(e store.Entry) bool { return e.Kind == store.Native || e.Kind == store.Copy }

func (m *memory) Get(ctx context.Context, id string) (store.Entry, error) {
	leave, err := m.enter(ctx)
	defer leave()
	if err != nil {
		return store.Entry{}, err
	}
	return m.at(id), nil
}

func (m *memory) Load(ctx context.Context, id string) ([]byte, error) {
	e, err := m.Get(ctx, id)
	if err == nil && !readable(e) {
		err = sessions.ErrNotFound
	}
	return e.Data, err
}

func (m *memory) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	leave, err := m.enter(ctx)
	defer leave()
	if err != nil {
		return err
	}
	e := m.at(id)
	switch {
	case !readable(e) && version != 1:
		return sessions.ErrNotFound
	case readable(e) && version != e.Version+1:
		return sessions.ErrConflict
	}
	kept := append([]byte{}, data...)
	m.rows[id] = store.Entry{Kind: store.Native, Stored: sessions.Stored{ID: id, Version: version, Data: kept, Expires: expires.UTC()}}
	return nil
}

func (m *memory) Touch(ctx context.Context, id string, expires time.Time) error {
	leave, err := m.enter(ctx)
	defer leave()
	if err != nil {
		return err
	}
	e := m.at(id)
	if !readable(e) {
		return sessions.ErrNotFound
	}
	e.Expires, e.Kind = expires.UTC(), store.Native
	m.rows[id] = e
	return nil
}

func (m *memory) Delete(ctx context.Context, id string) error {
	leave, err := m.enter(ctx)
	defer leave()
	if err != nil {
		return err
	}
	if !readable(m.at(id)) {
		return sessions.ErrNotFound
	}
	delete(m.rows, id)
	return nil
}

func (m *memory) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	leave, err := m.enter(ctx)
	defer leave()
	if err == nil && expires.After(m.facets[ref].Expires) {
		m.facets[ref] = store.Facets{Ref: ref, Value: append([]byte{}, value...), Expires: expires.UTC()}
	}
	return err
}

func (m *memory) GetFacets(ctx context.Context, ref string) ([]byte, error) {
	leave, err := m.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	f := m.facets[ref]
	if !time.Now().Before(f.Expires) {
		return nil, sessions.ErrNotFound
	}
	return bytes.Clone(f.Value), nil
}

func (m *memory) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	leave, err := m.enter(ctx)
	var found []sessions.Stored
	for id := range m.rows {
		if e := m.at(id); err == nil && readable(e) {
			found = append(found, e.Stored)
		}
	}
	leave()
	for _, s := range found {
		if err := fn(s); err != nil {
			return err
		}
	}
	return err
}

func (m *memory) ScanFacets(ctx context.Context, fn func(store.Facets) error) error {
	leave, err := m.enter(ctx)
	var found []store.Facets
	for _, f := range m.facets {
		if err == nil && time.Now().Before(f.Expires) {
			found = append(found, f)
		}
	}
	leave()
	for _, f := range found {
		if err := fn(f); err != nil {
			return err
		}
	}
	return err
}

func (m *memory) Len(ctx context.Context) (int, error) {
	n := 0
	err := m.Scan(ctx, func(sessions.Stored) error {
		n++
		return nil
	})
	return n, err
}

func (m *memory) Import(ctx context.Context, s sessions.Stored) (bool, error) {
	leave, err := m.enter(ctx)
	defer leave()
	if err != nil || !time.Now().Before(s.Expires) {
		return false, err
	}
	e := m.at(s.ID)
	newer := s.Version > e.Version || s.Version == e.Version && e.Kind == store.Copy && s.Expires.After(e.Expires)
	if e.Kind == store.Buried || e.Kind != store.Absent && !newer {
		return false, nil
	}
	s.Data = append([]byte{}, s.Data...)
	m.rows[s.ID] = store.Entry{Kind: store.Copy, Stored: s}
	return true, nil
}

func (m *memory) Retract(ctx context.Context, id string, version uint64) (bool, error) {
	leave, err := m.enter(ctx)
	defer leave()
	if e := m.at(id); err != nil || e.Kind != store.Copy || e.Version != version {
		return false, err
	}
	delete(m.rows, id)
	return true, nil
}

func (m *memory) Bury(ctx context.Context, id string, until time.Time) error {
	leave, err := m.enter(ctx)
	defer leave()
	if err == nil {
		m.rows[id] = store.Entry{Kind: store.Buried, Stored: sessions.Stored{ID: id, Expires: until}}
	}
	return err
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
