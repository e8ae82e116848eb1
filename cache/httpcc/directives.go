package httpcc

import (
	"bytes"
	"slices"
)

// Directives is what Cache-Control says, of a request or of a response: RFC 9111
// section 5.2, with RFC 5861 and RFC 8246. The zero value is a message without
// the field. A Directives holds no view of the bytes it was parsed from.
type Directives struct {
	NoStore         bool // sections 5.2.1.5 and 5.2.2.5
	MustRevalidate  bool // section 5.2.2.2
	ProxyRevalidate bool // section 5.2.2.8; s-maxage implies it for a shared cache, and is left for the caller to see
	MustUnderstand  bool // section 5.2.2.3
	NoTransform     bool // sections 5.2.1.6 and 5.2.2.6
	Public          bool // section 5.2.2.9
	Immutable       bool // RFC 8246 section 2
	OnlyIfCached    bool // section 5.2.1.7

	// NoCache is set by either form of no-cache, so that who looks at nothing else
	// is safe. NoCacheFields are the fields of the qualified form, RFC 9111 section
	// 5.2.2.4, in lower case; it is empty where the unqualified form is present too,
	// or where the list is not a readable quoted string: see NoCacheWhole.
	NoCache       bool
	NoCacheFields []string

	// Private and PrivateFields are the same for private, RFC 9111 section
	// 5.2.2.7: see PrivateWhole.
	Private       bool
	PrivateFields []string

	// The lifetimes. An argument that is no delta-seconds counts as 0, and of
	// several the most restrictive counts, RFC 9111 section 4.2.1.
	MaxAge               Delta // sections 5.2.1.1 and 5.2.2.1
	SMaxAge              Delta // section 5.2.2.10
	StaleWhileRevalidate Delta // RFC 5861 section 3
	StaleIfError         Delta // RFC 5861 section 4
	MinFresh             Delta // section 5.2.1.3; the largest counts
	MaxStale             Delta // section 5.2.1.2; without an argument MaxDeltaSeconds: any age
}

// ParseCacheControl reads all lines of a Cache-Control field as one list (RFC
// 9111 section 5.2). It fails at nothing: unknown directives are ignored, and
// malformed ones only restrict. Without qualified no-cache or private it does
// not allocate. The lines are not retained.
func ParseCacheControl(lines ...[]byte) Directives {
	var d Directives
	for _, line := range lines {
		d.Add(line)
	}
	return d
}

// Add reads one more line of the same field into d, as ParseCacheControl does;
// the order of lines does not matter. It is for callers that do not have their
// lines in one slice. The line is not retained.
func (d *Directives) Add(line []byte) {
	s := scanner{rest: line}
	for m, ok := s.next(); ok; m, ok = s.next() {
		d.apply(m)
	}
}

// NoCacheWhole reports whether no-cache covers the whole response, not only
// NoCacheFields (RFC 9111 section 5.2.2.4).
func (d *Directives) NoCacheWhole() bool {
	return d.NoCache && len(d.NoCacheFields) == 0
}

// PrivateWhole reports whether private covers the whole response, not only
// PrivateFields (RFC 9111 section 5.2.2.7).
func (d *Directives) PrivateWhole() bool {
	return d.Private && len(d.PrivateFields) == 0
}

// apply honours one directive. A restriction holds in whatever shape it came; a
// permission (public, immutable, must-understand) must be clean and bare.
func (d *Directives) apply(m member) {
	var buf [nameMax]byte
	name := lower(&buf, m.name)
	if lifetime := d.lifetime(name); lifetime != nil {
		lifetime.atMost(m.seconds())
		return
	}
	bare := m.clean && m.form == noValue
	switch string(name) {
	case "no-store":
		d.NoStore = true
	case "no-cache":
		d.NoCacheFields = m.narrow(d.NoCache, d.NoCacheFields)
		d.NoCache = true
	case "private":
		d.PrivateFields = m.narrow(d.Private, d.PrivateFields)
		d.Private = true
	case "must-revalidate":
		d.MustRevalidate = true
	case "proxy-revalidate":
		d.ProxyRevalidate = true
	case "no-transform":
		d.NoTransform = true
	case "public":
		d.Public = d.Public || bare
	case "immutable":
		d.Immutable = d.Immutable || bare
	case "must-understand":
		d.MustUnderstand = d.MustUnderstand || bare
	case "only-if-cached":
		d.OnlyIfCached = d.OnlyIfCached || bare
	case "min-fresh":
		d.MinFresh.atLeast(m.seconds())
	case "max-stale":
		d.MaxStale.atMost(m.tolerance(bare))
	}
}

// lifetime gives the field for a response directive that holds seconds, of which
// the smallest counts; nil for any other name.
func (d *Directives) lifetime(name []byte) *Delta {
	switch string(name) {
	case "max-age":
		return &d.MaxAge
	case "s-maxage":
		return &d.SMaxAge
	case "stale-while-revalidate":
		return &d.StaleWhileRevalidate
	case "stale-if-error":
		return &d.StaleIfError
	}
	return nil
}

// seconds is the argument as delta-seconds in either form, 0 where it is none.
func (m *member) seconds() int64 {
	n, ok := parseSeconds(m.value)
	if !ok || !m.clean {
		return 0
	}
	return n
}

func (m *member) tolerance(bare bool) int64 {
	if bare {
		return MaxDeltaSeconds
	}
	return m.seconds()
}

// narrow gives the field list of no-cache or private after m. seen tells whether
// the directive came before: without fields it then covered the whole response,
// and nothing narrows that again. Only the quoted form narrows: a token, which no
// sender should use, is as often a slip ("private=true", "private='a'").
func (m *member) narrow(seen bool, fields []string) []string {
	whole := seen && len(fields) == 0
	if whole || m.form != quotedValue || !m.clean || !fieldNames(m.value) {
		return nil
	}
	eachElement([][]byte{m.value}, func(element []byte) bool {
		name := string(bytes.ToLower(element))
		if !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
		return true
	})
	return fields
}

// fieldNames reports whether list is a readable list of at least one field name.
func fieldNames(list []byte) bool {
	count, valid := 0, true
	eachElement([][]byte{list}, func(element []byte) bool {
		count++
		valid = isToken(element)
		return valid
	})
	return valid && count > 0
}
