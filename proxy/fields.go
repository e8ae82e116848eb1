package proxy

import (
	"bytes"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/httpcc"
)

// line is one field line of the request: views into fasthttp's buffer, and the
// name in lower case in the exchange's own.
type line struct {
	name  []byte // as it came
	lower []byte
	value []byte // without white space around it
	kind  fieldKind
	sent  bool // it reaches the origin on the anonymous request
}

// fieldKind is what a field means to the edge, found once per line.
type fieldKind uint8

const (
	plainField fieldKind = iota
	hopField
	hostField
	cookieField
	vtexField // x-vtex-*, which aisle derives, and what imitates a field of meaning: dropped
	forwardedField
	authorizationField
	cacheControlField
	ifNoneMatchField
	ifModifiedSinceField
	rangeField
	ifRangeField
	bodyField // describes the request's body
	expectField
)

// readFields takes the header apart in one pass over its raw lines. fasthttp
// has read them already, but what it gives merges and rewrites lines: it shows
// the first of two Cookie lines and forwards both.
func (x *exchange) readFields(raw []byte) cache.Reason {
	x.lines, x.arena = x.lines[:0], x.arena[:0]
	for len(raw) > 0 {
		text, rest, _ := bytes.Cut(raw, []byte{'\n'})
		raw = rest
		text, whole := bytes.CutSuffix(text, []byte{'\r'})
		if !whole {
			return cache.ReasonBadFraming // a proxy in front may have taken LF alone for a part of the value
		}
		if len(text) == 0 {
			continue
		}
		colon := bytes.IndexByte(text, ':')
		if colon <= 0 || !isToken(text[:colon]) {
			return cache.ReasonBadField
		}
		if reason := x.addLine(text[:colon], trimOWS(text[colon+1:])); reason != cache.ReasonNone {
			return reason
		}
	}
	x.dropConnectionListed()
	return cache.ReasonNone
}

func (x *exchange) addLine(name, value []byte) cache.Reason {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return cache.ReasonBadField
		}
	}
	at := len(x.arena)
	x.arena = appendLower(x.arena, name)
	l := line{name: name, lower: x.arena[at:len(x.arena):len(x.arena)], value: value}
	if l.kind = kindOf(l.lower); imitates(l.lower) {
		l.kind = vtexField
	}
	x.lines = append(x.lines, l)
	return cache.ReasonNone
}

// imitates says whether a name would be another field for CGI and its kin (WSGI,
// PHP, Rack), to whom an underscore is a dash: one that aisle writes, drops or
// goes by. Whoever sends X_Vtex_Segment or X_Forwarded_Host means no good.
func imitates(lower []byte) bool {
	var room [64]byte
	if bytes.IndexByte(lower, '_') < 0 || len(lower) > len(room) {
		return false
	}
	dashed := append(room[:0], lower...)
	for i, c := range dashed {
		if c == '_' {
			dashed[i] = '-'
		}
	}
	return kindOf(dashed) != plainField || !forwardedOnPublic(dashed)
}

// kindOf classifies a lower-case name.
func kindOf(name []byte) fieldKind {
	if hopByHop(name) {
		return hopField
	}
	if bytes.HasPrefix(name, []byte("x-vtex-")) {
		return vtexField
	}
	switch string(name) {
	case "host":
		return hostField
	case "cookie":
		return cookieField
	case "authorization":
		return authorizationField
	case "cache-control":
		return cacheControlField
	case "if-none-match":
		return ifNoneMatchField
	case "if-modified-since":
		return ifModifiedSinceField
	case "range":
		return rangeField
	case "if-range":
		return ifRangeField
	case "content-length":
		return bodyField
	case "expect":
		return expectField
	case "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port":
		return forwardedField
	}
	return plainField
}

// dropConnectionListed turns the fields that Connection names into hop-by-hop
// ones (RFC 9110, 7.6.1). It cannot name what the edge itself goes by: a client
// that lists Cookie or Authorization would otherwise choose what is keyed.
func (x *exchange) dropConnectionListed() {
	for i := range x.lines {
		if string(x.lines[i].lower) != "connection" {
			continue
		}
		for rest := x.lines[i].value; len(rest) > 0; {
			var option []byte
			option, rest, _ = bytes.Cut(rest, []byte{','})
			x.dropListed(trimOWS(option))
		}
	}
}

func (x *exchange) dropListed(option []byte) {
	for i := range x.lines {
		if l := &x.lines[i]; l.kind == plainField && bytes.EqualFold(l.name, option) {
			l.kind = hopField
		}
	}
}

// first gives the first value of a kind; nil if there is none.
func (x *exchange) first(kind fieldKind) []byte {
	for i := range x.lines {
		if x.lines[i].kind == kind {
			return x.lines[i].value
		}
	}
	return nil
}

func (x *exchange) has(kind fieldKind) bool {
	for i := range x.lines {
		if x.lines[i].kind == kind {
			return true
		}
	}
	return false
}

// noneMatch says whether If-None-Match names etag, over all its lines.
func (x *exchange) noneMatch(etag []byte) bool {
	for i := range x.lines {
		if x.lines[i].kind == ifNoneMatchField {
			x.oneLine[0] = x.lines[i].value
			if httpcc.MatchNone(x.oneLine[:], etag) {
				return true
			}
		}
	}
	return false
}

// directives reads the request's own Cache-Control.
func (x *exchange) directives() (d httpcc.Directives) {
	for i := range x.lines {
		if x.lines[i].kind == cacheControlField {
			d.Add(x.lines[i].value)
		}
	}
	return d
}

func trimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// isToken: RFC 9110, 5.6.2. By table, since it runs twice over every name of every request.
func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenBytes[c] {
			return false
		}
	}
	return len(b) > 0
}
