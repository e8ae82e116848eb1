package cache

import (
	"strings"
	"time"

	"github.com/aislecache/aisle/cache/httpcc"
)

// Meta is what Admit makes of a storable answer.
type Meta struct {
	Born    Time
	TTL     time.Duration
	Grace   time.Duration
	Keep    time.Duration
	Retain  time.Duration
	NoCache bool
	// NoTransform forbids changing the body (RFC 9110, 7.7).
	NoTransform bool
	// StripCookies: the page is stored without its Set-Cookie.
	StripCookies bool
	Tags         []string

	spec variantSpec
}

// Exchange is an answer with the times that its age is reckoned from.
type Exchange struct {
	Response   *OriginResponse
	Authorized bool // the request carried Authorization
	Requested  Time // when the request was sent
	Received   Time // when the head came
}

// Admit says whether an answer to an anonymous GET may be stored, and for how
// long (RFC 9111, 3 and 4.2; RFC 9213; RFC 5861), with the site's policy on
// top. ReasonStored is the only reason with a Meta; every other says why not.
// An anonymous answer that is not storable is for no one (DESIGN.md, rule 5).
func Admit(x *Exchange, p *Policy) (Meta, Reason) {
	h := fieldsOf(x.Response.Fields)
	if reason := refuseStatus(x.Response.Status, h, p); reason != ReasonNone {
		return Meta{}, reason
	}
	control := httpcc.Effective(p.Targeted, h.bytes)
	cc := &control.Directives
	if reason := refuseDirectives(cc, x); reason != ReasonNone {
		return Meta{}, reason
	}
	m := Meta{Tags: tagsOf(h), NoTransform: cc.NoTransform}
	if h.has("set-cookie") && p.SetCookie == SetCookieRefuse {
		return Meta{}, ReasonSetCookie
	}
	m.StripCookies = p.SetCookie != SetCookieStore
	var reason Reason
	if m.spec, reason = selecting(h, p); reason != ReasonNone {
		return Meta{}, reason
	}
	return m, m.setTimes(x, h, &control, p)
}

// refuseStatus turns away what is never stored whatever its fields say.
func refuseStatus(status int, h fields, p *Policy) Reason {
	switch {
	case status < 200 || status == 206 || status == 304:
		return ReasonStatus
	case status == 401 || status == 407:
		return ReasonLogin
	case status >= 300 && status < 400 && p.LeadsToLogin != nil && p.LeadsToLogin(h.first("location")):
		return ReasonLogin
	}
	if _, wanted := p.StatusTTL[status]; status >= 500 && !wanted {
		return ReasonServerError // a failure, not an answer, whatever freshness it claims
	}
	return ReasonNone
}

// refuseDirectives applies RFC 9111, 3 and 3.5, in that order.
func refuseDirectives(cc *httpcc.Directives, x *Exchange) Reason {
	understood := cc.MustUnderstand && heuristicallyCacheable(x.Response.Status)
	switch {
	case cc.NoStore && !understood:
		return ReasonNoStore
	case cc.Private:
		return ReasonPrivate
	case x.Authorized && !(cc.Public || cc.MustRevalidate || cc.SMaxAge.Set):
		return ReasonSharedAuth
	case cc.MustUnderstand && !knownStatus(x.Response.Status):
		return ReasonStatus
	}
	return ReasonNone
}

// setTimes fills the durations. The origin's own fields win, then the route's,
// then the site's; a route's override turns the first two round.
func (m *Meta) setTimes(x *Exchange, h fields, control *httpcc.Control, p *Policy) Reason {
	cc := &control.Directives
	date, hasDate := h.date("date")
	received := time.Unix(0, int64(x.Received)).UTC()
	age := httpcc.InitialAge(time.Unix(0, int64(x.Requested)), received, date, hasDate, httpcc.ParseAge(h.bytes("age")...).Duration())
	m.Born = x.Received.Add(-age)

	if !hasDate {
		date = received
	}
	explicit, ok := m.lifetime(x.Response.Status, h, control, date, p)
	if !ok {
		return ReasonNoFreshness
	}
	_, hasOwn := p.ttlOf(x.Response.Status)
	m.NoCache = cc.NoCache && !(p.Override && hasOwn)
	m.setStale(x.Response.Status, cc, p)
	validated := h.first("etag") != "" || (p.Scope == ScopePublic && h.first("last-modified") != "")
	m.Retain = max(m.Grace, m.Keep)
	if validated {
		m.Retain = max(m.Retain, p.SiteKeep)
	}
	if m.NoCache {
		m.TTL, m.Grace, m.Keep = 0, 0, 0
	}
	return m.useful(explicit, validated, age)
}

