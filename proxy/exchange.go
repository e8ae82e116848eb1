package proxy

import (
	"net"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/obs"
	"github.com/aislecache/aisle/segment"
)

// sealCookie is the cookie that proves a segment token (DESIGN.md, "Seal").
const sealCookie = "aisle_seal"

// exchange is one request and its answer. It is pooled: its slices keep their
// room from one request to the next, which is what keeps a hit free of
// allocation.
type exchange struct {
	home    *Edge
	edge    *generation // held from begin to end
	ctx     *fasthttp.RequestCtx
	started time.Time

	lines   []line
	arena   []byte // lower-case names
	oneLine [1][]byte
	chains  forwardingLines

	client  clientInfo
	scheme  string
	host    []byte // keyed
	target  []byte // canonical path, and for cacheable requests the canonical query
	path    []byte // the canonical path, a view of target
	query   []byte // as it came, without '?'; nil if there was none
	split   querySplit
	removed bool // a part of the query does not reach the origin
	jar     cookieJar
	head    bool // method HEAD

	route     *route
	claim     *segment.Claim
	lost      cache.Reason       // why the claim is not all that the shopper has
	recovered []string           // Set-Cookie values of a segment that our sidecar issued anew
	projected *segment.Projected // nil on public scope
	overlay   []byte
	base      []byte
	keyed     []cache.KeyedValue
	request   cache.Request

	out     answerHead
	logged  obs.Line
	etag    []byte // scratch for the composed ETag
	scratch []byte
	status  statusLine
	sent    sentAnswer
	begun   bool // a part of the answer may have left

	interim *interim             // nil: nobody writes any
	upgrade string               // the protocol that the request asks to switch to
	trailer func() []cache.Field // of the origin's answer, where the client wants it; nil: none
}

// sentAnswer is what the log and the metrics say of an answer.
type sentAnswer struct {
	outcome   cache.Outcome
	reason    cache.Reason
	status    int
	bytes     int64
	server    string
	collapsed bool
	stored    bool
	broken    bool // the body broke off
	age       time.Duration
	waited    time.Duration // until the head of the answer was known
}

// handle is the server's handler. fasthttp does not recover a panic: without
// this one fault of ours would end the process.
func (e *Edge) handle(ctx *fasthttp.RequestCtx) {
	x := e.pool.Get().(*exchange)
	x.begin(ctx)
	defer x.end()
	defer func() {
		if v := recover(); v != nil {
			e.metrics.panics.Inc()
			e.logger.Error("recovered from a panic while handling a request", "panic", v, "stack", string(debug.Stack()))
			x.refusePanic()
		}
	}()
	x.run()
}

func (x *exchange) begin(ctx *fasthttp.RequestCtx) {
	x.edge = x.home.acquire()
	x.ctx, x.started = ctx, time.Now()
	peer := addrOf(ctx.RemoteAddr()) // what is refused before the client is known is logged with the peer
	x.head, x.begun, x.lines = ctx.IsHead(), false, x.lines[:0]
	x.route, x.claim, x.projected = nil, nil, nil
	x.sent, x.client, x.status = sentAnswer{}, clientInfo{peer: peer, addr: peer}, statusLine{}
	x.scheme, x.host, x.target, x.path, x.query = "", x.host[:0], x.target[:0], nil, nil
	x.overlay = x.overlay[:0]
	x.upgrade, x.trailer = "", nil
	x.lost, x.recovered = cache.ReasonNone, nil
}

func (x *exchange) end() {
	x.noHints()
	x.report()
	clear(x.lines) // views of a request that is over
	x.ctx = nil
	x.request.Reset()
	x.edge.release()
	x.recovered = nil
	x.route, x.claim, x.projected, x.edge = nil, nil, nil, nil // a retired generation must not live on in the pool
	x.home.pool.Put(x)
}

// run is the way of a request (DESIGN.md).
func (x *exchange) run() {
	if reason := x.guard(); reason != cache.ReasonNone {
		x.refuse(refusalStatus(reason), cache.Refused, reason, 0)
		return
	}
	x.route = x.edge.table.match(x.ctx.Method(), x.host, x.path)
	if x.route.maintained != nil {
		x.maintain(x.route.maintained)
		return
	}
	x.readCookies()
	if reason := x.mustPass(); reason != cache.ReasonNone {
		x.pass(cache.Pass, reason)
		return
	}
	x.identify()
	if x.lost != cache.ReasonNone {
		x.pass(cache.Pass, x.lost)
		return
	}
	if x.projected != nil && x.projected.Unproven && x.edge.parts.Segments.Unsealed() == segment.UnsealedPass {
		x.pass(cache.Pass, cache.ReasonUnsealed)
		return
	}
	x.serve()
}

