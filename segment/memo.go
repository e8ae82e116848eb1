package segment

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

// The estimates of what a claim holds beside its bytes of text, in bytes.
const (
	claimOverhead     = 1024 // entry, claim, stated and verified segment
	segmentOverhead   = 64   // one extra field
	projectedOverhead = 320  // struct, digest, size classes
)

const (
	ways         = 8
	setsPerShard = 8
	shardEntries = ways * setsPerShard
	shardBytes   = shardEntries * memoBytesPerEntry
)

// memo remembers claims under the exact bytes they were made from. Clients choose those bytes, so it is bounded in
// entries and in bytes, its hash is seeded, and whole keys are compared.
//
// It is a set-associative table, not a map: a lookup takes no lock and follows one pointer, and to evict is to look
// at the eight places of a set. Writers of a shard take turns; a reader sees an old entry or a new one, both whole.
type memo struct {
	seed   maphash.Seed
	shards []shard
}

type shard struct {
	bytes atomic.Int64 // sum of the cost of all claims in here
	mu    sync.Mutex   // for writers; guards the hands
	hand  int          // where trim goes on
	sets  [setsPerShard]set
}

// set holds entries with, beside each, 32 bits of its hash, so that a reader touches only the entry that it wants.
// The two may disagree for a moment, and then the reader misses: the entry knows its own key.
type set struct {
	hand   int
	tags   [ways]atomic.Uint32
	places [ways]atomic.Pointer[memoEntry]
}

type memoEntry struct {
	hash  uint64
	key   query // own copies
	claim *Claim
	used  atomic.Bool // since a hand last went by
}

func newMemo(entries int) *memo {
	return &memo{seed: maphash.MakeSeed(), shards: make([]shard, (entries+shardEntries-1)/shardEntries)}
}

func makePlaces(n int) []atomic.Pointer[Projected] { return make([]atomic.Pointer[Projected], n) }

func (m *memo) hash(q *query) uint64 {
	h := maphash.Bytes(m.seed, q.token) + uint64(q.flags)*0x9e3779b97f4a7c15
	if len(q.seal) > 0 {
		h = h*0xff51afd7ed558ccd ^ maphash.Bytes(m.seed, q.seal)
	}
	if len(q.overlay) > 0 {
		h = h*0xc4ceb9fe1a85ec53 ^ maphash.Bytes(m.seed, q.overlay)
	}
	return h
}

func (m *memo) locate(hash uint64) (*shard, *set, uint32) {
	high, _ := bits.Mul64(hash, uint64(len(m.shards)))
	s := &m.shards[high]
	return s, &s.sets[hash%setsPerShard], uint32(hash / setsPerShard)
}

// get returns the claim for q if it is there and still holds at now.
func (m *memo) get(hash uint64, q *query, now int64) *Claim {
	_, set, tag := m.locate(hash)
	for i := range set.places {
		if set.tags[i].Load() != tag {
			continue
		}
		if e := set.places[i].Load(); e != nil && e.is(hash, q) && e.holds(now) {
			// Reading first keeps the line shared between cores.
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e.claim
		}
	}
	return nil
}

func (e *memoEntry) is(hash uint64, q *query) bool {
	return e.hash == hash && e.key.flags == q.flags && bytes.Equal(e.key.token, q.token) &&
		bytes.Equal(e.key.seal, q.seal) && bytes.Equal(e.key.overlay, q.overlay)
}

func (e *memoEntry) holds(now int64) bool { return e.claim.until == 0 || now < e.claim.until }

// put remembers c and returns it, or the claim that another request has put there first, so that both share its projections.
func (m *memo) put(hash uint64, q *query, c *Claim, now int64) *Claim {
	s, set, tag := m.locate(hash)
	e := &memoEntry{hash: hash, key: q.clone(), claim: c}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, before := set.place(hash, q)
	if before != nil && before.is(hash, q) && before.holds(now) && before.claim.until == c.until {
		return before.claim
	}
	if before != nil {
		before.claim.leave()
	}
	c.settle(s)
	set.places[i].Store(e)
	set.tags[i].Store(tag)
	s.shrink(e)
	return c
}

// place chooses where q goes and says who is there: itself, nobody, or the first entry that was not used of late.
func (s *set) place(hash uint64, q *query) (int, *memoEntry) {
	free := -1
	for i := range s.places {
		e := s.places[i].Load()
		if e == nil {
			free = i
		} else if e.is(hash, q) {
			return i, e
		}
	}
	if free >= 0 {
		return free, nil
	}
	for range ways {
		s.hand = (s.hand + 1) % ways
		if !s.places[s.hand].Load().used.Swap(false) {
			break
		}
	}
	return s.hand, s.places[s.hand].Load()
}

// trim brings the shard back under its bytes after a claim in it has grown.
func (s *shard) trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shrink(nil)
}

// shrink evicts until the bytes are few enough: in a first round what was not used of late, in a second one whatever
// there is but keep. Two rounds are 128 places, so the work of one insertion is bounded.
func (s *shard) shrink(keep *memoEntry) {
	for step := 0; step < 2*shardEntries && s.bytes.Load() > shardBytes; step++ {
		s.hand = (s.hand + 1) % shardEntries
		place := &s.sets[s.hand/ways].places[s.hand%ways]
		e := place.Load()
		if e == nil || e == keep || step < shardEntries && e.used.Swap(false) {
			continue
		}
		place.Store(nil)
		e.claim.leave()
	}
}

func (q *query) size() int { return len(q.token) + len(q.seal) + len(q.overlay) }

// clone copies the bytes, in one allocation, since the caller's are valid for one request only.
func (q *query) clone() query {
	all := make([]byte, 0, q.size())
	all = append(append(append(all, q.token...), q.seal...), q.overlay...)
	t, s := len(q.token), len(q.token)+len(q.seal)
	return query{token: all[:t:t], seal: all[t:s:s], overlay: all[s:], flags: q.flags}
}
