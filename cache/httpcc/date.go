package httpcc

import (
	"bytes"
	"time"
)

// ParseDate reads an HTTP-date (RFC 9110 section 5.6.7) in its three formats:
// IMF-fixdate, RFC 850 and asctime. Names and "GMT" match in any case, as RFC
// 9111 section 4.2 asks of caches; everything else is exact, and any other zone
// is invalid. The day of the week must be one, but need not fit the date. A leap
// second is given as the second before it: a cache never rounds up.
//
// Two-digit years are read as of the year 2026, which is 1976 to 2075, since there
// is no clock here; ParseDateAt has the exact rule. The result is in UTC. ParseDate
// does not allocate and does not retain b.
func ParseDate(b []byte) (t time.Time, ok bool) {
	return ParseDateAt(b, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
}

// ParseDateAt is ParseDate with the time against which the two-digit year of the
// RFC 850 format is read: what seems more than 50 years after now is taken as
// the last such year in the past (RFC 9110 section 5.6.7).
func ParseDateAt(b []byte, now time.Time) (t time.Time, ok bool) {
	b = trimOWS(b)
	switch comma := bytes.IndexByte(b, ','); {
	case comma < 0:
		return parseAsctime(b)
	case comma == 3:
		return parseIMF(b)
	default:
		return parse850(b, comma, now)
	}
}

// parseIMF reads "Sun, 06 Nov 1994 08:49:37 GMT".
func parseIMF(b []byte) (time.Time, bool) {
	if !fits(b, "aaa, 00 aaa 0000 00:00:00 GMT") || !isDay(b[:3]) {
		return time.Time{}, false
	}
	return civil(number(b[12:16]), month(b[8:11]), number(b[5:7]), b[17:25])
}

// parse850 reads "Sunday, 06-Nov-94 08:49:37 GMT".
func parse850(b []byte, comma int, now time.Time) (time.Time, bool) {
	day, rest := b[:comma], b[comma:]
	if !fits(rest, ", 00-aaa-00 00:00:00 GMT") || !isLongDay(day) {
		return time.Time{}, false
	}
	// From the next century downwards, so that a reader in 2099 takes 05 for 2105.
	year := now.UTC().Year()/100*100 + 100 + number(rest[9:11])
	m, mday := month(rest[5:8]), number(rest[2:4])
	limit := now.AddDate(50, 0, 0)
	for time.Date(year, m, mday, number(rest[12:14]), number(rest[15:17]), number(rest[18:20]), 0, time.UTC).After(limit) {
		year -= 100
	}
	return civil(year, m, mday, rest[12:20])
}

// parseAsctime reads "Sun Nov  6 08:49:37 1994".
func parseAsctime(b []byte) (time.Time, bool) {
	switch {
	case fits(b, "aaa aaa 00 00:00:00 0000"), fits(b, "aaa aaa  0 00:00:00 0000"):
	default:
		return time.Time{}, false
	}
	if !isDay(b[:3]) {
		return time.Time{}, false
	}
	return civil(number(b[20:24]), month(b[4:7]), number(bytes.TrimLeft(b[8:10], " ")), b[11:19])
}

// fits reports whether b has the shape of layout: 0 stands for a digit, a for any
// byte, a capital letter for itself in any case, the rest for itself.
func fits(b []byte, layout string) bool {
	if len(b) != len(layout) {
		return false
	}
	for i, c := range b {
		var match bool
		switch l := layout[i]; {
		case l == '0':
			match = '0' <= c && c <= '9'
		case l == 'a':
			match = true
		case 'A' <= l && l <= 'Z':
			match = c == l || c == l+'a'-'A'
		default:
			match = c == l
		}
		if !match {
			return false
		}
	}
	return true
}

// civil makes a time of a date and of "hh:mm:ss", and refuses what the calendar
// does not have. A month of 0 is an unknown name.
func civil(year int, m time.Month, day int, clock []byte) (time.Time, bool) {
	hour, minute, second := number(clock[:2]), number(clock[3:5]), number(clock[6:8])
	if m == 0 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	t := time.Date(year, m, day, hour, minute, min(second, 59), 0, time.UTC)
	if t.Day() != day || t.Month() != m {
		return time.Time{}, false
	}
	return t, true
}

// number reads digits, which fits has seen to be digits.
func number(b []byte) (n int) {
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n
}

func isDay(b []byte) bool {
	var buf [nameMax]byte
	switch string(lower(&buf, b)) {
	case "mon", "tue", "wed", "thu", "fri", "sat", "sun":
		return true
	}
	return false
}

func isLongDay(b []byte) bool {
	var buf [nameMax]byte
	switch string(lower(&buf, b)) {
	case "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday":
		return true
	}
	return false
}

// month gives 0 for an unknown name.
func month(b []byte) time.Month {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	var buf [nameMax]byte
	name := lower(&buf, b)
	for m := time.January; m <= time.December; m++ {
		if string(name) == names[3*m-3:3*m] {
			return m
		}
	}
	return 0
}

// AppendDate appends t to dst as IMF-fixdate (RFC 9110 section 5.6.7), whole
// seconds rounded down. A year that four digits cannot hold becomes the nearest
// time that they can.
func AppendDate(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if t.Year() < 0 {
		t = time.Date(0, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	if t.Year() > 9999 {
		t = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	return t.AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 GMT")
}
