package httpcc

import (
	"bytes"
	"strings"

	"github.com/dunglas/httpsfv"
)

// surrogateControl is the one target that is not a structured field.
const surrogateControl = "Surrogate-Control"

// Control is the caching policy of a response and where it was found. The zero
// value is a response that says nothing.
type Control struct {
	Directives Directives
	// Field is the targeted field that was used, as the target list spells it;
	// empty where it was Cache-Control, or nothing.
	Field string
}

// Targeted reports whether a targeted field was used, so that Cache-Control and
// Expires must be ignored (RFC 9213 section 2.2).
func (c *Control) Targeted() bool { return c.Field != "" }

// Effective picks the policy of a response by RFC 9213 section 2.2: the first
// field of targets, in that order, which is present, valid and not empty; without
// one, Cache-Control. get gives the lines of a response field by its name in any
// case; they are not retained.
func Effective(targets []string, get func(name string) [][]byte) Control {
	for _, name := range targets {
		lines := get(name)
		if len(lines) == 0 {
			continue
		}
		if d, ok := parseTarget(name, lines); ok {
			return Control{Directives: d, Field: name}
		}
	}
	return Control{Directives: ParseCacheControl(get("Cache-Control")...)}
}

func parseTarget(name string, lines [][]byte) (Directives, bool) {
	if strings.EqualFold(name, surrogateControl) {
		return ParseSurrogateControl(lines...)
	}
	return ParseTargeted(lines...)
}

// ParseTargeted reads all lines of a targeted field such as CDN-Cache-Control
// (RFC 9213 section 2.1), a Dictionary of RFC 9651 section 3.2. ok is false where
// the field is empty or does not parse, and must then be treated as absent.
//
// Unlike in Cache-Control, names are in lower case only, the last of two equal
// names counts, and parameters are ignored. A lifetime that is no Integer is
// ignored; one below zero is 0. A restriction holds with any value but ?0, since
// only the value is in doubt, not what the origin meant.
func ParseTargeted(lines ...[]byte) (d Directives, ok bool) {
	texts := make([]string, len(lines))
	for i, line := range lines {
		texts[i] = string(line)
	}
	dictionary, err := httpsfv.UnmarshalDictionary(texts)
	if err != nil || len(dictionary.Names()) == 0 {
		return Directives{}, false
	}
	for _, name := range dictionary.Names() {
		value, _ := dictionary.Get(name)
		d.applyTargeted(name, value)
	}
	return d, true
}

func (d *Directives) applyTargeted(name string, v httpsfv.Member) {
	item, _ := v.(httpsfv.Item) // of an inner list there is no value: as any wrong type
	if lifetime := d.lifetime([]byte(name)); lifetime != nil {
		if n, ok := item.Value.(int64); ok {
			lifetime.atMost(clampSeconds(n))
		}
		return
	}
	m := member{name: []byte(name)}
	switch value := item.Value.(type) {
	case bool:
		if !value {
			return
		}
		m.clean = true
	case string:
		m.value, m.form, m.clean = []byte(value), quotedValue, true
	case httpsfv.Token:
		m.value, m.form, m.clean = []byte(value), tokenValue, true
	}
	d.apply(m)
}

// ParseSurrogateControl reads all lines of a Surrogate-Control field (Edge
// Architecture Specification 1.0, section 2.2), which is older than structured
// fields and is read with the grammar of Cache-Control. Of it max-age and
// no-store are known; "max-age=3600+600" adds how long a stale response may be
// served, kept as StaleWhileRevalidate. ok is false where neither is there, so
// that a mere content="ESI/1.0" does not hide Cache-Control.
//
// A directive aimed at another surrogate ("max-age=60;name") counts as malformed.
func ParseSurrogateControl(lines ...[]byte) (d Directives, ok bool) {
	for _, line := range lines {
		s := scanner{rest: line}
		for m, more := s.next(); more; m, more = s.next() {
			d.applySurrogate(m)
		}
	}
	return d, d.NoStore || d.MaxAge.Set
}

func (d *Directives) applySurrogate(m member) {
	var buf [nameMax]byte
	switch string(lower(&buf, m.name)) {
	case "no-store":
		d.NoStore = true
	case "max-age":
		fresh, stale, extended := bytes.Cut(m.value, []byte{'+'})
		grace := member{value: stale, form: m.form, clean: m.clean}
		m.value = fresh
		d.MaxAge.atMost(m.seconds())
		if extended {
			d.StaleWhileRevalidate.atMost(grace.seconds())
		}
	}
}
