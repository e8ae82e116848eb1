package httpcc

import (
	"bytes"
	"time"
)

// Source tells where a freshness lifetime came from.
type Source uint8

// The sources. SourceNone, the zero value, is a response that gives no explicit
// lifetime. SourceHeuristic is for the caller that turns to Heuristic then;
// Freshness itself never returns it.
const (
	SourceNone      Source = iota
	SourceSMaxAge          // s-maxage of Cache-Control
	SourceMaxAge           // max-age of Cache-Control
	SourceExpires          // Expires minus Date
	SourceTargeted         // s-maxage or max-age of a targeted field
	SourceHeuristic        // Last-Modified
	sourceEnd
)

// String gives the word for logs, labels and headers; "unknown" for a value that
// is none of the constants.
func (s Source) String() string {
	switch s {
	case SourceNone:
		return "none"
	case SourceSMaxAge:
		return "s-maxage"
	case SourceMaxAge:
		return "max-age"
	case SourceExpires:
		return "expires"
	case SourceTargeted:
		return "targeted"
	case SourceHeuristic:
		return "heuristic"
	}
	return "unknown"
}

// FreshnessInput is what the lifetime of a response depends on.
type FreshnessInput struct {
	Control      Control   // as Effective gives it
	Expires      [][]byte  // all lines of Expires; ignored where Control is targeted
	Date         time.Time // the Date field, looked at where HasDate
	HasDate      bool
	ResponseTime time.Time // our clock when the response arrived; stands in for Date
}

// Freshness gives the explicit lifetime of a response for a shared cache, by the
// order of RFC 9111 section 4.2.1: s-maxage, max-age, Expires. It is from 0 to
// MaxDeltaSeconds seconds, and 0 with SourceNone. What forbids the use of a fresh
// response, no-cache and the like, does not show in it.
func Freshness(in FreshnessInput) (lifetime time.Duration, source Source) {
	d := &in.Control.Directives
	explicit := func(delta Delta, source Source) (time.Duration, Source) {
		if in.Control.Targeted() {
			source = SourceTargeted
		}
		return delta.Duration(), source
	}
	switch {
	case d.SMaxAge.Set:
		return explicit(d.SMaxAge, SourceSMaxAge)
	case d.MaxAge.Set:
		return explicit(d.MaxAge, SourceMaxAge)
	case len(in.Expires) > 0 && !in.Control.Targeted():
		return expiresIn(&in), SourceExpires
	}
	return 0, SourceNone
}

// expiresIn is Expires minus Date. An invalid date, "0" above all, is in the past
// (RFC 9111 section 5.3), and so are several lines that differ.
func expiresIn(in *FreshnessInput) time.Duration {
	for _, line := range in.Expires[1:] {
		if !bytes.Equal(trimOWS(line), trimOWS(in.Expires[0])) {
			return 0
		}
	}
	expires, ok := ParseDateAt(in.Expires[0], in.ResponseTime)
	if !ok {
		return 0
	}
	date := in.ResponseTime
	if in.HasDate {
		date = in.Date
	}
	return clampDuration(expires.Sub(date))
}

// Heuristic gives the lifetime of a response without an explicit one: fraction of
// the time between Last-Modified and Date, at most limit (RFC 9111 section 4.2.2).
// It is 0 where lastModified is the zero time or not before date, where fraction
// is not above 0, or where limit is not. Whether a heuristic may be used at all is
// for the caller to know.
func Heuristic(lastModified, date time.Time, fraction float64, limit time.Duration) time.Duration {
	unchanged := date.Sub(lastModified)
	// Not "fraction <= 0": that is false for NaN.
	if lastModified.IsZero() || unchanged <= 0 || !(fraction > 0) {
		return 0
	}
	limit = clampDuration(limit)
	// Compared as float64: the product of a large fraction has no duration.
	if lifetime := float64(unchanged) * fraction; lifetime < float64(limit) {
		return time.Duration(lifetime)
	}
	return limit
}
