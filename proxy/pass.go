package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// pass sends the request to the origin with the shopper's own credentials. Its
// answer is never stored and goes to nobody else.
func (x *exchange) pass(outcome cache.Outcome, reason cache.Reason) {
	if c, ok := x.ctx.Conn().(*conn); ok && x.upgrade != "" && c.early() {
		x.refuse(refusalStatus(cache.ReasonBadFraming), cache.Refused, cache.ReasonBadFraming, 0)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	gate := x.requestBody()
	defer gate.close()
	resp, err := x.edge.parts.Origin.Fetch(ctx, x.passRequest(gate))
	x.noHints()
	x.sent.waited = time.Since(x.started)
	if gate.unfinished() {
		// The origin answered before it had read the whole upload. What is left of it
		// can only be skipped by ending the connection (RFC 9112, 9.3).
		x.abandonRest()
	}
	switch {
	case err != nil && gate.failed(): // the upload broke, not the origin
		reason := gate.reason()
		x.refuse(refusalStatus(reason), cache.Failed, reason, 0)
		return
	case err != nil:
		x.refuseFailure(err)
		return
	}
	if resp.Upgraded != nil {
		x.switchProtocols(resp)
		return
	}
	resp.Body = &gatedBody{ReadCloser: resp.Body, gate: gate}
	x.invalidate(resp.Status)
	x.deliverOwn(resp, outcome, reason)
}

// gatedBody takes the upload back before the answer's body is closed, which waits
// for a read of the upload. Not earlier: a transport that loses the upload
// gives up the rest of an early answer with it.
type gatedBody struct {
	io.ReadCloser
	gate *bodyGate
}

func (b *gatedBody) Close() error {
	b.gate.close()
	return b.ReadCloser.Close()
}

// invalidate forgets a URL that an unsafe request has changed (RFC 9111, 4.4).
func (x *exchange) invalidate(status int) {
	switch string(x.ctx.Method()) {
	case "GET", "HEAD", "OPTIONS", "QUERY":
		return
	}
	// What GET gives is what is stored, whatever the scope of the route of this method.
	read := x.edge.table.match([]byte("GET"), x.host, x.path)
	if status >= 200 && status < 400 && read.Scope != cache.ScopePrivate {
		x.canonicalQuery(read.Scope)
		x.edge.parts.Engine.Invalidate(cache.URLLabel(string(x.host), string(x.target)))
	}
}

// passRequest is the request as it came, written anew: hop-by-hop fields, the
// seal and inbound x-vtex-* are gone (to the sidecar all but the operation's id), forwarding fields say what aisle knows.
func (x *exchange) passRequest(gate *bodyGate) *cache.OriginRequest {
	target := string(x.path)
	if x.query != nil {
		target += "?" + string(x.query)
	}
	host := string(x.host)
	r := &cache.OriginRequest{
		Method: string(x.ctx.Method()), Scheme: x.scheme, Host: host, Target: x.route.originTarget(target), Upstream: x.route.Upstream,
		Upgrade: x.upgrade, Interim: x.hints(),
	}
	if x.wantsTrailers() {
		r.Fields = append(r.Fields, cache.Field{Name: "TE", Value: "trailers"})
	}
	for i := range x.lines {
		if l := &x.lines[i]; x.passes(l) {
			r.Fields = append(r.Fields, cache.Field{Name: string(l.name), Value: x.passValue(l)})
		}
	}
	r.Fields = append(x.route.prefixFields(x.derived(r.Fields), target),
		cache.Field{Name: "X-Forwarded-For", Value: string(appendForwardedFor(nil, &x.client, x.chains.xFor))},
		cache.Field{Name: "X-Forwarded-Host", Value: host},
		cache.Field{Name: "X-Forwarded-Proto", Value: x.scheme},
		cache.Field{Name: "Via", Value: x.via()})
	if gate != nil {
		r.Body, r.Length = gate, int64(x.ctx.Request.Header.ContentLength())
	}
	return r
}

// via is Via of a pass: aisle stands behind those who forwarded the request before, so that a circle of them shows (RFC 9110, 7.6.3).
func (x *exchange) via() string {
	var members []string
	for i := range x.lines {
		if l := &x.lines[i]; string(l.lower) == "via" && len(l.value) > 0 {
			members = append(members, string(l.value))
		}
	}
	return strings.Join(append(members, via), ", ")
}

// wantsTrailers says that the client reads trailer fields (RFC 9110, 6.5.1 and 10.1.4).
func (x *exchange) wantsTrailers() bool {
	if !x.ctx.Request.Header.IsHTTP11() {
		return false
	}
	for i := range x.lines {
		if l := &x.lines[i]; string(l.lower) == "te" && listHas(string(l.value), "trailers") {
			return true
		}
	}
	return false
}

// passes says whether a line of the request goes upstream on a pass.
//
// On segment scope conditions stay behind: real storefronts have one
// Last-Modified for all segments and would confirm another shopper's page.
// Without If-Range a Range would be unconditional, so it goes with it.
func (x *exchange) passes(l *line) bool {
	segmentScope := x.route.Scope == cache.ScopeSegment
	switch l.kind {
	case vtexField:
		// The sidecar echoes it where it is harmless (facts, part 3: @vtex/api sends it).
		return x.sidecars() && string(l.lower) == operationField
	case hopField, hostField, forwardedField, bodyField, expectField:
		return false
	case ifNoneMatchField, ifModifiedSinceField, ifRangeField:
		return !segmentScope
	case rangeField:
		return !segmentScope || !x.has(ifRangeField)
	case cookieField:
		return len(x.passCookie(l)) > 0
	}
	if x.route.StripPrefix != "" && strings.EqualFold(string(l.lower), prefixField) {
		return false // even of a trusted peer: two of them would say nothing
	}
	return forwardedOnPass(l.lower, x.client.trusted)
}

func (x *exchange) passValue(l *line) string {
	if l.kind == cookieField {
		return string(x.passCookie(l))
	}
	return string(l.value)
}

// passCookie is a Cookie line without the seal, which is nobody's business but ours, and where the sessions system is
// ours without the segment: the origin gets it as verified, see derived.
func (x *exchange) passCookie(l *line) []byte {
	x.scratch = appendCookiesWithout(x.scratch[:0], l.value, sealCookie)
	if x.ownsSessions() {
		x.scratch = appendCookiesWithout(nil, x.scratch, x.edge.options.SegmentCookie)
	}
	return trimOWS(x.scratch)
}

// ownsSessions says that the origin of this request is told of its shopper by us.
func (x *exchange) ownsSessions() bool {
	return x.edge.parts.Sessions != nil && x.route.Upstream != SidecarUpstream
}

// derived appends what the public system's edge derives from the cookies (facts
// 2.4). The origin has its own sessions system and judges the tokens itself, so
// they go as they came. Public paths get none of them, as there.
func (x *exchange) derived(fields []cache.Field) []cache.Field {
	if x.route.Scope == cache.ScopePublic || x.route.Upstream == SidecarUpstream {
		return fields
	}
	if x.edge.parts.Sessions != nil {
		return x.derivedByUs(fields)
	}
	token, duplicates := x.jar.segment()
	claim := x.claim
	if claim == nil {
		claim = x.edge.parts.Segments.Resolve(x.started, token, x.jar.seal(), duplicates, nil)
	}
	switch {
	case claim.Reason() == segment.OK:
		fields = append(fields, cache.Field{Name: "X-Vtex-Segment", Value: string(token)})
	case x.route.Scope == cache.ScopeSegment:
		fields = append(fields, cache.Field{Name: "X-Vtex-Segment", Value: string(claim.In(x.edge.all).Token)})
	}
	if session := x.jar.found[sessionSlot].single(); len(session) > 0 {
		fields = append(fields, cache.Field{Name: "X-Vtex-Session", Value: string(session)})
	}
	if locale, ok := claim.Stated().Get("cultureInfo"); ok && locale != "" && fieldSafe(locale) && claim.Reason() == segment.OK {
		fields = append(fields, cache.Field{Name: "X-Vtex-Locale", Value: locale})
	}
	return fields
}

// derivedByUs is derived where the sessions system is ours: the segment as verified, forged values out, in the cookie too.
// A reference that could not be resolved stays as it is.
func (x *exchange) derivedByUs(fields []cache.Field) []cache.Field {
	claim := x.claim
	if claim == nil {
		claim, _ = x.claimOf(nil)
	}
	verified := claim.Verified()
	token := string(verified.AppendToken(nil))
	fields = append(withCookie(fields, x.edge.options.SegmentCookie+"="+token), cache.Field{Name: "X-Vtex-Segment", Value: token})
	if session := x.jar.found[sessionSlot].single(); len(session) > 0 {
		fields = append(fields, cache.Field{Name: "X-Vtex-Session", Value: string(session)})
	}
	if locale, ok := verified.Get("cultureInfo"); ok && fieldSafe(locale) {
		fields = append(fields, cache.Field{Name: "X-Vtex-Locale", Value: locale})
	}
	return fields
}

// withCookie adds a cookie to the Cookie field that there is: of two, an origin may read one alone (RFC 6265, 5.4 allows one).
func withCookie(fields []cache.Field, pair string) []cache.Field {
	for i := len(fields) - 1; i >= 0; i-- {
		if f := &fields[i]; strings.EqualFold(f.Name, "Cookie") && f.Value != "" {
			f.Value += "; " + pair
			return fields
		}
	}
	return append(fields, cache.Field{Name: "Cookie", Value: pair})
}

// fieldSafe says whether a value that a client chose may stand in a field.
func fieldSafe(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] <= ' ' || v[i] >= 0x7f {
			return false
		}
	}
	return true
}

