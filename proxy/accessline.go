package proxy

import (
	"net/netip"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/obs"
)

// accessLine is one line of the access log. There is no place in it for a cookie,
// a token, an e-mail address or a query, so none can slip in: the path stands
// without its query, and of the segment there is the beginning of its digest. The
// slices are views that live until the line is appended.
type accessLine struct {
	time      time.Time
	method    []byte
	host      []byte
	path      []byte // canonical; never with a query
	status    int
	bytes     int64 // of the body as sent, or as announced
	outcome   cache.Outcome
	reason    cache.Reason
	route     string // "" where the request was refused before there was one
	scope     cache.Scope
	digest    string // of the projected segment; "" on other scopes
	server    string // of the upstream; "" where nothing was forwarded
	client    netip.Addr
	duration  time.Duration // of the whole request
	wait      time.Duration // until the head of the answer was known
	collapsed bool
	stored    bool
	age       time.Duration // of the page; left out where it is 0
}

// segmentDigits is how much of a digest is logged: enough to tell segments
// apart, and no more than a line needs.
const segmentDigits = 12

// append appends the line as one JSON object and the end of line. It allocates
// nothing where dst has room.
func (a *accessLine) append(dst obs.Line) obs.Line {
	l := dst.Time("time", a.time).Bytes("method", a.method).Bytes("host", a.host).Bytes("path", a.path)
	l = l.Int("status", int64(a.status)).Int("bytes", a.bytes)
	l = l.Str("outcome", a.outcome.String()).Str("reason", a.reason.String())
	if a.route != "" {
		l = l.Str("route", a.route).Str("scope", a.scope.String())
	}
	if a.digest != "" {
		l = l.Str("segment", a.digest[:min(len(a.digest), segmentDigits)])
	}
	if a.server != "" {
		l = l.Str("upstream", a.server)
	}
	var addr [64]byte
	l = l.Bytes("client", a.client.AppendTo(addr[:0]))
	l = l.Int("duration_us", a.duration.Microseconds()).Int("wait_us", a.wait.Microseconds())
	l = l.Bool("collapsed", a.collapsed).Bool("stored", a.stored)
	if a.age > 0 {
		l = l.Int("age", int64(a.age/time.Second))
	}
	return append(l.End(), '\n')
}
