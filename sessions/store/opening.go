package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// Opening is a store that is being opened, such as the file that a process of before has to let go of. Whoever asks
// meanwhile waits, as long as patience, and then fails with sessions.ErrUnavailable. It is safe for concurrent use.
type Opening struct {
	patience time.Duration
	opened   chan struct{} // closed when there is a store, or none will be
	stop     context.CancelFunc
	running  sync.WaitGroup
	store    sessions.Store // set before opened is closed
	failed   error
}

var _ sessions.Store = (*Opening)(nil)

// NewOpening calls open until it gives a store, or an error that does not wrap sessions.ErrUnavailable. told, which may be nil,
// gets the outcome. open should not wait for long: Close waits for it.
func NewOpening(patience time.Duration, open func() (sessions.Store, error), told func(error)) *Opening {
	ctx, cancel := context.WithCancel(context.Background())
	o := &Opening{patience: patience, opened: make(chan struct{}), stop: cancel}
	o.running.Go(func() {
		defer close(o.opened)
		for {
			if o.store, o.failed = open(); !errors.Is(o.failed, sessions.ErrUnavailable) || ctx.Err() != nil {
				break
			}
		}
		if told != nil {
			told(o.failed)
		}
	})
	return o
}

// get waits for the store.
func (o *Opening) get(ctx context.Context) (sessions.Store, error) {
	select {
	case <-o.opened:
	default:
		patience := time.NewTimer(o.patience)
		defer patience.Stop()
		select {
		case <-o.opened:
		case <-patience.C:
			return nil, fmt.Errorf("%w: it is not open yet", sessions.ErrUnavailable)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if o.failed != nil {
		return nil, fmt.Errorf("%w: %w", sessions.ErrUnavailable, o.failed)
	}
	return o.store, nil
}

// Load implements sessions.Store, as what follows.
func (o *Opening) Load(ctx context.Context, id string) ([]byte, error) {
	s, err := o.get(ctx)
	if err != nil {
		return nil, err
	}
	return s.Load(ctx, id)
}

// Save implements sessions.Store.
func (o *Opening) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	return o.with(ctx, func(s sessions.Store) error { return s.Save(ctx, id, version, data, expires) })
}

// Touch implements sessions.Store.
func (o *Opening) Touch(ctx context.Context, id string, expires time.Time) error {
	return o.with(ctx, func(s sessions.Store) error { return s.Touch(ctx, id, expires) })
}

// Delete implements sessions.Store.
func (o *Opening) Delete(ctx context.Context, id string) error {
	return o.with(ctx, func(s sessions.Store) error { return s.Delete(ctx, id) })
}

// PutFacets implements sessions.Store.
func (o *Opening) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	return o.with(ctx, func(s sessions.Store) error { return s.PutFacets(ctx, ref, value, expires) })
}

// GetFacets implements sessions.Store.
func (o *Opening) GetFacets(ctx context.Context, ref string) ([]byte, error) {
	s, err := o.get(ctx)
	if err != nil {
		return nil, err
	}
	return s.GetFacets(ctx, ref)
}

// Scan implements sessions.Store.
func (o *Opening) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	return o.with(ctx, func(s sessions.Store) error { return s.Scan(ctx, fn) })
}

// Len implements sessions.Store.
func (o *Opening) Len(ctx context.Context) (int, error) {
	s, err := o.get(ctx)
	if err != nil {
		return 0, err
	}
	return s.Len(ctx)
}

func (o *Opening) with(ctx context.Context, do func(sessions.Store) error) error {
	s, err := o.get(ctx)
	if err != nil {
		return err
	}
	return do(s)
}

// Close implements sessions.Store. A store that is being opened is closed as well.
func (o *Opening) Close() error {
	o.stop()
	o.running.Wait()
	if o.failed != nil {
		return nil
	}
	return o.store.Close()
}
