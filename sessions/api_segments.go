package sessions

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/aislecache/aisle/segment"
)

// segments answers /api/segments and /api/segments/{token}.
func (e *exchange) segments() error {
	if e.token != "" {
		return e.decodeSegment()
	}
	asked := parseQuery(e.r.URL.RawQuery, e.h.service.denied, e.h.service.o.Limits)
	e.countQuery(asked)
	e.h.metrics.dropped(excessQuery, asked.keep(e.h.service.o.Limits.Keys))
	in := e.cookies()
	found, own, err := e.h.service.Segment(e.r.Context(), e.call(in, false), asked.public)
	if own.Token != "" {
		// The clients of apps take the segment from the cookie that comes with it, if they had none (facts 1.6).
		e.setSegment(own.Token, in, e.h.service.o.TTL, false)
	}
	if err != nil {
		return err
	}
	e.answer(http.StatusOK, withoutNulls(found.Segment.AppendJSON(nil)))
	return nil
}

// withoutNulls leaves out the null fields that the API description does not let be null, regionId above all. A quote within a
// JSON string is escaped, so that nothing but a field looks like one.
func withoutNulls(text []byte) []byte {
	for _, name := range []string{
		"channel", "regionId", "currencyCode", "currencySymbol", "countryCode", "cultureInfo", "channelPrivacy",
	} {
		text = bytes.Replace(text, []byte(`,"`+name+`":null`), nil, 1)
	}
	return text
}

// segmentAge is how long anybody may keep a decoded token. It is what the public clients do (facts 1.6); a token's
// meaning never changes.
const segmentAge = "public, max-age=3600, immutable"

// decodeSegment answers what a token says. It is no proof of anything, so nothing is verified.
func (e *exchange) decodeSegment() error {
	found, reason := segment.Decode([]byte(e.token), maxCookie)
	if reason != segment.OK {
		return badRequest("not a segment token: %s", reason)
	}
	if facets, ok := found.Get("facets"); ok && strings.HasPrefix(facets, facetsReference) {
		resolved, err := e.h.service.Facets(e.r.Context(), strings.TrimPrefix(facets, facetsReference))
		if err != nil {
			return err
		}
		if found, err = found.With("facets", resolved); err != nil {
			return err
		}
	}
	header := e.w.Header()
	header.Set("Cache-Control", segmentAge)
	header.Set("Vary", "Origin")
	e.answer(http.StatusOK, found.AppendJSON(nil))
	return nil
}

// maxCookie is the most that browsers keep of one cookie.
const maxCookie = 4 << 10
