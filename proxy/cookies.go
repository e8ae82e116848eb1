package proxy

import "bytes"

// sessionCookie names the session of a shopper (facts/sessions.md, 2.2).
const sessionCookie = "vtex_session"

// The places of the cookies that every route looks for, in front of its own.
const (
	segmentSlot = iota
	sealSlot
	sessionSlot
)

// wantedCookies are the names that a route's jar is begun with.
func wantedCookies(segmentCookie string, keyed []Keyed) []string {
	names := []string{segmentSlot: segmentCookie, sealSlot: sealCookie, sessionSlot: sessionCookie}
	for i := range keyed {
		names = append(names, keyed[i].Name)
	}
	return names
}

// cookieJar holds the cookies that one request is asked for, found in one pass
// over its Cookie lines. It is reused: begin, then add per line. The zero value
// is ready for begin.
type cookieJar struct {
	// present says that there was a cookie at all, a nameless or junk one included.
	present bool

	names []string
	found []cookieValue
}

// cookieValue is what a request says for one name. The zero value: nothing.
type cookieValue struct {
	// value is the first one, a view of the line, quotes and all.
	value []byte
	// found tells an empty cookie from none.
	found bool
	// duplicate says that the name came with different values. Browsers do send
	// the same cookie twice, of two paths; where both agree there is no doubt.
	duplicate bool
}

// begin forgets the last request. names are the cookies to look for, compared
// byte for byte, from wantedCookies; they are kept until the next begin, and
// read only.
func (j *cookieJar) begin(names []string) {
	j.present, j.names = false, names
	clear(j.found[:cap(j.found)])
	if cap(j.found) < len(names) {
		j.found = make([]cookieValue, len(names))
	}
	j.found = j.found[:len(names)]
}

// add reads one Cookie line (RFC 6265, 5.4), a view of which is kept. Parts are
// told apart at semicolons whatever else they hold, so a malformed cookie of
// somebody else hides none of its neighbours.
func (j *cookieJar) add(line []byte) {
	for len(line) > 0 {
		var part []byte
		part, line, _ = bytes.Cut(line, []byte{';'})
		part = bytes.Trim(part, " \t")
		if len(part) == 0 {
			continue
		}
		j.present = true
		name, value, ok := cutCookie(part)
		if !ok {
			continue
		}
		for i := range j.names {
			if string(name) == j.names[i] {
				j.found[i].note(value)
			}
		}
	}
}

// segment gives the segment cookie, quotes and all, nil if there is none, and
// whether there were several that differ.
func (j *cookieJar) segment() (token []byte, duplicates bool) {
	v := &j.found[segmentSlot]
	return v.value, v.duplicate
}

// seal gives the seal, nil where there is none. Of two that differ neither
// counts: which one belongs to the token cannot be told.
func (j *cookieJar) seal() []byte { return j.found[sealSlot].single() }

// only gives the value of a cookie that came once, or always the same; nil where
// it did not, or was not looked for. An empty one is not nil.
func (j *cookieJar) only(name string) []byte {
	for i := range j.names {
		if j.names[i] == name {
			return j.found[i].single()
		}
	}
	return nil
}

// cutCookie parts a trimmed cookie-pair; without "=" it is none.
func cutCookie(part []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(part, []byte{'='})
	return bytes.TrimRight(name, " \t"), bytes.TrimLeft(value, " \t"), ok
}

func (v *cookieValue) single() []byte {
	if v.duplicate {
		return nil
	}
	return v.value
}

func (v *cookieValue) note(value []byte) {
	if v.found && !bytes.Equal(v.value, value) {
		v.duplicate = true
	}
	if !v.found {
		v.value, v.found = value, true
	}
	if v.value == nil {
		v.value = []byte{} // what trimming makes of an empty value; nil means none
	}
}

// appendCookiesWithout appends a Cookie line without the cookies of one name. All
// other bytes stay as they came, for the origin may read what we call junk. It
// appends nothing where nothing is left.
func appendCookiesWithout(dst, line []byte, name string) []byte {
	kept := false
	dropped := false
	for first := true; first || len(line) > 0; first = false {
		var part []byte
		var more bool
		part, line, more = bytes.Cut(line, []byte{';'})
		trimmed := bytes.Trim(part, " \t")
		if n, _, ok := cutCookie(trimmed); ok && string(n) == name {
			dropped = true
			continue
		}
		if kept {
			dst = append(dst, ';')
		} else if dropped {
			part = bytes.TrimLeft(part, " \t")
		}
		dst, kept = append(dst, part...), true
		if more && len(line) == 0 {
			dst = append(dst, ';') // the line ended with one
		}
	}
	return dst
}
