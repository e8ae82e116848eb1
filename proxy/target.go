package proxy

import (
	"bytes"

	"github.com/aislecache/aisle/cache"
)

// maxTarget bounds a request target, as it came and as it goes upstream.
const maxTarget = 8 << 10

// requestTarget is a request target taken apart (RFC 9112, 3.2).
type requestTarget struct {
	path  []byte // canonical; lies behind what dst held; "*" for the server as a whole
	query []byte // a view of the raw target, without "?"; nil where there is none
	// authority and scheme are those of the absolute-form, which win over Host
	// (RFC 9112, 3.2.2); nil and "" for the other forms.
	authority []byte
	scheme    string
}

// canonicalTarget appends the one canonical path of a request to dst: the same
// bytes are matched by routes, stand in the key and go upstream (DESIGN.md,
// rule 1), so whatever two readers could read in two ways is refused with
// ReasonBadTarget. The query is only checked, since a pass carries it as it
// came. options says that the method is OPTIONS, the only one that "*" is for.
// It allocates nothing where dst has room.
func canonicalTarget(dst, raw []byte, options bool) (requestTarget, cache.Reason) {
	if len(raw) == 0 || len(raw) > maxTarget {
		return requestTarget{}, cache.ReasonBadTarget
	}
	if options && string(raw) == "*" {
		return requestTarget{path: append(dst, '*')[len(dst):]}, cache.ReasonNone
	}
	var t requestTarget
	rest := raw
	if raw[0] != '/' {
		var ok bool
		if t.scheme, t.authority, rest, ok = cutAuthority(raw); !ok {
			return requestTarget{}, cache.ReasonBadTarget
		}
	}
	path, query, hasQuery := bytes.Cut(rest, []byte{'?'})
	if hasQuery {
		t.query = query[:len(query):len(query)]
	}
	var ok bool
	t.path, ok = targetPath(dst, path, options && !hasQuery)
	if !ok || len(t.path) > maxTarget || !cleanQuery(query) {
		return requestTarget{}, cache.ReasonBadTarget
	}
	return t, cache.ReasonNone
}

// targetPath makes the path of what follows the authority. Without any it is the
// root, or the server as a whole for an OPTIONS request (RFC 9112, 3.2.4).
func targetPath(dst, path []byte, whole bool) ([]byte, bool) {
	switch {
	case len(path) == 0 && whole:
		return append(dst, '*')[len(dst):], true
	case len(path) == 0:
		return append(dst, '/')[len(dst):], true
	}
	full, ok := appendPath(dst, path)
	return full[len(dst):], ok
}

// cutAuthority reads the beginning of an absolute-form, of http and https only.
func cutAuthority(raw []byte) (scheme string, authority, rest []byte, ok bool) {
	colon := bytes.Index(raw, []byte("://"))
	switch {
	case colon == 4 && bytes.EqualFold(raw[:4], []byte("http")):
		scheme = "http"
	case colon == 5 && bytes.EqualFold(raw[:5], []byte("https")):
		scheme = "https"
	default:
		return "", nil, nil, false
	}
	rest = raw[colon+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return scheme, rest[:end:end], rest[end:], end > 0
}

// appendPath appends the canonical form of a path that begins with a slash, and
// says whether there is one.
func appendPath(dst, path []byte) ([]byte, bool) {
	if plainPath(path) {
		return append(dst, path...), true
	}
	start := len(dst)
	for len(path) > 0 {
		end := bytes.IndexByte(path[1:], '/') + 1
		if end == 0 {
			end = len(path)
		}
		var ok bool
		if dst, ok = appendSegment(dst, start, path[1:end], end == len(path)); !ok {
			return dst, false
		}
		path = path[end:]
	}
	return dst, true
}

// plainPath is the short way of nearly every request: nothing to encode, to
// decode or to resolve. A dot after a slash is looked at the long way.
func plainPath(path []byte) bool {
	for i, c := range path {
		if !pathBytes[c] || c == '.' && path[i-1] == '/' {
			return false
		}
	}
	return true
}

// appendSegment appends a slash and one segment, or resolves it where it is a
// dot segment (RFC 3986, 5.2.4). The path that dst gets begins at start.
func appendSegment(dst []byte, start int, segment []byte, last bool) ([]byte, bool) {
	at := len(dst)
	dst, ok := appendNormal(append(dst, '/'), segment)
	if !ok {
		return dst, false
	}
	switch name := dst[at+1:]; {
	case string(name) == ".":
		dst = dst[:at]
	case string(name) == "..":
		parent := bytes.LastIndexByte(dst[start:at], '/')
		if parent < 0 {
			return dst, false // above the root
		}
		dst = dst[:start+parent]
	default:
		return dst, !hiddenDots(name)
	}
	if last {
		dst = append(dst, '/')
	}
	return dst, true
}

// appendNormal appends a path segment with its percent-encoding normalised
// (RFC 3986, 6.2.2). What may not stand raw in a path is encoded; what some
// origin takes for an end of string, a line or a slash is refused.
func appendNormal(dst, segment []byte) ([]byte, bool) {
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c == '%' {
			v, ok := escapeAt(segment, i)
			if !ok || v < 0x20 || v == 0x7f || v == '\\' {
				return dst, false
			}
			dst = appendDecodedByte(dst, v)
			i += 2
			continue
		}
		switch {
		case pathBytes[c]:
			dst = append(dst, c)
		case c <= ' ' || c == 0x7f || c == '\\' || c == '#':
			return dst, false
		default:
			dst = appendEscape(dst, c)
		}
	}
	return dst, true
}

// hiddenDots says whether a normalised segment holds a dot segment for an origin
// that decodes %2F before it resolves, or that strips ";params" (Tomcat): such a
// path climbs there and not here.
func hiddenDots(segment []byte) bool {
	for len(segment) > 0 {
		piece := segment
		if slash := bytes.Index(segment, []byte("%2F")); slash >= 0 {
			piece, segment = segment[:slash], segment[slash+3:]
		} else {
			segment = nil
		}
		if name := withoutParams(piece); string(name) == "." || string(name) == ".." {
			return true
		}
	}
	return false
}

// withoutParams gives a segment up to its first semicolon, raw or encoded.
func withoutParams(segment []byte) []byte {
	if i := bytes.IndexByte(segment, ';'); i >= 0 {
		segment = segment[:i]
	}
	if i := bytes.Index(segment, []byte("%3B")); i >= 0 {
		segment = segment[:i]
	}
	return segment
}

// cleanQuery says whether a raw query can be carried as it came: no control
// bytes, no NUL in any form, no fragment, no percent sign without two digits. An
// encoded line end is content here: forms send text areas.
func cleanQuery(query []byte) bool {
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c <= ' ' || c == 0x7f || c == '#':
			return false
		case c == '%':
			v, ok := escapeAt(query, i)
			if !ok || v == 0 {
				return false
			}
			i += 2
		}
	}
	return true
}
