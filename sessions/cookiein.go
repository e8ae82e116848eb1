package sessions

import (
	"strings"
	"unicode/utf8"

	"github.com/aislecache/aisle/sessions/transform"
)

// parseCookies reads Cookie lines pair by pair: a broken one is dropped and the others are kept, where the public
// system fails as a whole (facts, part 6, 779014). The order is the request's; repeated names stay.
func parseCookies(lines []string) (pairs []transform.Cookie, broken int) {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.Trim(part, " \t"); part == "" {
				continue
			}
			name, value, ok := strings.Cut(part, "=")
			if !ok || !soundCookie(name, value) {
				broken++
				continue
			}
			pairs = append(pairs, transform.Cookie{Name: name, Value: unquoteCookie(value)})
		}
	}
	return pairs, broken
}

// soundCookie is RFC 6265's cookie-octet, loosened to what browsers send: anything
// but control characters.
func soundCookie(name, value string) bool {
	if name == "" || strings.ContainsAny(name, " \t\"(),/:<>?@[\\]{}") || !utf8.ValidString(name) || !utf8.ValidString(value) {
		return false
	}
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	return !strings.ContainsFunc(name, control) && !strings.ContainsFunc(value, control)
}

func unquoteCookie(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
