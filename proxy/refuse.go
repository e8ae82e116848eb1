package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/sessions/operation"
)

// refusalStatus is the status of a request that the guard refuses.
func refusalStatus(r cache.Reason) int {
	switch r {
	case cache.ReasonUnknownHost:
		return fasthttp.StatusMisdirectedRequest
	case cache.ReasonHeadTooLarge:
		return fasthttp.StatusRequestHeaderFieldsTooLarge
	case cache.ReasonBadMethod:
		return fasthttp.StatusMethodNotAllowed
	case cache.ReasonTargetTooLong:
		return fasthttp.StatusRequestURITooLong
	case cache.ReasonBadCoding:
		return fasthttp.StatusNotImplemented
	}
	return fasthttp.StatusBadRequest
}

// failureStatus is the status where no answer could be had: 504 says that none
// came in time, 503 that there was nobody free to ask, 502 all else.
func failureStatus(r cache.Reason) int {
	switch r {
	case cache.ReasonTimeout, cache.ReasonWaitedTooLong, cache.ReasonOnlyIfCached:
		return fasthttp.StatusGatewayTimeout
	case cache.ReasonNoUpstream, cache.ReasonBreakerOpen, cache.ReasonShuttingDown:
		return fasthttp.StatusServiceUnavailable
	case cache.ReasonPanic:
		return fasthttp.StatusInternalServerError
	}
	return fasthttp.StatusBadGateway
}

// refuseFailure answers where the origin did not.
func (x *exchange) refuseFailure(err error) {
	var oe *cache.OriginError
	if !errors.As(err, &oe) {
		oe = &cache.OriginError{Reason: cache.ReasonConnect, Err: err}
	}
	x.sent.server = oe.Server
	x.refuse(failureStatus(oe.Reason), cache.Failed, oe.Reason, oe.RetryAfter)
}

// refuse answers by ourselves, with one line that says why. After a refusal of the guard
// the connection ends: what follows on it may not be what it seems.
func (x *exchange) refuse(status int, outcome cache.Outcome, reason cache.Reason, retryAfter time.Duration) {
	if outcome == cache.Refused {
		x.abandonRest()
	}
	var own *page
	if x.route != nil {
		own = x.route.errorPages[status]
	}
	x.ownAnswer(status, outcome, reason, retryAfter, own)
}

// ownAnswer answers with a page of the operator's, or with one line where it is nil; in the sidecar's place with JSON.
func (x *exchange) ownAnswer(status int, outcome cache.Outcome, reason cache.Reason, retryAfter time.Duration, own *page) {
	x.sent.outcome, x.sent.reason = outcome, reason
	x.status = statusLine{outcome: outcome, reason: reason, debug: x.debugged()}
	switch {
	case x.route != nil && x.sidecars():
		own = x.sidecarFault(status, reason)
	case own == nil:
		own = &page{contentType: "text/plain; charset=utf-8", body: []byte("aisle: " + reason.String() + "\n")}
	}
	h := x.startHead(status)
	h.line("Content-Type", own.contentType)
	if own.operation != "" {
		h.line(operation.Field, own.operation)
	}
	if status == fasthttp.StatusMethodNotAllowed {
		h.line("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	if retryAfter > 0 {
		h.line("Retry-After", strconv.Itoa(int((retryAfter+time.Second-1)/time.Second)))
	}
	if h.scope != cache.ScopeSegment {
		h.line("Cache-Control", "no-store")
	}
	h.noStore = true
	body := own.body
	h.contentLength(int64(len(body)))
	x.finishHead(h, Downstream{})
	if x.head {
		body = nil
	}
	x.send(h, body)
}

// refusePanic ends an exchange that panicked. Where a part of the answer has left,
// nothing can be said any more: a second head would be read as body, or as the
// answer to the next request.
func (x *exchange) refusePanic() {
	x.ctx.Response.Reset()
	x.ctx.SetConnectionClose()
	if x.begun {
		x.sent.outcome, x.sent.reason, x.sent.broken = cache.Failed, cache.ReasonPanic, true
		return
	}
	x.refuse(fasthttp.StatusInternalServerError, cache.Failed, cache.ReasonPanic, 0)
}

// noHost is how fasthttp's error begins where Host is missing or empty; it has no
// value to compare with.
const noHost = "error when reading request headers: missing required host header"

// refuseUnread is fasthttp's error handler: the head could not be read, so there
// is no exchange. Nothing of it has been forwarded.
func (e *Edge) refuseUnread(ctx *fasthttp.RequestCtx, err error) {
	reason := cache.ReasonBadFraming
	var small *fasthttp.ErrSmallBuffer
	var netErr *net.OpError
	var fault *framingFault
	switch {
	case errors.As(err, &fault):
		reason = fault.reason
	case errors.Is(err, errNotOpened):
		return // it speaks no HTTP yet
	case errors.As(err, &small):
		reason = cache.ReasonHeadTooLarge
	case strings.HasPrefix(err.Error(), noHost):
		reason = cache.ReasonBadHost
	case errors.As(err, &netErr):
		return // the client went, or was too slow: there is nobody to answer
	}
	x := e.pool.Get().(*exchange)
	x.begin(ctx)
	defer x.end()
	if fault != nil {
		x.head = fault.head
	} else if len(ctx.Request.Header.RawHeaders()) > 0 { // the head was read, but for a host or target that fasthttp dislikes
		if known := x.guard(); known != cache.ReasonNone {
			reason = known
		}
	}
	x.refuse(refusalStatus(reason), cache.Refused, reason, 0)
}

// shopperDigest names everything that a pass tells the origin of its shopper.
func (x *exchange) shopperDigest() string {
	sum := sha256.New()
	for i := range x.lines {
		if l := &x.lines[i]; l.kind == cookieField || l.kind == authorizationField {
			sum.Write(l.lower)
			sum.Write([]byte{0})
			sum.Write(l.value)
			sum.Write([]byte{0})
		}
	}
	return "p" + hex.EncodeToString(sum.Sum(nil)[:16])
}
