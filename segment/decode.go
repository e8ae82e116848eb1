package segment

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

const (
	defaultMaxBytes = 4096
	maxDepth        = 8 // of arrays and objects, the segment object itself counted
)

// Decode reads a segment cookie in any shape that real clients send (facts 2.1): base64 with or without padding, in
// the standard or the URL alphabet, with percent-encoded '=', '+' and '/', with double quotes around it. A number in a
// known field is read as its literal. Anything less strict than one JSON object in UTF-8 without repeated names is
// Malformed; so are names that differ from a known field, or from one another, in letter case alone, since some
// readers take them for the same. A token of more than maxBytes bytes is Oversized; maxBytes <= 0 means 4096.
//
// The segment holds what the token states and no defaults; with any Reason but OK it is the zero Segment. It keeps
// no reference to token.
func Decode(token []byte, maxBytes int) (Segment, Reason) {
	if maxBytes <= 0 {
		maxBytes = defaultMaxBytes
	}
	if len(token) > maxBytes {
		return Segment{}, Oversized
	}
	token = unquote(token)
	if len(token) == 0 {
		return Segment{}, Absent
	}
	text, ok := decodeBase64(token)
	if !ok || !utf8.Valid(text) || !json.Valid(text) {
		return Segment{}, Malformed
	}
	s, ok := decodeObject(text)
	if !ok {
		return Segment{}, Malformed
	}
	return s, OK
}

func unquote(token []byte) []byte {
	if n := len(token); n >= 2 && token[0] == '"' && token[n-1] == '"' {
		return token[1 : n-1]
	}
	return token
}

// decodeBase64 brings the token into the standard unpadded alphabet first. The bits that the last character has too
// many of are not checked: some encoders leave them set.
func decodeBase64(token []byte) ([]byte, bool) {
	plain := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '%' {
			if c = unescape(token[i:]); c == 0 {
				return nil, false
			}
			i += 2
		}
		plain = append(plain, standard(c))
	}
	for range 2 {
		plain = bytes.TrimSuffix(plain, []byte("="))
	}
	// The decoder skips line breaks; a cookie that held one would have two spellings.
	if bytes.ContainsAny(plain, "\r\n") {
		return nil, false
	}
	n, err := base64.RawStdEncoding.Decode(plain, plain)
	return plain[:n], err == nil
}

func unescape(s []byte) byte {
	if len(s) < 3 {
		return 0
	}
	switch string(bytes.ToUpper(s[1:3])) {
	case "3D":
		return '='
	case "2B":
		return '+'
	case "2F":
		return '/'
	}
	return 0
}

func standard(c byte) byte {
	switch c {
	case '-':
		return '+'
	case '_':
		return '/'
	}
	return c
}

// decoder collects the members of the segment object.
type decoder struct {
	scanner
	known  [numFields]bool
	extras names // folded
	seg    Segment
}

// names are the member names of one object so far.
type names map[string]struct{}

// add tells whether name is new.
func (n *names) add(name string) bool {
	if *n == nil {
		*n = names{}
	}
	before := len(*n)
	(*n)[name] = struct{}{}
	return len(*n) > before
}

// decodeObject takes text that json.Valid has accepted.
func decodeObject(text []byte) (Segment, bool) {
	d := decoder{scanner: scanner{rest: text}}
	if d.next() != '{' {
		return Segment{}, false
	}
	for d.more() {
		if !d.member() {
			return Segment{}, false
		}
	}
	slices.SortFunc(d.seg.extras, compareExtras)
	return d.seg, true
}

func (d *decoder) member() bool {
	name := d.name()
	if f, known := lookupField(name); known {
		twice := d.known[f]
		d.known[f] = true
		var ok bool
		d.seg.values[f], ok = d.scalar()
		return ok && !twice
	}
	// Copying __proto__ in JavaScript sets the prototype: fields inside would count as the segment's own.
	if _, near := lookupFold(name); near || name == "__proto__" || !d.extras.add(foldName(name)) {
		return false
	}
	raw, ok := d.value(nil, 2)
	if s := string(raw); ok && s != "null" && s != `""` {
		d.seg.extras = append(d.seg.extras, extra{name, s})
	}
	return ok
}

// scalar reads the value of a known field.
func (d *decoder) scalar() (string, bool) {
	switch c := d.next(); c {
	case '"':
		return d.text(), true
	case '{', '[', 't', 'f':
		return "", false
	case 'n':
		d.literal()
		return "", true
	}
	return string(d.literal()), true
}

// value appends the canonical compact form of the next value: strings as JSON.stringify writes them, numbers as they stand.
func (d *decoder) value(dst []byte, depth int) ([]byte, bool) {
	switch c := d.next(); c {
	case '"':
		return appendJSONString(dst, d.text()), true
	case '{', '[':
		if depth > maxDepth {
			return nil, false
		}
		return d.container(append(dst, c), c == '{', depth)
	}
	return append(dst, d.literal()...), true
}

// container appends the members after the opening bracket, and the closing one.
func (d *decoder) container(dst []byte, object bool, depth int) ([]byte, bool) {
	var seen names
	for first := true; d.more(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		if object {
			name := d.name()
			if !seen.add(name) {
				return nil, false
			}
			dst = append(appendJSONString(dst, name), ':')
		}
		var ok bool
		if dst, ok = d.value(dst, depth+1); !ok {
			return nil, false
		}
	}
	if object {
		return append(dst, '}'), true
	}
	return append(dst, ']'), true
}
