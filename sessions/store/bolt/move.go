package bolt

import (
	"context"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

// Import implements store.Movable.
func (s *Store) Import(ctx context.Context, stored sessions.Stored) (bool, error) {
	if err := checkKey(stored.ID); err != nil {
		return false, err
	}
	r := row{kind: store.Copy, version: stored.Version, expires: millis(stored.Expires), data: stored.Data}
	value := r.encode()
	r.data = nil
	imported := false
	err := s.do(ctx, len(value), func(b *batch) error {
		had, err := b.sessions.get(stored.ID)
		if err != nil || !takes(had, r, b.now) {
			return err
		}
		imported = true
		return b.put(stored.ID, had, r, value)
	})
	if err != nil {
		return false, err
	}
	return imported, nil
}

// takes says whether the copy r is to replace had.
func takes(had, r row, now int64) bool {
	switch {
	case now >= r.expires:
		return false
	case had.kind == store.Absent || now >= had.expires:
		return true
	case had.kind == store.Buried:
		return false
	}
	return r.version > had.version || r.version == had.version && had.kind == store.Copy && r.expires > had.expires
}

// Retract implements store.Movable.
func (s *Store) Retract(ctx context.Context, id string, version uint64) (bool, error) {
	retracted := false
	err := s.do(ctx, 0, func(b *batch) error {
		had, err := b.sessions.get(id)
		if err != nil || had.kind != store.Copy || had.version != version {
			return err
		}
		retracted = true
		return b.remove(id, had)
	})
	if err != nil {
		return false, err
	}
	return retracted, nil
}

// Bury implements store.Movable.
func (s *Store) Bury(ctx context.Context, id string, until time.Time) error {
	if err := checkKey(id); err != nil {
		return err
	}
	r := row{kind: store.Buried, expires: millis(until)}
	return s.do(ctx, 0, func(b *batch) error {
		had, err := b.sessions.get(id)
		if err != nil {
			return err
		}
		return b.put(id, had, r, r.encode())
	})
}
