package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/aislecache/aisle/sessions"
)

const (
	// maxBatch and maxBatchBytes bound one commit, and with it how long its first write waits for its last.
	maxBatch      = 512
	maxBatchBytes = 8 << 20
	queueSize     = 1024
)

// write is a change that waits for its turn.
type write struct {
	ctx   context.Context
	size  int
	apply func(*batch) error // an error fails the whole batch: a refusal is no error, it goes by a variable of the caller
	err   error              // written before done is closed
	done  chan struct{}
}

// batch is a transaction that several writes share.
type batch struct {
	sessions, facets table
	now              int64 // Unix milliseconds
	dirty            bool  // something has changed
	count            int64 // by how much the number of sessions has changed
}

// do has a write committed together with whatever else waits. bbolt's own Batch is not used: it lets a lone write
// wait for company, where the fsync of the commit before gives company enough.
//
// When ctx ends before the answer, the write may or may not take place, as the error says by
// wrapping ErrUnavailable.
func (s *Store) do(ctx context.Context, size int, apply func(*batch) error) error {
	w := &write{ctx: ctx, size: size, apply: apply, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return s.unavailable(err)
	}
	select {
	case s.queue <- w:
	case <-ctx.Done():
		return s.unavailable(ctx.Err())
	case <-s.closing:
		return s.unavailable(errClosed)
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return s.unavailable(ctx.Err())
	case <-s.stopped:
	}
	select {
	case <-w.done: // by the last batch
		return w.err
	default: // it came into the queue behind it
		return s.unavailable(errClosed)
	}
}

var errClosed = errors.New("it is closed")

func (s *Store) unavailable(err error) error {
	return fmt.Errorf("session store %s: %w: %w", s.options.Path, sessions.ErrUnavailable, err)
}

// write is the goroutine that commits. After Close it commits what is in the queue and ends.
func (s *Store) write() {
	defer close(s.stopped)
	for {
		select {
		case w := <-s.queue:
			s.commit(s.gather(w))
		case <-s.closing:
			for {
				select {
				case w := <-s.queue:
					s.commit(s.gather(w))
				default:
					return
				}
			}
		}
	}
}

// gather takes what waits, first at the head.
func (s *Store) gather(first *write) []*write {
	all, size := []*write{first}, first.size
	for len(all) < maxBatch && size < maxBatchBytes {
		select {
		case w := <-s.queue:
			all, size = append(all, w), size+w.size
		default:
			return all
		}
	}
	return all
}

func (s *Store) commit(writes []*write) {
	kept := writes[:0]
	for _, w := range writes {
		if err := w.ctx.Err(); err != nil { // nobody waits for it any more
			w.err = s.unavailable(err)
			close(w.done)
			continue
		}
		kept = append(kept, w)
	}
	err := s.transaction(kept)
	if err != nil {
		err = s.unavailable(err)
	}
	for _, w := range kept {
		w.err = err
		close(w.done)
	}
}

// transaction applies the writes together or not at all. Where all were refused there is nothing to sync.
func (s *Store) transaction(writes []*write) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	b := &batch{sessions: sessionTable(tx), facets: facetsTable(tx), now: time.Now().UnixMilli()}
	for _, w := range writes {
		if err := w.apply(b); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if !b.dirty {
		return tx.Rollback()
	}
	if b.count != 0 {
		if err := setCount(tx, countOf(tx)+b.count); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.unsynced.Store(true)
	return nil
}

// read runs fn in a transaction that reads. fn must not wait for anything: an open one lets the file grow. It
// copies what it keeps.
func (s *Store) read(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return s.unavailable(err)
	}
	err := s.db.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return s.unavailable(errClosed)
	}
	return err
}

// put stores a session's row in place of had.
func (b *batch) put(id string, had row, r row, value []byte) error {
	b.dirty = true
	if had.stored() {
		b.count--
	}
	if r.stored() {
		b.count++
	}
	return b.sessions.put(id, had, value, r.expires)
}

// remove removes a session's row.
func (b *batch) remove(id string, had row) error {
	b.dirty = true
	if had.stored() {
		b.count--
	}
	return b.sessions.remove(id, had)
}
