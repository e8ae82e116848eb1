package httpcc

import "bytes"

// ETag is an entity tag, RFC 9110 section 8.8.3. The zero value is no tag that can
// be sent: a parsed one has an Opaque that is not nil, though it may be empty.
type ETag struct {
	Weak   bool
	Opaque []byte // what stands between the quotes; a view of the parsed bytes
}

// ParseETag reads one entity tag, as in ETag or If-Range, white space around it
// aside. ok is false for anything else, such as a tag without quotes or with a
// lower-case w/. Opaque is a view of b.
func ParseETag(b []byte) (tag ETag, ok bool) {
	tag, rest, ok := cutETag(trimOWS(b))
	if !ok || len(rest) > 0 {
		return ETag{}, false
	}
	return tag, true
}

// StrongMatch is the strong comparison of RFC 9110 section 8.8.3.2.
func (t ETag) StrongMatch(o ETag) bool {
	return !t.Weak && !o.Weak && t.WeakMatch(o)
}

// WeakMatch is the weak comparison of RFC 9110 section 8.8.3.2. The zero ETag
// matches nothing.
func (t ETag) WeakMatch(o ETag) bool {
	return t.Opaque != nil && o.Opaque != nil && bytes.Equal(t.Opaque, o.Opaque)
}

// ParseETags reads all lines of If-None-Match or If-Match (RFC 9110 sections
// 13.1.1 and 13.1.2). star is true where a line is "*" alone; a "*" among tags is
// in no grammar and is skipped, as every member that is no entity tag. Commas
// within the quotes belong to the tag. The tags are views of the lines.
func ParseETags(lines ...[]byte) (tags []ETag, star bool) {
	for _, line := range lines {
		star = star || isStar(line)
		for len(line) > 0 {
			var tag ETag
			var ok bool
			if tag, line, ok = nextETag(line); ok {
				tags = append(tags, tag)
			}
		}
	}
	return tags, star
}

// MatchNone reports whether If-None-Match with these lines matches a
// representation whose ETag field is etag, by weak comparison (RFC 9110 section
// 13.1.2): the answer to GET and HEAD is then a 304. "*" matches with any etag,
// even an invalid or empty one, which otherwise matches nothing. Several lines
// match where one of them does, so that they may be asked one by one. It does not
// allocate and retains nothing.
func MatchNone(lines [][]byte, etag []byte) (matched bool) {
	own, _ := ParseETag(etag)
	for _, line := range lines {
		if isStar(line) {
			return true
		}
		for len(line) > 0 {
			var tag ETag
			var ok bool
			if tag, line, ok = nextETag(line); ok && tag.WeakMatch(own) {
				return true
			}
		}
	}
	return false
}

func isStar(line []byte) bool { return string(trimOWS(line)) == "*" }

// nextETag reads one member of a list and gives what follows its comma. ok is
// false for an empty member and for one that is no entity tag.
func nextETag(line []byte) (tag ETag, rest []byte, ok bool) {
	line = line[owsLen(line):]
	tag, rest, ok = cutETag(line)
	if !ok {
		return ETag{}, skipMember(line), false
	}
	rest = rest[owsLen(rest):]
	if len(rest) > 0 && rest[0] != ',' {
		return ETag{}, skipMember(rest), false
	}
	return tag, skipMember(rest), true
}

// cutETag reads the entity tag that b begins with.
func cutETag(b []byte) (tag ETag, rest []byte, ok bool) {
	b, tag.Weak = bytes.CutPrefix(b, []byte("W/"))
	if len(b) == 0 || b[0] != '"' {
		return ETag{}, nil, false
	}
	for i, c := range b[1:] {
		switch {
		case c == '"':
			tag.Opaque = b[1 : i+1 : i+1]
			return tag, b[i+2:], true
		case c <= ' ' || c == 0x7f:
			return ETag{}, nil, false
		}
	}
	return ETag{}, nil, false
}

// skipMember gives what follows the next comma outside of quotes. There are no
// escapes in entity tags; a quote without end hides the rest of the line, since
// a tag found within would be a guess, and a wrong 304 costs more than a 200.
func skipMember(b []byte) []byte {
	quoted := false
	for i, c := range b {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return b[i+1:]
		}
	}
	return nil
}
