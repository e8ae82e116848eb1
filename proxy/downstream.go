package proxy

import (
	"bytes"
	"strconv"
	"time"

	"github.com/aislecache/aisle/cache/httpcc"
)

// appendDownstreamControl appends the Cache-Control of an answer on a segment
// route (DESIGN.md, rule 7). Without it a browser or a CDN, which key by URL,
// would show the price of before the log-in. noStore is the origin's, which no
// route loosens. d is the route's own where it may act, which is for pages that
// are for everybody of a segment; the zero value for all else: pass, error.
func appendDownstreamControl(dst []byte, noStore bool, d Downstream) []byte {
	switch {
	case noStore:
		return append(dst, "private, no-cache, no-store"...)
	case d.Set && d.CDN > 0:
		dst = appendSeconds(append(dst, "public, max-age="...), d.Browser)
		return appendSeconds(append(dst, ", s-maxage="...), d.CDN)
	case d.Set && d.Browser > 0:
		return appendSeconds(append(dst, "private, max-age="...), d.Browser)
	}
	return append(dst, "private, no-cache"...)
}

func appendSeconds(dst []byte, d time.Duration) []byte {
	return strconv.AppendInt(dst, int64(max(d, 0)/time.Second), 10)
}

// removedDownstream says which fields of an answer do not leave on a segment
// route; the name is in lower case. Cache-Control and ETag are written anew.
// Expires, Pragma and the targeted fields (RFC 9213, and what is like them) would
// overrule that; Last-Modified is the same for all segments, so a browser would
// be told "not modified" after a log-in. Segment-Vary is between origin and
// edge. Age stays: it is true, and nobody reads it beside no-cache.
func removedDownstream(name []byte) bool {
	switch string(name) {
	case "cache-control", "etag", "expires", "last-modified", "pragma", "segment-vary", "surrogate-control", "edge-control", "x-accel-expires":
		return true
	}
	return bytes.HasSuffix(name, []byte("cdn-cache-control"))
}

// appendETag appends the entity tag of a page on a segment route: the digest of
// the projected segment, in hex, and the origin's own tag, weak if that is weak
// (RFC 9110, 8.8.3). So a shopper whose segment changed never revalidates the
// page of before: If-None-Match is compared with this tag only, and tags of the
// origin's own never match it. It appends nothing where validator, the value of the origin's
// ETag field, is none.
func appendETag(dst []byte, digest string, validator []byte) []byte {
	tag, ok := httpcc.ParseETag(validator)
	if !ok {
		return dst
	}
	if tag.Weak {
		dst = append(dst, 'W', '/')
	}
	dst = append(append(dst, '"'), digest...)
	dst = append(append(dst, '-'), tag.Opaque...)
	return append(dst, '"')
}
