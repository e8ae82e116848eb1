package upstream

import "time"

// leastWeight is the share of a server at the first moment of its slow start.
const leastWeight = 0.1

// weight is the part of its share that a server gets, from leastWeight when it
// came back to 1 when the slow start is over. A server that has just started has
// cold caches and would fail again under the load of the others.
func (s *server) weight(now time.Time, slow time.Duration) float64 {
	if s.back.IsZero() || slow <= 0 {
		return 1
	}
	return min(1, max(leastWeight, float64(now.Sub(s.back))/float64(slow)))
}

// turns says whether a server takes part in a choice. While it starts slowly it
// sits most of them out: it saves up its weight, and takes part whenever that
// makes a whole. Where load is low a weight within the comparison of loads would
// mean nothing: a tenth of no requests is none.
func (s *server) turns(now time.Time, slow time.Duration) bool {
	w := s.weight(now, slow)
	if w == 1 {
		s.credit = 0
		return true
	}
	s.credit = min(1, s.credit+w)
	return s.credit == 1
}
