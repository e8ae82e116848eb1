package upstream

import (
	"sync"
	"time"
)

// BreakerState is what a breaker does with requests. Its number is the value of
// the gauge aisle_upstream_breaker_state.
type BreakerState uint8

// The states, the harmless one first.
const (
	BreakerClosed   BreakerState = iota // requests go through, their ends are counted
	BreakerHalfOpen                     // a few go through to see whether the upstream is back
	BreakerOpen                         // none goes through
	breakerStateCount
)

func (s BreakerState) String() string {
	names := [breakerStateCount]string{"closed", "half-open", "open"}
	if s >= breakerStateCount {
		return "unknown"
	}
	return names[s]
}

// BreakerStates gives every state, in order.
func BreakerStates() []BreakerState {
	return []BreakerState{BreakerClosed, BreakerHalfOpen, BreakerOpen}
}

const (
	// breakerVolume is the least number of fetches in the window that the breaker
	// judges by: two failures out of three at night are no outage.
	breakerVolume = 10
	// breakerProbes is how many fetches a half-open breaker lets through, and how
	// many have to go well before it closes.
	breakerProbes = 3
	// probeAgain is when to come again while all probes are under way.
	probeAgain = time.Second
)

// breaker stops asking an upstream that mostly fails. Then nobody waits for a
// time-out to get a stale page, and the origin gets room to recover.
type breaker struct {
	ratio   float64
	openFor time.Duration

	mu     sync.Mutex
	state  BreakerState // guarded by mu, as is all below
	counts window       // while closed
	until  time.Time    // while open
	probes int          // while half-open: let through, their end unknown
	passed int          // while half-open: ended well
	era    uint64       // rises with each change of state; what began in another era is not counted
}

// newBreaker makes a breaker that is closed. Options without a ratio have none: nil.
func newBreaker(o Breaker) *breaker {
	if o.ErrorRatio == 0 {
		return nil
	}
	return &breaker{ratio: o.ErrorRatio, openFor: o.OpenFor, counts: window{step: o.Window / cells}}
}

// ticket is the leave to fetch. Its end is told by report, exactly once.
type ticket struct{ era uint64 }

// verdict is what a fetch says of its upstream.
type verdict uint8

const (
	saysNothing verdict = iota // the shopper went, or the fault was ours
	saysWell
	saysIll
)

// refuses says whether a fetch would be refused now, and for how long at least.
// It takes nothing, so that nobody queues for what would be refused.
func (b *breaker) refuses(now time.Time) (wait time.Duration, refused bool) {
	if b == nil {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shut(now)
}

// admit is refuses for a fetch that begins; where it is not refused, t has to be
// reported.
func (b *breaker) admit(now time.Time) (t ticket, wait time.Duration, refused bool) {
	if b == nil {
		return ticket{}, 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait, refused := b.shut(now); refused {
		return ticket{}, wait, true
	}
	if b.state == BreakerHalfOpen {
		b.probes++
	}
	return ticket{b.era}, 0, false
}

func (b *breaker) shut(now time.Time) (wait time.Duration, refused bool) {
	b.age(now)
	switch {
	case b.state == BreakerOpen:
		return b.until.Sub(now), true
	case b.state == BreakerHalfOpen && b.probes+b.passed >= breakerProbes:
		return probeAgain, true
	}
	return 0, false
}

// report counts the end of a fetch; tripped says that it opened the breaker.
func (b *breaker) report(t ticket, v verdict, now time.Time) (tripped bool) {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.age(now)
	if t.era != b.era {
		return false
	}
	if b.state == BreakerHalfOpen {
		return b.probed(v, now)
	}
	switch v {
	case saysWell:
		b.counts.add(now, 0)
	case saysIll:
		b.counts.add(now, 1)
		if n, ill := b.counts.sum(now); n >= breakerVolume && float64(ill) >= b.ratio*float64(n) {
			b.open(now)
			return true
		}
	}
	return false
}

func (b *breaker) probed(v verdict, now time.Time) (tripped bool) {
	b.probes--
	switch v {
	case saysIll:
		b.open(now)
		return true
	case saysWell:
		if b.passed++; b.passed == breakerProbes {
			b.enter(BreakerClosed)
		}
	}
	return false
}

// age makes an open breaker half-open when its time has come. Nobody has to be
// there at that moment, so it is done by whoever comes next.
func (b *breaker) age(now time.Time) {
	if b.state == BreakerOpen && !now.Before(b.until) {
		b.enter(BreakerHalfOpen)
	}
}

func (b *breaker) open(now time.Time) {
	b.enter(BreakerOpen)
	b.until = now.Add(b.openFor)
}

func (b *breaker) enter(s BreakerState) {
	b.state, b.probes, b.passed, b.counts = s, 0, 0, window{step: b.counts.step}
	b.era++
}

// now gives the state for the gauge.
func (b *breaker) now(now time.Time) BreakerState {
	if b == nil {
		return BreakerClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.age(now)
	return b.state
}
