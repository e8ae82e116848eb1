package segment

import (
	"slices"
	"time"
)

// Resolver turns cookies and overlay parameters into claims. Its projections are made before requests are served;
// after that it is safe for concurrent use.
type Resolver struct {
	store       *store
	sealer      *Sealer
	unsealed    Unsealed
	maxBytes    int
	overlay     map[string]field
	allow       [numFields][]string // nil: any value
	sealed      [numFields]bool
	sealedExtra map[string]bool // by folded name
	projections []*Projection
	absent      *Claim
	memo        *memo
}

// New returns a Resolver, or the error of Options.Validate. It keeps no reference to the slices and maps of o.
func New(o Options) (*Resolver, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r := &Resolver{
		store:       newStore(o.Channels),
		sealer:      newSealer(o.Account, o.Keys, o.SealTTL, o.Revoked),
		unsealed:    o.Unsealed,
		maxBytes:    o.MaxBytes,
		overlay:     map[string]field{},
		sealedExtra: map[string]bool{},
		memo:        newMemo(o.MemoEntries),
	}
	for _, v := range o.Overlay {
		r.overlay[v.Param], _ = lookupField(v.Field)
	}
	for name, patterns := range o.Allow {
		f, _ := lookupField(name)
		r.allow[f] = append([]string{}, patterns...)
	}
	for _, name := range o.Sealed {
		if f, known := lookupField(name); known {
			r.sealed[f] = true
		} else {
			r.sealedExtra[foldName(name)] = true
		}
	}
	r.absent = r.resolve(query{}, 0)
	return r, nil
}

// Unsealed returns the option: what the caller must do with a request whose Projected is Unproven.
func (r *Resolver) Unsealed() Unsealed { return r.unsealed }

// Groups names the store groups of all channels: two resolvers of the same Groups give the origin the same token for the
// same Projected.Key, since what is not projected takes the default of its group. It is a text of no further meaning.
func (r *Resolver) Groups() string { return r.store.name() }

// IsOverlay tells whether a query parameter, form-decoded, overlays the segment and so leaves the target.
func (r *Resolver) IsOverlay(param []byte) bool {
	_, ok := r.overlay[string(param)]
	return ok
}

// query is what a claim is made from and remembered under. Views of the caller's bytes.
type query struct {
	token, seal, overlay []byte
	flags                flags
}

type flags uint8

const (
	flagDuplicate flags = 1 << iota
	flagOversized
	flagLongSeal
	flagLongOverlay
)

// Resolve returns the claim of a request; never nil. token and seal are the exact bytes of the cookies, empty if they
// are absent; duplicates tells that the request carried the segment cookie more than once; overlay comes from
// AppendOverlay. All of them stay the caller's.
//
// The claim is remembered under these bytes: a repeat decodes nothing and allocates nothing. Once now reaches the
// expiry of the seal that a claim rests on, it is made anew.
func (r *Resolver) Resolve(now time.Time, token, seal []byte, duplicates bool, overlay []byte) *Claim {
	q := r.reduce(token, seal, duplicates, overlay)
	if len(q.token) == 0 && len(q.overlay) == 0 && q.flags == 0 {
		return r.absent
	}
	hash, seconds := r.memo.hash(&q), now.Unix()
	// A seal may have been revoked since: the claim that rests on it is then made anew, and takes the old one's place.
	if c := r.memo.get(hash, &q, seconds); c != nil && (c.until == 0 || !r.sealer.revoked.voids(q.token, c.until)) {
		return c
	}
	return r.memo.put(hash, &q, r.resolve(q, seconds), seconds)
}

// reduce replaces bytes that have no further effect by a flag, so that nobody fills the memo with them.
func (r *Resolver) reduce(token, seal []byte, duplicates bool, overlay []byte) query {
	q := query{token: token, seal: seal, overlay: overlay}
	if duplicates {
		q.token, q.flags = nil, flagDuplicate
	} else if len(token) > r.maxBytes {
		q.token, q.flags = nil, flagOversized
	}
	if len(q.token) == 0 {
		q.seal = nil
	} else if len(seal) > maxSealBytes {
		q.seal, q.flags = nil, q.flags|flagLongSeal
	}
	if len(overlay) > r.maxBytes {
		q.overlay, q.flags = nil, q.flags|flagLongOverlay
	}
	return q
}

// resolve makes a claim: decode, overlay, allow-list, defaults, seal, in this order.
func (r *Resolver) resolve(q query, now int64) *Claim {
	c := &Claim{resolver: r, projected: makePlaces(len(r.projections))}
	var stated Segment
	if stated, c.reason = Decode(q.token, r.maxBytes); c.reason == Absent {
		c.reason = q.flags.reason()
	}
	if c.overlay = r.applyOverlay(&stated, q.overlay); q.flags&flagLongOverlay != 0 {
		c.overlay = OverlayOversized
	}
	c.dropped = r.applyAllow(&stated)
	r.store.fill(&stated)
	if c.reason == OK {
		c.seal, c.until = r.openSeal(q, now)
	}
	c.stated, c.verified = &stated, &stated
	if c.seal != SealValid {
		if verified := r.strip(stated); !verified.Equal(stated) {
			c.verified = &verified
		}
	}
	c.cost = claimOverhead + int64(len(c.projected)*8+2*q.size()) + int64(segmentOverhead*len(stated.extras))
	return c
}

func (f flags) reason() Reason {
	switch {
	case f&flagDuplicate != 0:
		return Duplicate
	case f&flagOversized != 0:
		return Oversized
	}
	return Absent
}

// openSeal also says until when a valid seal holds.
func (r *Resolver) openSeal(q query, now int64) (SealState, int64) {
	if q.flags&flagLongSeal != 0 {
		return SealForged, 0
	}
	state, expiry := r.sealer.open(now, q.token, q.seal)
	if state != SealValid {
		expiry = 0
	}
	return state, expiry
}

// applyAllow drops the values that no pattern allows, and names their fields. A channel takes its store group along:
// the currency of a channel that is not allowed means nothing on the default one.
func (r *Resolver) applyAllow(s *Segment) (dropped []string) {
	for f, patterns := range r.allow {
		value := s.values[f]
		if patterns == nil || value == "" || slices.ContainsFunc(patterns, func(p string) bool { return matches(p, value) }) {
			continue
		}
		dropped = append(dropped, fieldNames[f])
		if s.values[f] = ""; field(f) == fieldChannel {
			r.store.enter(s, Segment{})
		}
	}
	return dropped
}

// strip gives privileged values their defaults. The channel comes first, since the defaults of its group follow from it.
func (r *Resolver) strip(s Segment) Segment {
	channel := s.values[fieldChannel]
	if r.store.isPrivate(channel) || r.sealed[fieldChannel] && channel != r.store.standard {
		r.store.enter(&s, r.store.groups[r.store.standard])
	}
	defaults := r.store.defaults(s.values[fieldChannel])
	for f, sealed := range r.sealed {
		if sealed {
			s.values[f] = defaults.values[f]
		}
	}
	return s.withoutExtras(func(name string) bool { return r.sealedExtra[foldName(name)] })
}
