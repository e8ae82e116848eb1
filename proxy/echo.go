package proxy

import (
	"bytes"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// maxEchoToken bounds how long a token in a page may be; longer runs of base64
// (pictures, source maps) are not tokens.
const maxEchoToken = 8 << 10

// verifyEcho is the echo check (DESIGN.md, rule 8): every segment token in the
// page must be of the projection that the page was asked for with. It stands
// between a misbehaving origin cache and everybody else. A page without a token
// proves nothing, and is stored.
//
// Where the page is narrowed (Segment-Vary), only the fields it names must
// agree: the others do not shape it, whatever its token says of them.
func verifyEcho(d cache.Dimensions, narrowed bool, fields []string, head *cache.Head, body []byte) cache.Reason {
	own, ok := d.(*owned)
	if !ok || own.projected == nil {
		return cache.ReasonEcho
	}
	if coded(head.Header) {
		return cache.ReasonEchoUnreadable
	}
	for rest := body; ; {
		token, next := nextToken(rest)
		if token == nil {
			return cache.ReasonStored
		}
		if !agrees(own.projected, token, narrowed, fields) {
			return cache.ReasonEcho
		}
		rest = next
	}
}

func coded(header cache.Block) bool {
	for name, value, rest, ok := header.Next(); ok; name, value, rest, ok = rest.Next() {
		if equalFold(name, "content-encoding") && !equalFold(value, "identity") {
			return true
		}
	}
	return false
}

// nextToken finds the next run of base64 that decodes to a segment. Every JSON
// object that begins with a name begins with eyJ in base64; JSON web tokens do
// too, but have no channel.
func nextToken(body []byte) (token, rest []byte) {
	for {
		at := bytes.Index(body, []byte("eyJ"))
		if at < 0 {
			return nil, nil
		}
		inside := at > 0 && isBase64(body[at-1])
		body = body[at:]
		end := 0
		for end < len(body) && isBase64(body[end]) {
			end++
		}
		token, body = body[:end], body[end:]
		if inside || end > maxEchoToken {
			continue
		}
		if s, reason := segment.Decode(token, maxEchoToken); reason == segment.OK && looksLikeSegment(s) {
			return token, body
		}
	}
}

func looksLikeSegment(s segment.Segment) bool {
	_, ok := s.Get("channel")
	return ok
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// agrees compares the projected fields of the page's token with the key's: all
// of them, or those that a narrowed page depends on. Fields outside of the
// projection cannot shape the page, whatever its token says of them.
func agrees(p *segment.Projected, token []byte, narrowed bool, fields []string) bool {
	if !narrowed {
		fields = segment.Fields()
	}
	page, _ := segment.Decode(token, maxEchoToken)
	for _, f := range fields {
		want, projected := p.Field(f)
		if !projected {
			continue
		}
		if got, _ := page.Get(f); got != want {
			return false
		}
	}
	return true
}
