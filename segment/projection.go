package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Projection is the set of segment fields that a route's pages depend on. Get one from Resolver.Projection; the same
// fields give the same pointer. It is immutable.
type Projection struct {
	index      int // among the projections of its resolver: the place in a claim's memo
	all        bool
	known      [numFields]bool
	extras     []string // sorted
	defaultKey []byte   // of an absent cookie
}

// Projection returns the projection on the named fields, known or extra; nil stands for all fields, whatever extras a
// segment has, and an empty list for none. The order and repetition of names do not matter. It fails where a name is
// no field name or differs from a known field in letter case alone.
//
// It must not be called once requests are served.
func (r *Resolver) Projection(fields []string) (*Projection, error) {
	p := &Projection{index: len(r.projections), all: fields == nil}
	for f := range p.known {
		p.known[f] = p.all
	}
	for _, name := range fields {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if f, known := lookupField(name); known {
			p.known[f] = true
		} else {
			p.extras = append(p.extras, name)
		}
	}
	slices.Sort(p.extras)
	p.extras = slices.Compact(p.extras)
	return r.register(p), nil
}

func (r *Resolver) register(p *Projection) *Projection {
	for _, before := range r.projections {
		if before.all == p.all && before.known == p.known && slices.Equal(before.extras, p.extras) {
			return before
		}
	}
	absent := r.store.defaults(r.store.standard)
	p.defaultKey = p.appendKey(nil, &absent)
	r.projections = append(r.projections, p)
	// The claim of most requests keeps one place for each projection.
	r.absent = r.resolve(query{}, 0)
	return p
}

// appendKey appends names and values of the projected fields, each with its length. Null ones are there too: a page
// whose culture is projected goes upstream with x-vtex-locale, another one does not.
func (p *Projection) appendKey(dst []byte, s *Segment) []byte {
	for f, in := range p.known {
		if in {
			dst = appendLengthed(appendLengthed(dst, fieldNames[f]), s.values[f])
		}
	}
	for _, name := range p.extras {
		dst = appendLengthed(appendLengthed(dst, name), s.extra(name))
	}
	if p.all {
		for _, e := range s.extras {
			dst = appendLengthed(appendLengthed(dst, e.name), e.raw)
		}
	}
	return dst
}

// project is the segment that the origin sees: projected fields as they are, all others at the defaults that follow
// from the projected ones.
func (p *Projection) project(st *store, s *Segment) Segment {
	channel := st.standard
	if p.known[fieldChannel] {
		channel = s.values[fieldChannel]
	}
	out := st.defaults(channel)
	for f, in := range p.known {
		if in {
			out.values[f] = s.values[f]
		}
	}
	out.extras = s.extras
	return out.withoutExtras(func(name string) bool { return !p.hasExtra(name) })
}

func (p *Projection) hasExtra(name string) bool { return p.all || slices.Contains(p.extras, name) }

// Projected is the part of a verified segment that a page may depend on. It is immutable: do not change its slices.
type Projected struct {
	// Token is the base64 token that the origin gets: projected fields with their verified values, all others with
	// their defaults. It depends on the projected fields alone.
	Token []byte
	// Key is the length-delimited names and values of the projected fields, null ones included: equal for two
	// shoppers exactly if they agree in all of them. It is not self-delimiting as a whole.
	Key []byte
	// Digest is 32 hex digits: the first 128 bits of the SHA-256 of Key. It names the segment in logs and ETags; it
	// is no substitute for Key.
	Digest string
	// Locale is the cultureInfo where that is projected; "" if it is null or no text for a header field.
	Locale string
	// HasLocale tells that cultureInfo is projected, so that the key meets Vary: x-vtex-locale.
	HasLocale bool
	// Unproven tells that the shopper stated a privileged value that matters here and no valid seal proves it. Under
	// UnsealedPass such a request must be a pass.
	Unproven bool
	// Default tells that a shopper without a cookie has the same Key.
	Default bool

	projection *Projection
	segment    *Segment // the verified one
}

func newProjected(r *Resolver, p *Projection, stated, verified *Segment) *Projected {
	seen := p.project(r.store, verified)
	out := &Projected{
		Token:      seen.AppendToken(nil),
		Key:        p.appendKey(nil, verified),
		HasLocale:  p.known[fieldCultureInfo],
		projection: p,
		segment:    verified,
	}
	sum := sha256.Sum256(out.Key)
	out.Digest = hex.EncodeToString(sum[:16])
	if culture := seen.values[fieldCultureInfo]; out.HasLocale && headerText(culture) {
		out.Locale = culture
	}
	out.Unproven = stated != verified && !bytes.Equal(out.Key, p.appendKey(nil, stated))
	out.Default = bytes.Equal(out.Key, p.defaultKey)
	return out
}

// Field returns the verified value of a field, "" for null and compact JSON for an extra one, and whether the field is projected.
func (p *Projected) Field(name string) (value string, projected bool) {
	if f, known := lookupField(name); known {
		if p.projection.known[f] {
			return p.segment.values[f], true
		}
		return "", false
	}
	if p.projection.hasExtra(name) {
		return p.segment.extra(name), true
	}
	return "", false
}

// AppendField appends the value of one field to a variant key (Segment-Vary), self-delimiting. A field outside of the
// projection appends the same byte for every shopper.
func (p *Projected) AppendField(dst []byte, name string) []byte {
	value, projected := p.Field(name)
	if !projected {
		return append(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(value))+1), value...)
}

// headerText tells whether s may stand in a header field: a cookie can put line breaks into cultureInfo.
func headerText(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
