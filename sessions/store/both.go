package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// Both is the store of a sidecar during a move: it reads both, and writes to the new one alone. A session that
// only the old one has is imported before its first edit, so no edit is lost whichever of Migrate and a
// shopper comes first. An erased one is buried in the new store before it leaves the old one, so that a
// copy that is on its way cannot bring it back.
//
// Every sidecar of a fleet has to be on Both, or none: one that writes to the old store alone forks
// the sessions that the others edit meanwhile. Both stores have to be reachable. Both is safe for concurrent use.
type Both struct {
	old, new Movable
}

// graveyard is how much longer than the session a grave lives: the clocks of the stores may differ.
const graveyard = time.Hour

// NewBoth makes a Both, which owns the two stores: Close closes them.
func NewBoth(from, to Movable) *Both { return &Both{old: from, new: to} }

var _ sessions.Store = (*Both)(nil)

// get gives what counts under id. The order matters: while it reads the old store, an edit may turn the copy into a
// native one, and then what it returns was the truth when it began.
func (b *Both) get(ctx context.Context, id string) (Entry, error) {
	e, err := b.new.Get(ctx, id)
	if err != nil || e.Kind == Native || e.Kind == Buried {
		return e, err
	}
	return b.old.Get(ctx, id)
}

// Load implements sessions.Store.
func (b *Both) Load(ctx context.Context, id string) ([]byte, error) {
	e, err := b.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !e.live() {
		return nil, sessions.ErrNotFound
	}
	return e.Data, nil
}

// bring makes the new store the one that has the last word on id.
func (b *Both) bring(ctx context.Context, id string) error {
	e, err := b.new.Get(ctx, id)
	if err != nil || e.Kind == Native || e.Kind == Buried {
		return err
	}
	old, err := b.old.Get(ctx, id)
	if err != nil {
		return err
	}
	if old.live() {
		_, err = b.new.Import(ctx, old.Stored)
		return err
	}
	if e.Kind == Copy { // of a session that has ended since it was copied
		_, err = b.new.Retract(ctx, id, e.Version)
	}
	return err
}

// Save implements sessions.Store.
func (b *Both) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	if err := b.bring(ctx, id); err != nil {
		return err
	}
	return b.new.Save(ctx, id, version, data, expires)
}

// Touch implements sessions.Store.
func (b *Both) Touch(ctx context.Context, id string, expires time.Time) error {
	if err := b.bring(ctx, id); err != nil {
		return err
	}
	return b.new.Touch(ctx, id, expires)
}

// Delete implements sessions.Store. One that was interrupted can be repeated.
func (b *Both) Delete(ctx context.Context, id string) error {
	e, err := b.new.Get(ctx, id)
	if err != nil {
		return err
	}
	old, err := b.old.Get(ctx, id)
	if err != nil {
		return err
	}
	if e.Kind != Native && !old.live() {
		return b.sweepUp(ctx, e, id)
	}
	until := e.Expires
	if old.Expires.After(until) {
		until = old.Expires
	}
	if err := b.new.Bury(ctx, id, until.Add(graveyard)); err != nil {
		return err
	}
	if err := b.old.Delete(ctx, id); err != nil && !errors.Is(err, sessions.ErrNotFound) {
		return err
	}
	return nil
}

// sweepUp removes the copy of a session that is not there any more.
func (b *Both) sweepUp(ctx context.Context, e Entry, id string) error {
	if e.Kind == Copy {
		if _, err := b.new.Retract(ctx, id, e.Version); err != nil {
			return err
		}
	}
	return sessions.ErrNotFound
}

// PutFacets implements sessions.Store.
func (b *Both) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	return b.new.PutFacets(ctx, ref, value, expires)
}

// GetFacets implements sessions.Store.
func (b *Both) GetFacets(ctx context.Context, ref string) ([]byte, error) {
	value, err := b.new.GetFacets(ctx, ref)
	if errors.Is(err, sessions.ErrNotFound) {
		return b.old.GetFacets(ctx, ref)
	}
	return value, err
}

// Scan implements sessions.Store. A session that is in both stores is seen once; one that leaves the old store
// during the scan may be seen twice.
func (b *Both) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	// Nothing comes into the old store, so what is there afterwards was there all the time, and has been seen.
	err := b.old.Scan(ctx, func(s sessions.Stored) error { return b.show(ctx, s.ID, fn) })
	if err != nil {
		return err
	}
	return b.new.Scan(ctx, func(s sessions.Stored) error {
		old, err := b.old.Get(ctx, s.ID)
		if err != nil || old.live() {
			return err
		}
		return b.show(ctx, s.ID, fn)
	})
}

func (b *Both) show(ctx context.Context, id string, fn func(sessions.Stored) error) error {
	e, err := b.get(ctx, id)
	if err != nil || !e.live() {
		return err
	}
	return fn(e.Stored)
}

// Len implements sessions.Store: at the beginning of a move most sessions are in the old store, at its end
// all are in the new one.
func (b *Both) Len(ctx context.Context) (int, error) {
	old, oldErr := b.old.Len(ctx)
	now, newErr := b.new.Len(ctx)
	return max(old, now), cmp.Or(oldErr, newErr)
}

// Close closes both stores.
func (b *Both) Close() error { return errors.Join(b.old.Close(), b.new.Close()) }
