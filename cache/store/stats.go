package store

// Stats is what the store holds and what has become of entries since New. The
// counts only rise. Every Set ends in exactly one of Added, Rejected, Refused and
// Dropped, but for the few whose entry was evicted before Set returned.
type Stats struct {
	Entries  int64  // held now; an entry that is over counts until the clean-up of its bucket
	Cost     int64  // of these, in bytes
	Capacity int64  // what Cost may come to, in bytes
	Added    uint64 // stored, replacements included
	Evicted  uint64 // made room for another
	Expired  uint64 // left because they were over
	Rejected uint64 // not stored: less asked for than what they would have displaced
	Refused  uint64 // not stored: over on arrival, or bigger than an entry may be
	Dropped  uint64 // not stored: ristretto's buffer was full, or the store was closed
}

// Stats may be called at any time, from any goroutine, and at a scrape's pace: it
// takes the lock of the eviction policy once.
func (s *Store) Stats() Stats {
	capacity := s.items.MaxCost()
	return Stats{
		Entries:  s.tally.entered.Load() - s.tally.exited.Load(),
		Cost:     capacity - s.items.RemainingCost(),
		Capacity: capacity,
		Added:    s.tally.added.Load(),
		Evicted:  s.tally.evicted.Load(),
		Expired:  s.tally.expired.Load(),
		Rejected: s.tally.rejected.Load(),
		Refused:  s.tally.refused.Load(),
		Dropped:  s.tally.dropped.Load(),
	}
}
