package cache

import "encoding/binary"

// KeyVersion is the first byte of every key. It rises with each change of the
// encoding or of what an entry holds, so that old and new never meet.
const KeyVersion = 2

// KeyParts is everything that tells two pages apart before variants are looked
// at. There is no default for any of it: a forgotten host is a page of another
// store (pingora's CVE-2026-2836).
type KeyParts struct {
	Account string
	Scheme  string
	Host    []byte // lower case, default port gone
	Target  []byte // the bytes that go upstream
	Scope   Scope
	Rules   string       // names the rules that the route's pages are made by, where the rest does not show them
	Keyed   []KeyedValue // the route's own keyed headers and cookies, in the route's order
}

// KeyedValue is one keyed header or cookie of a route. Value holds nil where
// the request has none, or none of the route's closed list.
type KeyedValue struct {
	Name  string
	Value []byte
}

// AppendBase appends the base key: the format version and every part with its
// length before it, so that no two lists of parts give the same bytes.
func AppendBase(dst []byte, p *KeyParts) []byte {
	dst = append(dst, KeyVersion, byte(p.Scope))
	dst = appendString(dst, p.Account)
	dst = appendString(dst, p.Scheme)
	dst = appendBytes(dst, p.Host)
	dst = appendBytes(dst, p.Target)
	dst = appendString(dst, p.Rules)
	dst = binary.AppendUvarint(dst, uint64(len(p.Keyed)))
	for i := range p.Keyed {
		dst = appendString(dst, p.Keyed[i].Name)
		if p.Keyed[i].Value == nil {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		dst = appendBytes(dst, p.Keyed[i].Value)
	}
	return dst
}

// appendVariant appends what a variant depends on and the request's values of
// it. The names stand in the key with the values: a key made under one
// specification never equals one made under another.
func appendVariant(dst []byte, v *variantSpec, d Dimensions) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(v.vary)))
	for _, name := range v.vary {
		dst = appendString(dst, name)
		dst = appendLengthOf(dst, func(dst []byte) []byte { return d.AppendField(dst, name) })
	}
	if !v.narrowed {
		dst = append(dst, 0)
		return d.AppendSegment(dst)
	}
	dst = append(dst, 1)
	dst = binary.AppendUvarint(dst, uint64(len(v.segment)))
	for _, field := range v.segment {
		dst = appendString(dst, field)
		dst = appendLengthOf(dst, func(dst []byte) []byte { return d.AppendSegmentField(dst, field) })
	}
	return dst
}

// appendLengthOf appends what fill appends behind its own length in four
// bytes; the length is known only afterwards, hence no uvarint. The closures
// do not escape, so this stays free of allocation.
func appendLengthOf(dst []byte, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = fill(dst)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// variantSpec says what a page of one URL depends on besides its base key. The
// zero value is a page that depends on its whole projected segment.
type variantSpec struct {
	vary     []string // lower case, sorted, unique: fields of Vary that tell forwarded requests apart
	narrowed bool     // Segment-Vary was given
	segment  []string // sorted, unique: the fields it named
}

func (v *variantSpec) equal(o *variantSpec) bool {
	return v.narrowed == o.narrowed && sameNames(v.vary, o.vary) && sameNames(v.segment, o.segment)
}

func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
