package proxy

import (
	"bytes"
	"slices"
	"strings"
)

// queryRules is what happens to the query of a cacheable request. The zero value
// normalises and drops nothing. It is read only once made.
type queryRules struct {
	drop []dropPattern
	sort bool
	// isOverlay says which parameters act on the segment, and appendOverlay notes
	// one of them, name and value decoded. nil: none does.
	isOverlay     func(name []byte) bool
	appendOverlay func(dst, name, value []byte) []byte
}

// dropPattern is a parameter that leaves the target: its decoded name, or how
// its name begins.
type dropPattern struct {
	name   string
	prefix bool
}

// dropPatterns reads query.drop: names, each exact or with a trailing `*`.
func dropPatterns(list []string) []dropPattern {
	patterns := make([]dropPattern, 0, len(list))
	for _, p := range list {
		name, prefix := strings.CutSuffix(p, "*")
		patterns = append(patterns, dropPattern{name: name, prefix: prefix})
	}
	return patterns
}

func (r *queryRules) drops(name []byte) bool {
	for i := range r.drop {
		p := &r.drop[i]
		if string(name) == p.name || p.prefix && len(name) >= len(p.name) && string(name[:len(p.name)]) == p.name {
			return true
		}
	}
	return false
}

// queryPart is one parameter on its way into the canonical query.
type queryPart struct {
	raw    []byte // as it came, with its "=" if it has one
	lo, hi int    // its decoded name, in querySplit.decoded
}

// querySplit is the scratch of one request at a time, kept by its owner so that
// nothing is allocated. The zero value is ready.
type querySplit struct {
	// removed: a parameter was dropped or noted as overlay.
	removed bool

	parts   []queryPart
	decoded []byte
}

// keptParts bounds the scratch that stays with a pooled owner after a request
// of thousands of parameters.
const keptParts = 128

// canonical appends the query that enters the key and goes upstream to dst, and
// the overlay's parameters to overlay. Names are compared in decoded form, so
// `utm%5Fmedium` is utm_medium. Sorting is stable and by decoded name: the order
// of equal names means something to an origin, however each was written. "+"
// and %20 stay apart, and so do `a` and `a=`; empty parts go. Nothing is left to
// refuse: a stray percent sign, which canonicalTarget does not let pass, is encoded.
func (q *querySplit) canonical(dst, overlay, raw []byte, rules *queryRules) (query, newOverlay []byte) {
	q.reset()
	for len(raw) > 0 {
		var part []byte
		part, raw, _ = bytes.Cut(raw, []byte{'&'})
		if len(part) > 0 {
			overlay = q.add(overlay, part, rules)
		}
	}
	if rules.sort && len(q.parts) > 1 {
		slices.SortStableFunc(q.parts, func(a, b queryPart) int {
			return bytes.Compare(q.decoded[a.lo:a.hi], q.decoded[b.lo:b.hi])
		})
	}
	for i := range q.parts {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = appendQueryPart(dst, q.parts[i].raw)
	}
	return dst, overlay
}

func (q *querySplit) reset() {
	if cap(q.parts) > keptParts {
		q.parts, q.decoded = nil, nil
	}
	if q.parts == nil {
		q.parts = make([]queryPart, 0, 32)
	}
	q.removed = false
	clear(q.parts) // the views of the last request
	q.parts, q.decoded = q.parts[:0], q.decoded[:0]
}

// add sorts one parameter out: dropped, noted as overlay, or kept.
func (q *querySplit) add(overlay, part []byte, rules *queryRules) []byte {
	name, value, _ := bytes.Cut(part, []byte{'='})
	lo := len(q.decoded)
	q.decoded = appendFormDecoded(q.decoded, name)
	hi := len(q.decoded)
	switch {
	case rules.drops(q.decoded[lo:hi]):
		q.decoded, q.removed = q.decoded[:lo], true
	case rules.isOverlay != nil && rules.isOverlay(q.decoded[lo:hi]):
		q.decoded = appendFormDecoded(q.decoded, value)
		overlay = rules.appendOverlay(overlay, q.decoded[lo:hi], q.decoded[hi:])
		q.decoded, q.removed = q.decoded[:lo], true
	default:
		q.parts = append(q.parts, queryPart{raw: part, lo: lo, hi: hi})
	}
	return overlay
}

// appendFormDecoded decodes application/x-www-form-urlencoded; a stray percent
// sign stands for itself, as in the URL standard.
func appendFormDecoded(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if v, ok := escapeAt(b, i); ok {
			c = v
			i += 2
		} else if c == '+' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// appendQueryPart normalises the percent-encoding of one part. Other bytes stay
// as they came: an origin may tell `[` from %5B.
func appendQueryPart(dst, part []byte) []byte {
	for i := 0; i < len(part); i++ {
		c := part[i]
		v, ok := escapeAt(part, i)
		switch {
		case ok:
			dst = appendDecodedByte(dst, v)
			i += 2
		case c == '%' || c <= ' ' || c >= 0x7f:
			dst = appendEscape(dst, c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
