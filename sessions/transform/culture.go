package transform

import "strings"

// culture is the language that a shopper asks for: public.cultureInfo, else public.locale, else the channel's. What
// is not of the short form counts as absent.
func culture(in Values, channels string) string {
	for _, name := range []string{"cultureInfo", "locale"} {
		if tag, ok := canonicalTag(in.Text(Key{PublicNamespace, name})); ok {
			return tag
		}
	}
	return channels
}

// canonicalTag reads a language tag of the form language[-Script][-REGION] (RFC 5646, 2.1) and gives it in the case of its
// section 2.1.1. Longer tags are refused: each spelling is one more page in the cache.
func canonicalTag(text string) (tag string, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts[0]) < 2 || len(parts[0]) > 3 || !letters(parts[0]) {
		return "", false
	}
	out := []string{strings.ToLower(parts[0])}
	rest := parts[1:]
	if len(rest) > 0 && len(rest[0]) == 4 && letters(rest[0]) {
		out = append(out, strings.ToUpper(rest[0][:1])+strings.ToLower(rest[0][1:]))
		rest = rest[1:]
	}
	if len(rest) > 0 && isRegion(rest[0]) {
		out = append(out, strings.ToUpper(rest[0]))
		rest = rest[1:]
	}
	return strings.Join(out, "-"), len(rest) == 0
}

// isRegion: two letters of ISO 3166, or three digits of UN M.49.
func isRegion(s string) bool {
	digits := func(r rune) bool { return r < '0' || r > '9' }
	return len(s) == 2 && letters(s) || len(s) == 3 && !strings.ContainsFunc(s, digits)
}

func letters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
}