// guard makes the canonical target and host, or says why the request is refused.
// Nothing has been forwarded by then.
func (x *exchange) guard() cache.Reason {
	header := &x.ctx.Request.Header
	if fault := faultOf(x.ctx); fault != nil {
		return fault.reason // of the body: it came with the head
	}
	if reason := guardMethod(header.Method()); reason != cache.ReasonNone {
		return reason
	}
	if reason := x.readFields(header.RawHeaders()); reason != cache.ReasonNone {
		return reason
	}
	if reason := x.guardFraming(header); reason != cache.ReasonNone {
		return reason
	}
	t, reason := canonicalTarget(x.target[:0], header.RequestURI(), header.IsOptions())
	if reason != cache.ReasonNone {
		return reason
	}
	x.path, x.query = t.path, t.query
	x.target = t.path
	return x.identifyHost(t.authority)
}

// guardMethod refuses what a reverse proxy has no business with (RFC 9110, 9.3.6 and 9.3.8).
func guardMethod(method []byte) cache.Reason {
	switch string(method) {
	case "CONNECT", "TRACE", "":
		return cache.ReasonBadMethod
	}
	if !isToken(method) || len(method) > 32 {
		return cache.ReasonBadMethod
	}
	return cache.ReasonNone
}

// guardFraming refuses a head whose body length could be read in two ways (RFC 9112,
// 6). The framer has done so on the bytes; this holds fasthttp to what it makes of them.
func (x *exchange) guardFraming(header *fasthttp.RequestHeader) cache.Reason {
	codings, lengths := 0, 0
	for i := range x.lines {
		switch string(x.lines[i].lower) {
		case "transfer-encoding":
			if codings++; !equalFold(x.lines[i].value, "chunked") {
				return cache.ReasonBadFraming
			}
		case "content-length":
			lengths++
		}
	}
	protocol := string(header.Protocol())
	if protocol != "HTTP/1.1" && protocol != "HTTP/1.0" || codings > 1 || lengths > 1 || codings > 0 && (lengths > 0 || protocol == "HTTP/1.0") {
		return cache.ReasonBadFraming
	}
	return cache.ReasonNone
}

// identifyHost finds client, scheme and host, the last two from a trusted proxy
// if one says so, and checks the host against the allow-list.
//
// A Host field must be there even beside an absolute-form, which wins over it (RFC
// 9112, 3.2); only HTTP/1.0 has none.
func (x *exchange) identifyHost(authority []byte) cache.Reason {
	x.collectChains()
	x.client = whoIs(x.client.peer, x.edge.trusted, &x.chains)
	host := x.first(hostField)
	if n := x.count(hostField); n > 1 || n == 0 && (len(authority) == 0 || x.ctx.Request.Header.IsHTTP11()) {
		return cache.ReasonBadHost
	}
	if len(authority) > 0 {
		host = authority
	}
	if x.client.host != nil {
		host = x.client.host
	}
	switch {
	case x.client.scheme != "":
		x.scheme = x.client.scheme
	case x.overTLS():
		x.scheme = "https"
	default:
		x.scheme = "http"
	}
	var reason cache.Reason
	if x.host, reason = keyedHost(x.host[:0], host, x.scheme, x.client.port); reason != cache.ReasonNone {
		return reason
	}
	return x.edge.hosts.check(x.host)
}

func (x *exchange) count(kind fieldKind) (n int) {
	for i := range x.lines {
		if x.lines[i].kind == kind {
			n++
		}
	}
	return n
}

// overTLS says that the client spoke TLS, to this listener or to the balancer before it.
func (x *exchange) overTLS() bool {
	c, ok := x.ctx.Conn().(*conn)
	return ok && c.secure
}