// useful turns away what could never be served: stale on arrival, without
// grace, keep or a validator.
func (m *Meta) useful(explicit, validated bool, age time.Duration) Reason {
	switch {
	case m.TTL > age || validated || (m.TTL+max(m.Grace, m.Keep) > age && !m.NoCache):
		return ReasonStored
	case !explicit:
		return ReasonNoFreshness
	default:
		return ReasonNoValidator
	}
}

// lifetime sets TTL; ok is false where nothing gives one.
func (m *Meta) lifetime(status int, h fields, control *httpcc.Control, date time.Time, p *Policy) (explicit, ok bool) {
	cc := &control.Directives
	own, hasOwn := p.ttlOf(status)
	if hasOwn && p.Override {
		m.TTL = own
		return true, true
	}
	life, source := httpcc.Freshness(httpcc.FreshnessInput{Control: *control, Expires: h.bytes("expires"), Date: date, HasDate: true})
	switch {
	case source != httpcc.SourceNone:
		m.TTL = life
		return true, true
	case hasOwn:
		m.TTL = own
		return true, true
	case cc.NoCache:
		return true, true
	case p.Scope == ScopePublic && p.HeuristicFraction > 0 && (heuristicallyCacheable(status) || cc.Public):
		modified, has := h.date("last-modified")
		if has {
			m.TTL = httpcc.Heuristic(modified, date, p.HeuristicFraction, p.HeuristicMax)
		}
		return false, has
	}
	return false, false
}

// setStale sets Grace and Keep. An explicit stale-while-revalidate or
// stale-if-error counts even beside must-revalidate's kin s-maxage, since the
// origin asked for it by name; without one, those forbid stale (RFC 9111, 5.2.2).
// A server error that is stored is never served stale: it is no page to fall back on.
func (m *Meta) setStale(status int, cc *httpcc.Directives, p *Policy) {
	if status >= 500 {
		return
	}
	m.Grace = staleSpan(cc, cc.StaleWhileRevalidate, p.Grace, p.SiteGrace, p.Override)
	m.Keep = staleSpan(cc, cc.StaleIfError, p.Keep, p.SiteKeep, p.Override)
}

func staleSpan(cc *httpcc.Directives, origin httpcc.Delta, route Span, site time.Duration, override bool) time.Duration {
	switch {
	case override && route.Set:
		return route.D
	case cc.MustRevalidate || cc.ProxyRevalidate:
		return 0
	case origin.Set:
		return origin.Duration()
	case cc.SMaxAge.Set:
		return 0
	case route.Set:
		return route.D
	default:
		return site
	}
}

// ttlOf is the route's own ttl for a status: status_ttl, else ttl for a page
// or a heuristically cacheable status. A 5xx has one only by status_ttl.
func (p *Policy) ttlOf(status int) (time.Duration, bool) {
	if d, ok := p.StatusTTL[status]; ok {
		return d, true
	}
	if p.TTL.Set && heuristicallyCacheable(status) && status < 500 {
		return p.TTL.D, true
	}
	return 0, false
}

// heuristicallyCacheable: RFC 9110, 15.1, without 206.
func heuristicallyCacheable(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// knownStatus: final status codes that RFC 9110 defines and a cache need do nothing special for.
func knownStatus(status int) bool {
	return heuristicallyCacheable(status) || (status >= 200 && status < 206) || (status >= 302 && status <= 307 && status != 304 && status != 306) ||
		(status >= 400 && status <= 417) || status == 421 || status == 422 || status == 426 || (status >= 500 && status <= 505)
}

// tagsOf collects the origin's labels. Surrogate-Key and xkey part at spaces, Cache-Tag at
// commas; both separators are taken in all three, as tags hold neither.
func tagsOf(h fields) []string {
	var tags []string
	for _, name := range []string{"surrogate-key", "cache-tag", "xkey"} {
		for _, line := range h.values(name) {
			tags = append(tags, strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })...)
		}
	}
	return tags
}
