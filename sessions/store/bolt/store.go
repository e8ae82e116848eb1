package bolt

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

// maxKey is the longest id or reference, in bytes. Longer ones are never found and not stored.
const maxKey = 512

// Store is a store.Movable, and so a sessions.Store, in a file. It is made by Open.
type Store struct {
	options Options
	db      *bbolt.DB
	queue   chan *write

	once     sync.Once
	closing  chan struct{} // closed by Close: no more writes
	stopped  chan struct{} // closed by write when the last one is committed
	helpers  sync.WaitGroup
	unsynced atomic.Bool // something was committed since the last Sync of SyncInterval
	closed   error       // what closing gave; written once
}

var _ store.Movable = (*Store)(nil)

func start(db *bbolt.DB, o Options) *Store {
	s := &Store{
		options: o, db: db,
		queue: make(chan *write, queueSize), closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	go s.write()
	// A sweep that fails leaves what it was to remove to the next one; writes fail as well then, and are heard.
	s.helpers.Go(func() { s.always(o.SweepEvery, func() { _ = s.sweep() }) })
	if o.Sync == SyncInterval {
		// A failure leaves unsynced set: the next tick tries again, and Close gives the error.
		s.helpers.Go(func() { s.always(o.SyncEvery, func() { _ = s.sync() }) })
	}
	return s
}

// Close commits what was written, syncs it whatever the policy, and releases the file to whoever waits for it. Later calls
// of all methods give errors that wrap sessions.ErrUnavailable; that of Close gives the same again.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.closing)
		<-s.stopped
		s.helpers.Wait()
		err := s.sync()
		if closeErr := s.db.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			s.closed = fmt.Errorf("session store %s: %w", s.options.Path, err)
		}
	})
	return s.closed
}

// sync brings to the disk what SyncInterval has left.
func (s *Store) sync() error {
	if !s.db.NoSync || !s.unsynced.Swap(false) {
		return nil
	}
	err := s.db.Sync()
	if err != nil {
		s.unsynced.Store(true)
	}
	return err
}

// always does something at an interval until the store is closed.
func (s *Store) always(every time.Duration, do func()) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			do()
		case <-s.closing:
			return
		}
	}
}

func nowMillis() int64 { return time.Now().UnixMilli() }

// Load implements sessions.Store.
func (s *Store) Load(ctx context.Context, id string) ([]byte, error) {
	e, err := s.Get(ctx, id)
	if err == nil && e.Data == nil {
		err = sessions.ErrNotFound
	}
	return e.Data, err
}

// Get implements store.Movable.
func (s *Store) Get(ctx context.Context, id string) (store.Entry, error) {
	e := store.Entry{Stored: sessions.Stored{ID: id}}
	err := s.read(ctx, func(tx *bbolt.Tx) error {
		r, err := get(tx.Bucket([]byte(sessionBucket)), id)
		if err != nil || nowMillis() >= r.expires {
			return err
		}
		e.Kind, e.Version, e.Expires = r.kind, r.version, timeOf(r.expires)
		if r.stored() {
			e.Data = append([]byte{}, r.data...)
		}
		return nil
	})
	return e, err
}

// Save implements sessions.Store.
func (s *Store) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	if err := checkKey(id); err != nil {
		return err
	}
	r := row{kind: store.Native, version: version, expires: millis(expires), data: data}
	value := r.encode()
	r.data = nil // it is the caller's, who may not wait for the commit
	var refused error
	err := s.do(ctx, len(value), func(b *batch) error {
		had, err := b.sessions.get(id)
		if err != nil {
			return err
		}
		if refused = admit(had, version, b.now); refused != nil {
			return nil
		}
		return b.put(id, had, r, value)
	})
	if err != nil {
		return err // refused may be in use still
	}
	return refused
}

// admit decides by what is stored whether a version may be.
func admit(had row, version uint64, now int64) error {
	switch {
	case !had.live(now) && version == 1:
		return nil
	case !had.live(now):
		return sessions.ErrNotFound
	case version != had.version+1:
		return sessions.ErrConflict
	}
	return nil
}

// Touch implements sessions.Store.
func (s *Store) Touch(ctx context.Context, id string, expires time.Time) error {
	var refused error
	err := s.do(ctx, 0, func(b *batch) error {
		had, err := b.sessions.get(id)
		if err != nil {
			return err
		}
		if !had.live(b.now) {
			refused = sessions.ErrNotFound
			return nil
		}
		r := row{kind: store.Native, version: had.version, expires: millis(expires), data: had.data}
		return b.put(id, had, r, r.encode())
	})
	if err != nil {
		return err
	}
	return refused
}

// Delete implements sessions.Store. It leaves graves alone.
func (s *Store) Delete(ctx context.Context, id string) error {
	var refused error
	err := s.do(ctx, 0, func(b *batch) error {
		had, err := b.sessions.get(id)
		if err != nil {
			return err
		}
		if !had.live(b.now) {
			refused = sessions.ErrNotFound
		}
		if !had.stored() {
			return nil
		}
		return b.remove(id, had)
	})
	if err != nil {
		return err
	}
	return refused
}

// PutFacets implements sessions.Store.
func (s *Store) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	if err := checkKey(ref); err != nil {
		return err
	}
	r := row{kind: store.Native, expires: millis(expires), data: value}
	if kept, err := s.keepsFacets(ctx, ref, r); err != nil || kept {
		return err
	}
	encoded := r.encode()
	r.data = nil
	return s.do(ctx, len(encoded), func(b *batch) error {
		had, err := b.facets.get(ref)
		if err != nil || had.expires >= r.expires {
			return err
		}
		b.dirty = true
		return b.facets.put(ref, had, encoded, r.expires)
	})
}

// keepsFacets says whether a value is there for long enough already: most are, and need no fsync.
func (s *Store) keepsFacets(ctx context.Context, ref string, r row) (kept bool, err error) {
	err = s.read(ctx, func(tx *bbolt.Tx) error {
		had, err := get(tx.Bucket([]byte(facetsBucket)), ref)
		kept = had.live(nowMillis()) && had.expires >= r.expires && bytes.Equal(had.data, r.data)
		return err
	})
	return kept, err
}

// GetFacets implements sessions.Store.
func (s *Store) GetFacets(ctx context.Context, ref string) ([]byte, error) {
	var value []byte
	err := s.read(ctx, func(tx *bbolt.Tx) error {
		r, err := get(tx.Bucket([]byte(facetsBucket)), ref)
		if err == nil && !r.live(nowMillis()) {
			err = sessions.ErrNotFound
		}
		value = append([]byte{}, r.data...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// checkKey keeps a key that bbolt refuses from failing the writes that it shares a commit with.
func checkKey(key string) error {
	if len(key) == 0 || len(key) > maxKey {
		return fmt.Errorf("session store: an id or reference of %d bytes; want 1 to %d", len(key), maxKey)
	}
	return nil
}
