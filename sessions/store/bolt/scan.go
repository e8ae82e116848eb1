package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

const (
	// pageRows and pageBytes bound what one transaction of a scan reads. A transaction over the
	// whole scan would keep every page that is written meanwhile, and writers from enlarging the file.
	pageRows  = 256
	pageBytes = 1 << 20
	// sweepRows is how many rows one batch of a sweep removes, since shoppers' writes wait for its commit.
	sweepRows = 128
)

// found is a row with its key, both in memory of their own.
type found struct {
	key string
	row
}

// Scan implements sessions.Store. No transaction is open while fn runs.
func (s *Store) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	return s.scan(ctx, sessionBucket, func(f found) error {
		return fn(sessions.Stored{ID: f.key, Version: f.version, Data: f.data, Expires: timeOf(f.expires)})
	})
}

// ScanFacets implements store.Movable.
func (s *Store) ScanFacets(ctx context.Context, fn func(store.Facets) error) error {
	return s.scan(ctx, facetsBucket, func(f found) error {
		return fn(store.Facets{Ref: f.key, Value: f.data, Expires: timeOf(f.expires)})
	})
}

func (s *Store) scan(ctx context.Context, bucket string, fn func(found) error) error {
	for after := ""; ; {
		var page []found
		more := false
		err := s.read(ctx, func(tx *bbolt.Tx) (err error) {
			page, after, more, err = readPage(tx.Bucket([]byte(bucket)), after)
			return err
		})
		if err != nil {
			return err
		}
		for _, f := range page {
			if err := fn(f); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// readPage gives the live rows behind the key after, the last key that it looked at, and whether there may be more.
func readPage(rows *bbolt.Bucket, after string) (page []found, last string, more bool, err error) {
	now, size, looked := nowMillis(), 0, 0
	c := rows.Cursor()
	k, v := c.Seek([]byte(after))
	if k != nil && string(k) == after {
		k, v = c.Next()
	}
	for ; k != nil; k, v = c.Next() {
		r, err := decode(v)
		if err != nil {
			return nil, "", false, err
		}
		last = string(k)
		if r.live(now) {
			r.data = append([]byte{}, r.data...)
			page, size = append(page, found{last, r}), size+len(r.data)
		}
		if looked++; looked == pageRows || size >= pageBytes {
			return page, last, true, nil
		}
	}
	return page, last, false, nil
}

// Len implements sessions.Store: sessions that ended since the last sweep count still.
func (s *Store) Len(ctx context.Context) (int, error) {
	n := 0
	err := s.read(ctx, func(tx *bbolt.Tx) error {
		n = int(countOf(tx))
		return nil
	})
	return n, err
}

// sweep removes all that has ended, in batches that share their commit with shoppers' writes.
func (s *Store) sweep() error {
	for more := true; more; {
		err := s.do(context.Background(), 0, func(b *batch) (err error) {
			more, err = b.sweep()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what has ended, a bounded number, and says whether there may be more.
func (b *batch) sweep() (more bool, err error) {
	ended, counted, err := b.sessions.sweep(b.now, sweepRows)
	if err != nil {
		return false, err
	}
	facets, _, err := b.facets.sweep(b.now, sweepRows)
	b.count -= counted
	b.dirty = b.dirty || ended+facets > 0
	return ended == sweepRows || facets == sweepRows, err
}
