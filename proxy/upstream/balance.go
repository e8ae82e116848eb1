package upstream

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// server is one address that requests go to. What is below the blank line is
// guarded by the upstream's mutex.
type server struct {
	url       *url.URL        // of the configured server that it belongs to
	target    target          // where connections go
	label     *serverCounters // shared by all addresses of a configured server
	transport *http.Transport
	retire    context.CancelFunc // ends its health checks

	inFlight int
	skipped  time.Time // until when others come first
	failed   int       // tries in a row without an answer
	ejected  int       // times in a row that this put it out
	check    rating    // what the health checks say
	back     time.Time // when it came back, for its slow start; zero: it never was out
	credit   float64   // see turns
}

// The ranks of a server in a choice, the best first.
const (
	rankReady   = iota
	rankResting // in its slow start, and not its turn
	rankOut     // ejected, or its health checks fail
)

// pick gives the server with the fewest fetches in flight among those of the best
// rank, and counts one more there. Ties go round. It gives none of not; nil says
// that there is no other.
//
// Where all servers are out they are asked nevertheless: a health check with a
// wrong path must not close the shop, and it is the breaker that keeps an upstream
// from being asked at all.
func (u *Upstream) pick(not ...*server) *server {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	var best *server
	bestRank := 0
	for i := range u.servers {
		s := u.servers[(u.turn+i)%len(u.servers)]
		if slices.Contains(not, s) {
			continue
		}
		rank := u.rank(s, now)
		if best == nil || rank < bestRank || rank == bestRank && s.inFlight < best.inFlight {
			best, bestRank = s, rank
		}
	}
	u.turn = (u.turn + 1) % len(u.servers)
	if best != nil {
		best.inFlight++
		best.credit = 0
	}
	return best
}

func (u *Upstream) rank(s *server, now time.Time) int {
	switch {
	case s.out(now):
		return rankOut
	case !s.turns(now, u.options.SlowStart):
		return rankResting
	}
	return rankReady
}

// out says whether a server is left alone while there is another one.
func (s *server) out(now time.Time) bool { return s.check.down || s.skipped.After(now) }

func (u *Upstream) isOut(s *server, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return s.out(now)
}

// put gives back what pick counted.
func (u *Upstream) put(s *server) {
	u.mu.Lock()
	s.inFlight--
	u.mu.Unlock()
}
