package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time as the file writes it: Go's syntax and `d` for days of
// 24 hours, as in 1d12h. It is never negative. The zero value is `0s`.
type Duration time.Duration

const day = 24 * time.Hour

// String returns the shortest text that reads back as the same Duration; whole days from two days on.
func (d Duration) String() string {
	t := time.Duration(d)
	if t >= 2*day && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-len("0s")]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-len("0m")]
	}
	return s
}

// MarshalText returns String and no error.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a Duration. A number without a unit, a negative length and one
// over 292 years are errors that quote the text.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, ok := parseDuration(string(text))
	if !ok {
		return fmt.Errorf("%q is not a duration", text)
	}
	*d = parsed
	return nil
}

func parseDuration(s string) (Duration, bool) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, false // Go reads a bare 0
	}
	var days time.Duration
	if head, tail, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseUint(head, 10, 32)
		if err != nil || n > uint64(math.MaxInt64/day) {
			return 0, false
		}
		if days = time.Duration(n) * day; tail == "" {
			return Duration(days), true
		}
		s = tail
	}
	rest, err := time.ParseDuration(s)
	if err != nil || rest < 0 || rest > math.MaxInt64-days {
		return 0, false
	}
	return Duration(days + rest), true
}

// Size is a number of bytes as the file writes it: whole KiB, MiB or GiB, or plain
// bytes without a unit. It is never negative.
type Size int64

var sizeUnits = [...]struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String returns the text in the greatest unit that needs no fraction.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText returns String and no error.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a Size. Decimal units (kB, MB), fractions, negative sizes and
// more than 8 EiB are errors that quote the text.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := string(text), Size(1)
	for _, u := range sizeUnits {
		if head, found := strings.CutSuffix(digits, u.name); found {
			digits, unit = head, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || Size(n) > math.MaxInt64/unit {
		return fmt.Errorf("%q is not a size in bytes, KiB, MiB or GiB", text)
	}
	*s = Size(n) * unit
	return nil
}
