package cache

import (
	"sync/atomic"
	"time"
)

// Scope is what of the shopper enters the key of a route's pages.
type Scope uint8

// The scopes. Their numbers stand in keys: never renumber.
const (
	ScopePrivate Scope = iota // never stored; the zero value is the safe one
	ScopeSegment              // the projected segment is in the key
	ScopePublic               // no segment in the key
)

func (s Scope) String() string {
	switch s {
	case ScopeSegment:
		return "segment"
	case ScopePublic:
		return "public"
	default:
		return "private"
	}
}

// SetCookie is what a route does with a Set-Cookie on a page to be stored.
type SetCookie uint8

// The three ways; refusing is the zero value.
const (
	SetCookieRefuse SetCookie = iota // the page is not storable
	SetCookieStrip                   // stored without it
	SetCookieStore                   // stored with it, for everybody; `aisle check` warns
)

// Span is a duration that may be unset.
type Span struct {
	Set bool
	D   time.Duration
}

// Policy is a route's site policy, immutable after load but for its streak.
type Policy struct {
	Route    string // its name in logs and metrics
	Scope    Scope
	Upstream string

	TTL, Grace, Keep Span // the route's own
	Override         bool // the route's own win over the origin's freshness, never over private or no-store
	StatusTTL        map[int]time.Duration

	SiteGrace, SiteKeep time.Duration
	HeuristicFraction   float64       // public scope only; 0: no heuristics
	HeuristicMax        time.Duration // cap of heuristic freshness
	Targeted            []string      // targeted fields, first valid one wins (RFC 9213)

	SetCookie   SetCookie
	HasCulture  bool // cultureInfo is projected: Vary: x-vtex-locale is met by the key
	MaxObject   int64
	MaxVariants int
	HitForMiss  time.Duration

	// Verify looks at the whole body before anybody gets it (echo check); nil: the
	// page streams. It returns ReasonStored, or why the page is for nobody.
	// d is the leader's; narrowed and fields are those of the page's Segment-Vary.
	Verify func(d Dimensions, narrowed bool, fields []string, head *Head, body []byte) Reason

	// ParseSegmentVary reads the lines of Segment-Vary; ok is false where they are
	// unreadable or name what is no segment field, and then nothing is narrowed.
	ParseSegmentVary func(lines []string) (fields []string, ok bool)

	// LeadsToLogin says whether a redirect to this Location asks the shopper to log in.
	LeadsToLogin func(location string) bool

	Streak Streak
}

// streakLimit is how many unstorable anonymous answers in a row make a route
// go as a pass at once (DESIGN.md, rule 5).
const streakLimit = 32

// Streak counts a route's anonymous answers that were not storable, in a row.
// The zero value is ready.
type Streak struct {
	unstorable atomic.Int32
	probe      atomic.Int64 // Time of the next probe while the route passes
}

// reached says whether the route goes as a pass, for those who make no probe.
func (s *Streak) reached() bool { return s.unstorable.Load() >= streakLimit }

// passing says whether the route goes as a pass now. While it does, one caller
// per interval gets false: the probe.
func (s *Streak) passing(now Time, interval time.Duration) bool {
	if !s.reached() {
		return false
	}
	next := s.probe.Load()
	if int64(now) < next {
		return true
	}
	return !s.probe.CompareAndSwap(next, int64(now.Add(interval)))
}

// Continue takes the count of another streak over, before its route serves requests.
func (s *Streak) Continue(from *Streak) {
	s.unstorable.Store(from.unstorable.Load())
	s.probe.Store(from.probe.Load())
}

func (s *Streak) storable() { s.unstorable.Store(0) }

// unstorableAnswer counts one. The first probe is due an interval after the
// limit was reached, not at once: else the 33rd request would be a probe.
func (s *Streak) unstorableAnswer(now Time, interval time.Duration) {
	if s.unstorable.Add(1) == streakLimit {
		s.probe.Store(int64(now.Add(interval)))
	}
}
