package store

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/aislecache/aisle/cache"
)

const (
	// stripes is how many writers can wait for ristretto at a time.
	stripes = 64

	// entryShare: an entry may take this part of the memory at most. A few pages of
	// half the memory each would evict everything else for the sake of themselves.
	entryShare = 8

	// averageEntry and countersPerEntry size the frequency sketch: ten counters for
	// each page that fits, as ristretto's authors advise. Storefront pages have
	// 20–80 KB, fragments and JSON a few; taking the average low errs towards counters,
	// which cost 0.7 % of the memory, and not towards forgetting what is popular.
	averageEntry     = 8 << 10
	countersPerEntry = 10

	// minCounters keeps the sketch meaningful in a cache of a few megabytes.
	minCounters = 10_000

	// getBuffer is ristretto's own advice for BufferItems.
	getBuffer = 64
)

// Store is a cache.Store in memory. It is safe for concurrent use. The zero
// value is not usable; New makes one, and Close ends its goroutines.
type Store struct {
	items    *ristretto.Cache[uint64, *cache.Entry]
	maxEntry int64
	tally    tally

	locks [stripes]sync.Mutex // each: one write per hash at a time
}

var _ cache.Store = (*Store)(nil)

// New makes an empty store for entries whose costs sum up to memory bytes at
// most. It refuses a memory that is not positive.
func New(memory int64) (*Store, error) {
	if memory <= 0 {
		return nil, fmt.Errorf("store: memory %d: must be positive", memory)
	}
	s := &Store{maxEntry: memory / entryShare}
	items, err := ristretto.NewCache(&ristretto.Config[uint64, *cache.Entry]{
		NumCounters:        max(memory/averageEntry*countersPerEntry, minCounters),
		MaxCost:            memory,
		BufferItems:        getBuffer,
		IgnoreInternalCost: true, // Entry.Cost counts what ristretto adds
		KeyToHash:          identity,
		OnEvict:            s.tally.onEvict,
		OnReject:           s.tally.onReject,
		OnExit:             s.tally.onExit,
	})
	if err != nil {
		return nil, fmt.Errorf("store: memory %d: %w", memory, err)
	}
	s.items = items
	return s, nil
}

// identity: the engine's hash is seeded and of 64 bits already. The second
// hash stays zero, which ristretto takes for "do not compare"; Get compares the key.
func identity(hash uint64) (uint64, uint64) { return hash, 0 }

// Get returns the entry that was last set under exactly these key bytes, or
// nil: none, evicted, expired, or displaced by another key of the same hash. The
// entry is shared and must not be changed. Get allocates nothing.
func (s *Store) Get(hash uint64, key []byte) *cache.Entry {
	e, ok := s.items.Get(hash)
	if !ok || !bytes.Equal(e.Key, key) || e.Expires() <= cache.TimeOf(time.Now()) {
		return nil
	}
	return e
}

// Set stores e in place of what its key had, and says whether it is there now.
// It is not if it expires at once, if it costs more than an eighth of the memory,
// if the pages that it would displace are asked for more often, or after Close;
// the older entry of the key is gone in any case, since e supersedes it. Set keeps
// e, which must not be changed any more.
func (s *Store) Set(e *cache.Entry) bool {
	if e == nil {
		return false
	}
	lock := s.lock(e.Hash)
	lock.Lock()
	defer lock.Unlock()
	now := cache.TimeOf(time.Now())
	cost := e.Cost()
	if e.Expires() <= now || cost > s.maxEntry {
		s.tally.refused.Add(1)
		s.remove(e.Hash, e.Key)
		return false
	}
	return s.put(e, cost, lifetime(now, e.Expires()))
}

// put is the write of a hash whose lock is held. Del comes first so that ristretto
// never takes its path of updates, which weighs nothing against the bound. GetTTL
// and not Get asks for the outcome: Get would count as interest in the page, so that
// each page of a flood were more popular than the next one and none could follow.
func (s *Store) put(e *cache.Entry, cost int64, ttl time.Duration) bool {
	s.items.Del(e.Hash)
	s.tally.entered.Add(1)
	if !s.items.SetWithTTL(e.Hash, e, cost, ttl) {
		s.tally.entered.Add(-1)
		s.tally.dropped.Add(1)
		return false
	}
	s.items.Wait()
	_, kept := s.items.GetTTL(e.Hash)
	if kept {
		s.tally.added.Add(1)
	}
	return kept
}

// Del removes the entry under exactly these key bytes, if there is one.
func (s *Store) Del(hash uint64, key []byte) {
	lock := s.lock(hash)
	lock.Lock()
	defer lock.Unlock()
	s.remove(hash, key)
}

// remove needs the lock of the hash, which also sees to it that no write of this
// hash is still buffered: what Get does not show is not there.
func (s *Store) remove(hash uint64, key []byte) {
	if e, ok := s.items.Get(hash); ok && bytes.Equal(e.Key, key) {
		s.items.Del(hash)
	}
}

func (s *Store) lock(hash uint64) *sync.Mutex { return &s.locks[hash%stripes] }

// Close empties the store and ends its goroutines; a second one does nothing. Writes
// that come meanwhile or later, from a refresh that outlived its listener, do nothing:
// the locks keep them out of ristretto's Close, which is not safe beside them. Nor is
// Get, which takes no lock: servers stop first.
func (s *Store) Close() {
	for i := range s.locks {
		s.locks[i].Lock()
		defer s.locks[i].Unlock()
	}
	s.items.Close()
}

// tally counts what becomes of entries. ristretto calls the hooks from its own
// goroutine and, for OnExit, from that of Del: they must not call back.
type tally struct {
	entered, exited                   atomic.Int64
	added, evicted, expired, rejected atomic.Uint64
	refused, dropped                  atomic.Uint64
}

// onEvict tells two cases apart by the expiration, which only ristretto's clean-up
// of what is over fills in. The value is nil where a Del was quicker.
func (t *tally) onEvict(i *ristretto.Item[*cache.Entry]) {
	switch {
	case i.Value == nil:
	case i.Expiration.IsZero():
		t.evicted.Add(1)
	default:
		t.expired.Add(1)
	}
}

func (t *tally) onReject(*ristretto.Item[*cache.Entry]) { t.rejected.Add(1) }

// onExit comes with nil, twice, for each Del of what is absent.
func (t *tally) onExit(e *cache.Entry) {
	if e != nil {
		t.exited.Add(1)
	}
}