// addrOf is the peer's address; a unix socket's peer is this machine.
func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		if addr, ok := netip.AddrFromSlice(tcp.IP); ok {
			return addr.Unmap()
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func (x *exchange) collectChains() {
	c := &x.chains
	c.forwarded, c.xFor, c.xProto, c.xHost, c.xPort = c.forwarded[:0], c.xFor[:0], c.xProto[:0], c.xHost[:0], c.xPort[:0]
	for i := range x.lines {
		l := &x.lines[i]
		switch string(l.lower) {
		case "forwarded":
			c.forwarded = append(c.forwarded, l.value)
		case "x-forwarded-for":
			c.xFor = append(c.xFor, l.value)
		case "x-forwarded-proto":
			c.xProto = append(c.xProto, l.value)
		case "x-forwarded-host":
			c.xHost = append(c.xHost, l.value)
		case "x-forwarded-port":
			c.xPort = append(c.xPort, l.value)
		}
	}
}

// mustPass says why a request is a pass whatever is stored, or ReasonNone.
func (x *exchange) mustPass() cache.Reason {
	header := &x.ctx.Request.Header
	if x.upgrade = x.upgradeWanted(); x.upgrade != "" {
		return cache.ReasonUpgrade
	}
	switch {
	case x.route.Scope == cache.ScopePrivate:
		return cache.ReasonPrivateRoute
	case !header.IsGet() && !x.head:
		return cache.ReasonMethod
	case x.has(authorizationField) && x.route.Scope == cache.ScopeSegment:
		return cache.ReasonAuthorization
	case x.has(bodyField) && !x.bodyless(), header.ContentLength() == -1:
		return cache.ReasonMethod // a GET with a body: its meaning is the origin's
	}
	return cache.ReasonNone
}

func (x *exchange) bodyless() bool { return x.ctx.Request.Header.ContentLength() <= 0 }

// readCookies finds the cookies that this route needs.
func (x *exchange) readCookies() {
	x.jar.begin(x.route.cookies)
	for i := range x.lines {
		if x.lines[i].kind == cookieField {
			x.jar.add(x.lines[i].value)
		}
	}
}

// canonicalQuery puts the query of a cacheable request into its target; the
// overlay parameters leave it for the segment (DESIGN.md, rule 3). removed tells
// that the origin does not see all that the shopper asked.
func (x *exchange) canonicalQuery(scope cache.Scope) {
	x.removed = false
	if x.query == nil {
		return
	}
	bare := len(x.target)
	x.target = append(x.target, '?')
	rules := &x.edge.query
	if scope != cache.ScopeSegment {
		rules = &x.edge.publicQuery
	}
	x.target, x.overlay = x.split.canonical(x.target, x.overlay, x.query, rules)
	x.path = x.target[:bare:bare]
	if len(x.target) == bare+1 {
		x.target = x.target[:bare]
	}
	x.removed = x.split.removed
}

// identify finds what of the shopper the route's pages may depend on, and the
// canonical query, whose overlay parameters are part of it.
func (x *exchange) identify() {
	x.canonicalQuery(x.route.Scope)
	if x.route.Scope != cache.ScopeSegment {
		return
	}
	x.claim, x.lost = x.claimOf(x.overlay)
	x.projected = x.claim.In(x.route.projection)
	x.edge.metrics.countClaim(x.claim)
}

// serve lets the engine answer.
func (x *exchange) serve() {
	x.chooseFields()
	x.buildBase()
	r := &x.request
	r.Head, r.Base, r.Policy, r.Dims, r.Asker = x.head, x.base, x.route.policy, x, x
	r.Taken, r.Cookieless, r.Authorized = x.somethingTaken(), !x.has(cookieField), x.has(authorizationField)
	r.Part = x.partWanted()
	r.Deadline = x.started.Add(x.edge.options.Wait)
	if len(x.edge.honour) > 0 && x.edge.honour.contains(x.client.addr) {
		x.request.Directives = x.directives()
	}
	res := x.edge.parts.Engine.Serve(&x.request)
	x.noHints()
	x.sent.waited = time.Since(x.started)
	if res.PassOn {
		x.pass(res.Outcome, res.Reason)
		return
	}
	x.deliver(&res)
}

func (x *exchange) buildBase() {
	x.collectKeyed()
	x.base = cache.AppendBase(x.base[:0], &cache.KeyParts{
		Account: x.edge.options.Account, Scheme: x.scheme, Host: x.host, Target: x.target, Scope: x.route.Scope, Rules: x.route.rules, Keyed: x.keyed,
	})
}