// requestBody gives the request's body as a stream; nil where it has none.
func (x *exchange) requestBody() *bodyGate {
	request := &x.ctx.Request
	if request.Header.ContentLength() == 0 || (request.Header.ContentLength() < 0 && !x.has(hopField)) {
		return nil
	}
	if stream := request.BodyStream(); stream != nil {
		ctx := x.ctx
		return &bodyGate{
			src: stream, fault: func() *framingFault { return faultOf(ctx) },
			interrupt: func() { _ = ctx.Conn().SetReadDeadline(time.Now()) },
		}
	}
	body := request.Body()
	if len(body) == 0 {
		return nil
	}
	gate := &bodyGate{src: bytes.NewReader(body)}
	gate.done.Store(true) // fasthttp has read it
	return gate
}

// bodyGate lends the request's body to the transport, which may go on reading
// after it has returned an answer, while fasthttp owns the stream only as long
// as the handler runs. close takes it back. nil is the gate of no body.
type bodyGate struct {
	src       io.Reader
	fault     func() *framingFault // of what was read; nil: there can be none
	interrupt func()               // makes a Read that waits for the client return

	mu     sync.Mutex  // held while reading
	shut   bool        // guarded by mu
	cause  error       // why it broke off, before broken is set
	done   atomic.Bool // the body was read to its end
	broken atomic.Bool // it broke off
}

