package proxy

import (
	"strconv"
	"time"

	"github.com/aislecache/aisle/cache"
)

// statusLine is what Cache-Status says of one answer. The zero value says only
// that aisle was here.
type statusLine struct {
	outcome cache.Outcome
	reason  cache.Reason

	fwdStatus int           // of the origin's answer to this request; 0: nothing was forwarded, or nothing came back
	ttl       time.Duration // left; negative once stale
	hasTTL    bool
	stored    bool
	collapsed bool
	key       uint64 // digest of the variant key; 0: there is none
	debug     bool   // the client may see more than hit and fwd
}

// appendCacheStatus appends aisle's member of Cache-Status (RFC 9211), behind
// those of caches nearer to the origin where dst holds some already. key and
// detail help whoever wants to poison a cache (section 6), so only clients in
// debug_from get more than hit and fwd.
func appendCacheStatus(dst []byte, s *statusLine) []byte {
	if len(dst) > 0 {
		dst = append(dst, ", "...)
	}
	dst = append(dst, "aisle"...)
	fwd := s.fwd()
	switch {
	case fwd != "":
		dst = append(append(dst, "; fwd="...), fwd...)
	case s.outcome == cache.Hit || s.outcome == cache.Stale:
		dst = append(dst, "; hit"...)
	}
	if s.debug {
		dst = appendStatusDetail(dst, s, fwd != "")
	}
	return dst
}

func appendStatusDetail(dst []byte, s *statusLine, forwarded bool) []byte {
	if forwarded {
		if s.fwdStatus != 0 {
			dst = strconv.AppendInt(append(dst, "; fwd-status="...), int64(s.fwdStatus), 10)
		}
		if s.stored {
			dst = append(dst, "; stored"...)
		}
		if s.collapsed {
			dst = append(dst, "; collapsed"...)
		}
	}
	if s.hasTTL {
		dst = strconv.AppendInt(append(dst, "; ttl="...), wholeSeconds(s.ttl), 10)
	}
	dst = append(append(dst, "; detail="...), s.reason.String()...)
	if s.key != 0 {
		dst = append(dst, `; key="`...)
		for shift := 60; shift >= 0; shift -= 4 {
			dst = append(dst, "0123456789abcdef"[s.key>>shift&15])
		}
		dst = append(dst, '"')
	}
	return dst
}

// wholeSeconds rounds down, so that what is just stale is never told as 0.
func wholeSeconds(d time.Duration) int64 {
	seconds := int64(d / time.Second)
	if d%time.Second < 0 {
		seconds--
	}
	return seconds
}

// fwd gives the fwd parameter (RFC 9211, 2.2), or "" where nothing went forward.
// `partial` is never said: no part of a page is stored.
func (s *statusLine) fwd() string {
	switch s.outcome {
	case cache.Stale:
		// A page may be served stale because the forwarded request failed, and then
		// it was not "not forwarded"; a refresh behind is not this request's.
		if s.reason == cache.ReasonStaleOnError && s.fwdStatus != 0 {
			return "stale"
		}
		return ""
	case cache.Miss, cache.Collapsed:
		return missToken(s.reason)
	case cache.Revalidated:
		if s.reason == cache.ReasonRequestDirective {
			return "request"
		}
		return "stale"
	case cache.Pass, cache.HitForMiss:
		return passToken(s.reason)
	case cache.Failed:
		return failToken(s.reason)
	}
	return ""
}

// missToken says what the lookup found. Where the reason is about the answer,
// which of the kinds it was is not known.
func missToken(r cache.Reason) string {
	switch r {
	case cache.ReasonAbsent, cache.ReasonPurgedHard:
		return "uri-miss"
	case cache.ReasonVariant, cache.ReasonVariantMismatch:
		return "vary-miss"
	case cache.ReasonExpired, cache.ReasonGrace, cache.ReasonRevalidate, cache.ReasonPurgedSoft, cache.ReasonNotModified, cache.ReasonStaleOnError:
		return "stale"
	case cache.ReasonRequestDirective:
		return "request"
	}
	return "miss"
}

func passToken(r cache.Reason) string {
	switch r {
	case cache.ReasonMethod:
		return "method"
	case cache.ReasonRequestDirective:
		return "request"
	}
	return "bypass"
}

// failToken: no answer came back, yet the request went forward, unless it was us
// who would not let it.
func failToken(r cache.Reason) string {
	switch r {
	case cache.ReasonOnlyIfCached, cache.ReasonShuttingDown:
		return ""
	}
	return "miss"
}
