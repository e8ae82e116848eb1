package segment

import (
	"sync"
	"sync/atomic"
)

// Claim is what the cookies and the query of a request say about the shopper, and how much of it is proven. Get one
// from Resolver.Resolve. It is immutable but for its memo of projections, and safe for concurrent use.
type Claim struct {
	resolver *Resolver
	reason   Reason
	seal     SealState
	overlay  OverlayReason
	dropped  []string
	stated   *Segment
	verified *Segment // the same pointer where nothing was taken away
	until    int64    // unix seconds at which a seal expires that this claim rests on; 0: never

	projected []atomic.Pointer[Projected] // by the index of the projection

	mu   sync.Mutex
	cost int64  // bytes held, guarded by mu
	home *shard // of the memo where the claim is now, guarded by mu
}

// Reason says what became of the cookie.
func (c *Claim) Reason() Reason { return c.reason }

// Seal says what the seal is worth.
func (c *Claim) Seal() SealState { return c.seal }

// Overlay says what became of the overlay parameters.
func (c *Claim) Overlay() OverlayReason { return c.overlay }

// AllowDropped names the fields whose value matched no pattern of segment.allow and fell to the default, in field
// order; nil if there are none. Do not change the slice.
func (c *Claim) AllowDropped() []string { return c.dropped }

// Stated is the segment as cookie and query state it, after the allow-list, with defaults where they are silent.
func (c *Claim) Stated() Segment { return *c.stated }

// Verified is the segment that counts: as stated, but privileged values without a valid seal at their defaults.
func (c *Claim) Verified() Segment { return *c.verified }

// In returns the projection of the verified segment. The second call for the same projection returns the same pointer
// without allocation.
func (c *Claim) In(p *Projection) *Projected {
	if p.index >= len(c.projected) {
		return newProjected(c.resolver, p, c.stated, c.verified)
	}
	place := &c.projected[p.index]
	// The comparison guards against a projection of another resolver, which has the same index.
	if known := place.Load(); known != nil && known.projection == p {
		return known
	}
	fresh := newProjected(c.resolver, p, c.stated, c.verified)
	if place.CompareAndSwap(nil, fresh) {
		c.charge(fresh.size())
		return fresh
	}
	if known := place.Load(); known.projection == p {
		return known
	}
	return fresh
}

func (p *Projected) size() int64 { return int64(projectedOverhead + cap(p.Token) + cap(p.Key)) }

// charge adds to the bytes that the claim holds, and lets its shard give back what is too much.
func (c *Claim) charge(bytes int64) {
	c.mu.Lock()
	c.cost += bytes
	home := c.home
	if home != nil {
		home.bytes.Add(bytes)
	}
	c.mu.Unlock()
	if home != nil && home.bytes.Load() > shardBytes {
		home.trim()
	}
}

// settle enters the claim's bytes into the shard.
func (c *Claim) settle(home *shard) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.home = home
	home.bytes.Add(c.cost)
}

// leave takes them out again. What is charged from now on is nobody's: the claim lives as long as its requests.
func (c *Claim) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.home.bytes.Add(-c.cost)
	c.home = nil
}
