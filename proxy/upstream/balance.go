package upstream

import (
	"net/url"
	"time"
)

// skipFor is how long a server that could not be connected to is left alone
// while there is another one.
const skipFor = time.Second

// server is one server of an upstream. The upstream's mutex guards its counts.
type server struct {
	url      *url.URL
	inFlight int
	skipped  time.Time // until when others come first
}

// pick gives the server with the fewest fetches in flight, those that could not
// be connected to of late coming last, and counts one more there. Ties go round.
// It never gives not; nil says that there is no other.
func (u *Upstream) pick(not *server) *server {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	var best *server
	for i := range u.servers {
		s := u.servers[(u.turn+i)%len(u.servers)]
		if s != not && (best == nil || s.before(best, now)) {
			best = s
		}
	}
	u.turn = (u.turn + 1) % len(u.servers)
	if best != nil {
		best.inFlight++
	}
	return best
}

func (s *server) before(other *server, now time.Time) bool {
	if a, b := s.skipped.After(now), other.skipped.After(now); a != b {
		return b
	}
	return s.inFlight < other.inFlight
}

// put gives back what pick counted.
func (u *Upstream) put(s *server) {
	u.mu.Lock()
	s.inFlight--
	u.mu.Unlock()
}

// skip notes that s could not be connected to.
func (u *Upstream) skip(s *server) {
	u.mu.Lock()
	s.skipped = time.Now().Add(skipFor)
	u.mu.Unlock()
}
