package obs

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Line builds one JSON object, member by member, in memory that is used again:
//
//	buf = obs.Line(buf[:0]).Str("route", route).Int("status", 200).End()
//
// The zero value is an object not begun. Methods append as append does, so
// their result replaces the receiver; they allocate only to grow. Keys are not looked
// at for repetition. Values are made valid as encoding/json makes them: bytes that are
// no UTF-8 become U+FFFD, one for each; control characters, quotes, U+2028 and U+2029
// are escaped, so a line never breaks a line.
type Line []byte

// Str appends a string member.
func (l Line) Str(key, value string) Line { return appendQuoted(l.member(key), value) }

// Bytes appends a string member; value is copied.
func (l Line) Bytes(key string, value []byte) Line { return appendQuoted(l.member(key), value) }

// Int appends an integer member.
func (l Line) Int(key string, value int64) Line { return strconv.AppendInt(l.member(key), value, 10) }

// Bool appends true or false.
func (l Line) Bool(key string, value bool) Line { return strconv.AppendBool(l.member(key), value) }

// Dur appends a duration in seconds, exact to the nanosecond: 1.5ms is 0.001500000.
func (l Line) Dur(key string, value time.Duration) Line {
	l = l.member(key)
	n := uint64(value)
	if value < 0 {
		l, n = append(l, '-'), -n // the lowest duration has no positive counterpart but this one
	}
	l = strconv.AppendUint(l, n/1e9, 10)
	l = append(l, '.')
	for unit := uint64(1e8); unit > 0; unit /= 10 {
		l = append(l, '0'+byte(n/unit%10))
	}
	return l
}

// Time appends an instant as RFC 3339 in UTC with milliseconds.
func (l Line) Time(key string, value time.Time) Line {
	l = append(l.member(key), '"')
	l = value.UTC().AppendFormat(l, "2006-01-02T15:04:05.000Z07:00")
	return append(l, '"')
}

// End closes the object. Nothing can be appended to it after that.
func (l Line) End() Line {
	if len(l) == 0 {
		l = append(l, '{')
	}
	return append(l, '}')
}

func (l Line) member(key string) Line {
	sep := byte(',')
	if len(l) == 0 {
		sep = '{'
	}
	return append(appendQuoted(append(l, sep), key), ':')
}

const hexDigits = "0123456789abcdef"

func appendQuoted[S string | []byte](dst Line, s S) Line {
	dst = append(dst, '"')
	clean := 0 // from here on nothing had to be escaped so far
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				dst = appendEscaped(append(dst, s[clean:i]...), c)
				clean = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, s[clean:i]...), `\ufffd`...)
			clean = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[clean:i]...), `\u202`...)
			dst = append(dst, hexDigits[r&0xF])
			clean = i + size
		}
		i += size
	}
	dst = append(dst, s[clean:]...)
	return append(dst, '"')
}

func appendEscaped(dst Line, c byte) Line {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}
