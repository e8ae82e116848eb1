package proxy

import (
	"strings"
	"time"
)

// sealPassing gives the Set-Cookie that seals a token which an origin's own
// sessions system sets in this answer, or "". Where the origin sets several,
// the last one is what the browser keeps, and is sealed.
//
// The seal's cookie has the attributes of the token's, so both live and go together;
// a token that is deleted takes its seal along.
func (g *generation) sealPassing(now time.Time, setCookies []string) string {
	if g.parts.Sealer == nil || g.parts.Sessions != nil { // the sidecar seals its tokens itself
		return ""
	}
	sealed := ""
	for _, line := range setCookies {
		pair, attributes, _ := strings.Cut(line, ";")
		name, token, ok := strings.Cut(pair, "=")
		if !ok || strings.TrimSpace(name) != g.options.SegmentCookie {
			continue
		}
		token = strings.TrimSpace(token)
		value := ""
		if token != "" {
			value = g.parts.Sealer.Seal(now, []byte(token))
		}
		sealed = sealCookie + "=" + value
		if attributes = strings.TrimSpace(attributes); attributes != "" {
			sealed += "; " + attributes
		}
	}
	return sealed
}
