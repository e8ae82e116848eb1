package sessions

import (
	"net/url"
	"strings"
)

// endpoint is what a path asks for.
type endpoint uint8

const (
	noEndpoint       endpoint = iota
	sessionsEndpoint          // /api/sessions, and with a token /api/sessions/{token}
	segmentsEndpoint          // /api/segments, likewise
	jwksEndpoint              // /api/sessions/.well-known/jwks.json
	internalEndpoint          // /_aisle/, for edges
	checkoutEndpoint          // /api/checkout/pub/, answered by HandlerOptions.Checkout
	endpoints
)

// String returns the word used in logs and metrics.
func (e endpoint) String() string {
	return [...]string{"none", "sessions", "segments", "jwks", "internal", "checkout", "unknown"}[min(e, endpoints)]
}

// checkoutPath is in the paths of checkoutEndpoint.
const checkoutPath = "/api/checkout/pub/"

const jwksPath = ".well-known/jwks.json"

// parsePath reads an escaped path with any prefix before /api, as bindings have one (facts, part 3). A token
// may hold `=` as it is or escaped, and an escaped slash (facts 1.6).
func parsePath(escaped string) (e endpoint, token string, ok bool) {
	e, rest := cutEndpoint(escaped)
	switch {
	case e == noEndpoint:
		return noEndpoint, "", false
	case e == sessionsEndpoint && rest == jwksPath:
		return jwksEndpoint, "", true
	}
	rest = strings.TrimSuffix(rest, "/")
	// Only a segment's token, standard base64, may hold a slash as it is.
	if e == sessionsEndpoint && strings.Contains(rest, "/") {
		return noEndpoint, "", false
	}
	token, err := url.PathUnescape(rest)
	if err != nil {
		return e, rest, true // a token that is none; it is for the endpoint to say so
	}
	return e, token, true
}

// cutEndpoint gives what stands after the last name of an endpoint: a prefix may hold one too, a token cannot.
func cutEndpoint(escaped string) (e endpoint, rest string) {
	last := -1
	for _, known := range []struct {
		name string
		e    endpoint
	}{{"/api/sessions", sessionsEndpoint}, {"/api/segments", segmentsEndpoint}} {
		at := strings.LastIndex(escaped, known.name)
		if at <= last {
			continue
		}
		if tail := escaped[at+len(known.name):]; tail == "" || tail[0] == '/' {
			last, e, rest = at, known.e, strings.TrimPrefix(tail, "/")
		}
	}
	return e, rest
}
