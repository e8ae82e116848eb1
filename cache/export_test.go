package cache

// What tests of package cache_test need to see of the inside.

// Spec makes a variant specification.
func Spec(vary []string, narrowed bool, segment ...string) *variantSpec {
	return &variantSpec{vary: vary, narrowed: narrowed, segment: segment}
}

// VariantKey is a whole key under a specification.
func VariantKey(base []byte, s *variantSpec, d Dimensions) []byte {
	return appendVariant(append([]byte(nil), base...), s, d)
}

// SpecOf gives what Admit read from Vary and Segment-Vary.
func (m *Meta) SpecOf() (vary []string, narrowed bool, segment []string) {
	return m.spec.vary, m.spec.narrowed, m.spec.segment
}

// HeadOf and Merge are headOf and merge.
func HeadOf(resp *OriginResponse, strip bool) (Head, []string) { return headOf(resp, strip) }

// Merge is merge.
func Merge(prior *Entry, resp *OriginResponse) *OriginResponse { return merge(prior, resp) }

// Confirms is confirms.
func Confirms(resp *OriginResponse, prior *Entry) bool { return confirms(resp, prior) }

// DigestOf is digestOf.
func DigestOf(body []byte) string { return digestOf(body) }

// CheckEntry is checkEntry.
func (e *Epochs) CheckEntry(entry *Entry) Verdict { return e.checkEntry(entry) }

// Records counts what the ledgers remember.
func (e *Epochs) Records() (deliberate, casual int) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.deliberate.records), len(e.casual.records)
}

// Streak's verbs.
func (s *Streak) Passing(now Time, interval Span) bool { return s.passing(now, interval.D) }
func (s *Streak) Reached() bool                        { return s.reached() }
func (s *Streak) Storable()                            { s.storable() }
func (s *Streak) Unstorable(now Time, interval Span)   { s.unstorableAnswer(now, interval.D) }

// StreakLimit and ShardCount are the constants.
const (
	StreakLimit = streakLimit
	ShardCount  = shardCount
	MaxSpecs    = maxSpecs
)

// Table is a table of ints.
type Table struct{ t table[int] }

// NewTable makes one.
func NewTable(capacity int) *Table { return &Table{newTable[int](capacity)} }

func (t *Table) Get(hash uint64, key string) (int, bool) { return t.t.get(hash, []byte(key)) }
func (t *Table) Set(hash uint64, key string, v int)      { t.t.set(hash, []byte(key), v) }
func (t *Table) Len() int                                { return len(t.t.slots) }
func (t *Table) Indexed() int                            { return len(t.t.byHash) }

// Flights counts what stands in the flight tables.
func (e *Engine) Flights() int {
	n := 0
	for i := range e.shards {
		e.shards[i].mu.RLock()
		n += len(e.shards[i].flights)
		e.shards[i].mu.RUnlock()
	}
	return n
}

// BodyInFlight gives what a flight of this engine holds of its body, its
// capacity, and who reads; of the only flight there is.
func (e *Engine) BodyInFlight() (held, capacity, readers int) {
	for i := range e.shards {
		e.shards[i].mu.RLock()
		for _, f := range e.shards[i].flights {
			f.body.mu.Lock()
			held, capacity, readers = len(f.body.kept), cap(f.body.kept), f.body.readers
			f.body.mu.Unlock()
		}
		e.shards[i].mu.RUnlock()
	}
	return held, capacity, readers
}

// StreamHolds gives what the body behind a stream holds and its capacity.
func StreamHolds(s *Stream) (held, capacity, readers int) {
	s.body.mu.Lock()
	defer s.body.mu.Unlock()
	return len(s.body.kept), cap(s.body.kept), s.body.readers
}

// ForgetVariants drops the index, as eviction would.
func (e *Engine) ForgetVariants() {
	for i := range e.shards {
		e.shards[i].mu.Lock()
		e.shards[i].specs = newTable[*specRecord](e.shards[i].specs.capacity)
		e.shards[i].mu.Unlock()
	}
}

// Specs counts what the index knows of a base key.
func (e *Engine) Specs(base []byte) int {
	h := e.hash(base)
	if rec := e.shards[h%shardCount].known(h, base); rec != nil {
		return len(rec.specs)
	}
	return 0
}