var errBodyGone = errors.New("the request is over")

func (g *bodyGate) Read(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return 0, errBodyGone
	}
	n, err := g.src.Read(p)
	if err == io.EOF && g.fault != nil {
		if fault := g.fault(); fault != nil {
			err = fault
		}
	}
	switch {
	case err == io.EOF:
		g.done.Store(true)
	case err != nil:
		g.cause = err
		g.broken.Store(true)
	}
	return n, err
}

// unfinished says whether the body has not been read to its end yet.
func (g *bodyGate) unfinished() bool { return g != nil && !g.done.Load() }

// failed says whether the client's end of the body broke.
func (g *bodyGate) failed() bool { return g != nil && g.broken.Load() }

// reason says why the body broke off, where it did.
func (g *bodyGate) reason() cache.Reason {
	var fault *framingFault
	if errors.As(g.cause, &fault) {
		return fault.reason
	}
	return cache.ReasonTruncated
}

// close ends the lending. A Read under way that waits for the client is interrupted,
// again and again, since the connection may just be about to set a deadline of its
// own. It may be called twice.
func (g *bodyGate) close() {
	if g == nil {
		return
	}
	for !g.mu.TryLock() {
		if g.interrupt != nil {
			g.interrupt()
		}
		time.Sleep(time.Millisecond)
	}
	g.shut = true
	g.mu.Unlock()
}
