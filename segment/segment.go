// Package segment turns the cookie that names the commercial conditions of a shopper (vtex_segment) into a verified,
// canonical Segment and into the projections of it that enter a cache key and reach the origin.
//
// The package is pure: it imports the standard library only and reads no clock.
package segment

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// Segment is a set of segment fields, an immutable value. A known field is a string; null, "" and absence are one
// and the same. A field that this package does not know is kept as canonical compact JSON, and dropped where it is
// null or "". The zero value has every field null.
type Segment struct {
	values [numFields]string // "" is null
	extras []extra           // sorted by name, never changed once set, shared between copies
}

// extra is a field that the public system does not define; raw is canonical compact JSON.
type extra struct{ name, raw string }

// Get returns the value of a field and whether it has one. For an unknown extra field the value is its compact JSON text.
func (s Segment) Get(field string) (value string, ok bool) {
	if f, known := lookupField(field); known {
		return s.values[f], s.values[f] != ""
	}
	raw := s.extra(field)
	return raw, raw != ""
}

// Equal tells whether both segments have the same fields with the same values.
func (s Segment) Equal(o Segment) bool {
	return s.values == o.values && slices.Equal(s.extras, o.extras)
}

// AppendToken appends the cookie's canonical form to dst: the base64 text (standard alphabet, unpadded, as real
// cookies are: facts 2.1) of AppendJSON.
func (s Segment) AppendToken(dst []byte) []byte {
	return base64.RawStdEncoding.AppendEncode(dst, s.AppendJSON(nil))
}

// AppendJSON appends the segment as the public system writes it (facts 1.1): compact, in its key order, the twelve
// standard fields always, admin_cultureInfo and facets only with a value, then unknown fields by name.
// Strings are escaped as JSON.stringify does.
func (s Segment) AppendJSON(dst []byte) []byte {
	sep := byte('{')
	for f, value := range s.values {
		if value == "" && field(f).optional() {
			continue
		}
		dst = append(appendJSONString(append(dst, sep), fieldNames[f]), ':')
		if dst = appendJSONValue(dst, value); sep == '{' {
			sep = ','
		}
	}
	for _, e := range s.extras {
		dst = append(appendJSONString(append(dst, sep), e.name), ':')
		dst = append(dst, e.raw...)
	}
	return append(dst, '}')
}

func (s *Segment) extra(name string) string {
	for i := range s.extras {
		if s.extras[i].name == name {
			return s.extras[i].raw
		}
	}
	return ""
}

// withoutExtras returns s without the extras that drop names; the slice of s stays as it is.
func (s Segment) withoutExtras(drop func(name string) bool) Segment {
	if slices.ContainsFunc(s.extras, func(e extra) bool { return drop(e.name) }) {
		s.extras = slices.DeleteFunc(slices.Clone(s.extras), func(e extra) bool { return drop(e.name) })
	}
	return s
}

func compareExtras(a, b extra) int { return strings.Compare(a.name, b.name) }

func appendJSONValue(dst []byte, value string) []byte {
	if value == "" {
		return append(dst, "null"...)
	}
	return appendJSONString(dst, value)
}

// appendJSONString escapes what JSON.stringify escapes and nothing else: encoding/json would also escape < > & and
// U+2028, and the token would no longer be the public system's byte for byte.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = appendControl(dst, c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, c byte) []byte {
	if i := strings.IndexByte("\b\f\n\r\t", c); i >= 0 {
		return append(dst, '\\', "bfnrt"[i])
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// cleanText tells whether s is valid UTF-8 without control characters.
func cleanText(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(s)
}
