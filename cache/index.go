package cache

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// shardCount spreads the locks of index, marks and flights. A base key and all
// its variants live in one shard, so that recording what a page varies by and
// registering its flight under the final key are one step.
const shardCount = 64

// maxSpecs bounds how many different variant specifications of one URL are
// looked through; the oldest goes first.
const maxSpecs = 4

// shard is the part of the engine's own memory that a base key falls into.
type shard struct {
	mu      sync.RWMutex
	specs   table[*specRecord] // by base key
	marks   table[Time]        // by flight key: until when it is hit-for-miss
	flights map[string]*flight // by key; a flight that landed stays until the store shows it
	backoff table[Time]        // by flight key: no refresh behind a stale page before then
}

// specRecord is what is known of the pages of one base key. Its specs are never
// changed once it is in the index, so a reader needs the lock only to get it.
type specRecord struct {
	specs  []variantSpec // newest first, never empty
	varied *variedValues
}

// variedValues are digests of the Vary values stored of a URL and when those
// pages are over; the shard's lock guards it.
type variedValues struct{ until map[uint64]Time }

// with gives the record with s in front. r may be nil.
func (r *specRecord) with(s *variantSpec) *specRecord {
	next := &specRecord{specs: []variantSpec{*s}, varied: &variedValues{until: map[uint64]Time{}}}
	if r == nil {
		return next
	}
	next.varied = r.varied
	for i := range r.specs {
		if len(next.specs) < maxSpecs && !r.specs[i].equal(s) {
			next.specs = append(next.specs, r.specs[i])
		}
	}
	return next
}

// admitsVariant counts one more variant with these Vary values in, unless limit
// others are alive. over says when its page is over.
//
// At the limit the newcomer is refused: to replace the oldest would let one
// client with 64 odd headers push out everybody else's page again and again.
func (r *specRecord) admitsVariant(digest uint64, now, over Time, limit int) bool {
	values := r.varied.until
	if _, known := values[digest]; !known && len(values) >= limit {
		for d, t := range values {
			if t <= now {
				delete(values, d)
			}
		}
		if len(values) >= limit {
			return false
		}
	}
	values[digest] = max(over, values[digest])
	return true
}

// table is a bounded map from key bytes to a value, with second-chance
// eviction. It finds by hash and compares the whole key. Callers hold its
// shard's lock: for get the read lock is enough.
type table[V any] struct {
	capacity int
	byHash   map[uint64]int // index into slots
	slots    []slot[V]
	hand     int
}

type slot[V any] struct {
	hash  uint64
	key   []byte
	value V
	used  *atomic.Bool // a pointer, as slots move when the slice grows
}

func newTable[V any](capacity int) table[V] {
	return table[V]{capacity: capacity, byHash: map[uint64]int{}}
}

func (t *table[V]) get(hash uint64, key []byte) (value V, ok bool) {
	at, ok := t.byHash[hash]
	if !ok || !bytes.Equal(t.slots[at].key, key) {
		return value, false
	}
	if used := t.slots[at].used; !used.Load() {
		used.Store(true)
	}
	return t.slots[at].value, true
}

// set stores a copy of key. Two keys with one hash share a slot: the later wins,
// which costs a lookup, never a wrong answer.
func (t *table[V]) set(hash uint64, key []byte, value V) {
	at, ok := t.byHash[hash]
	if !ok {
		at = t.room()
		t.byHash[hash] = at
	}
	if s := &t.slots[at]; ok && bytes.Equal(s.key, key) {
		s.value = value
		return
	}
	t.slots[at] = slot[V]{hash: hash, key: bytes.Clone(key), value: value, used: new(atomic.Bool)}
}

func (t *table[V]) room() int {
	if len(t.slots) < t.capacity {
		t.slots = append(t.slots, slot[V]{})
		return len(t.slots) - 1
	}
	for t.slots[t.hand].used.Swap(false) {
		t.hand = (t.hand + 1) % len(t.slots)
	}
	at := t.hand
	t.hand = (t.hand + 1) % len(t.slots)
	delete(t.byHash, t.slots[at].hash)
	return at
}
