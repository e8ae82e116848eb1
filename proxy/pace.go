package proxy

import "time"

// A client may be slow and may pause, but not for ever: it has patience in hand. To wait
// for it takes from that, what it sends or takes gives to it. So one rule bounds
// silence, at patience, and in the long run the rate, at leastRate; and time in which
// aisle does not wait for the client, because the origin is slow, counts for nothing.
//
// Rejected: a deadline per read or piece, which a client that drips one byte each
// minute keeps for ever.
const (
	patience  = 60 * time.Second
	leastRate = 1 << 10 // bytes a second
)

// pace is what a connection has in hand in one direction; fullPace makes one.
type pace struct{ left time.Duration }

func fullPace() pace { return pace{patience} }

// spend accounts for a wait, in which n bytes went. What is left may be nothing, or less.
func (p *pace) spend(waited time.Duration, n int) {
	earned := time.Duration(n) * time.Second / leastRate
	p.left = min(patience, p.left-waited+earned)
}
