package httpcc

import (
	"bytes"
	"strings"
)

// isToken reports whether b is a token (RFC 9110 section 5.6.2). Empty is not.
func isToken(b []byte) bool {
	return len(b) > 0 && tokenLen(b) == len(b)
}

// tokenLen gives the length of the run of tchar that b begins with.
func tokenLen(b []byte) int {
	for i, c := range b {
		if !isTchar(c) {
			return i
		}
	}
	return len(b)
}

func isTchar(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// owsLen gives the length of the optional white space (RFC 9110 section 5.6.3)
// that b begins with.
func owsLen(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' {
			return i
		}
	}
	return len(b)
}

func trimOWS(b []byte) []byte {
	b = b[owsLen(b):]
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// quotedLen gives the length of the quoted-string (RFC 9110 section 5.6.4) that
// b begins with, both quotes included, or 0 where it has no end.
func quotedLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// nameMax bounds the names that lower can hold. The longest that this package
// knows is stale-while-revalidate, 22 bytes.
const nameMax = 32

// lower writes b in lower case (ASCII) into buf and returns the written part. A
// b that does not fit gives an empty result, which equals no known name.
func lower(buf *[nameMax]byte, b []byte) []byte {
	if len(b) > nameMax {
		return buf[:0]
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(b)]
}

// eachElement walks the members of a comma-separated list without quoted
// strings (RFC 9110 section 5.6.1), trimmed, empty ones left out, until visit
// returns false.
func eachElement(lines [][]byte, visit func(element []byte) bool) {
	for _, line := range lines {
		for len(line) > 0 {
			var element []byte
			element, line, _ = bytes.Cut(line, []byte{','})
			element = trimOWS(element)
			if len(element) > 0 && !visit(element) {
				return
			}
		}
	}
}
