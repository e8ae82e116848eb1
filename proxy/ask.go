package proxy

import (
	"strings"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// chooseFields marks the lines that reach the origin on the anonymous request
// (DESIGN.md, rule 5). What is not marked cannot shape the page.
func (x *exchange) chooseFields() {
	public := x.route.Scope == cache.ScopePublic
	for i := range x.lines {
		l := &x.lines[i]
		switch l.kind {
		case plainField:
			l.sent = !(x.route.EchoCheck && string(l.lower) == "accept-encoding") && x.route.keyedHeader(l.lower) == nil && (public && forwardedOnPublic(l.lower) || !public && forwardedOnSegment(x.route, l.lower))
		case authorizationField:
			l.sent = public
		default:
			l.sent = false
		}
	}
}

// somethingTaken says whether the anonymous request lacks something that tells
// this shopper apart: a cookie, a part of the query or any end-to-end field
// that is not known to be harmless.
func (x *exchange) somethingTaken() bool {
	if x.has(cookieField) || x.removed || (x.projected != nil && !x.projected.Default) {
		return true
	}
	for i := range x.lines {
		l := &x.lines[i]
		if l.sent || x.route.EchoCheck && string(l.lower) == "accept-encoding" || l.kind == hostField || l.kind == hopField || l.kind == vtexField {
			continue
		}
		if k := x.route.keyedHeader(l.lower); k != nil && k.pick(x.only(k.lower)) != nil {
			continue
		}
		if countsAsTaken(l.lower) {
			return true
		}
	}
	return false
}

// collectKeyed finds the values of the route's own keyed headers and cookies.
// What is outside of their closed lists counts as absent.
func (x *exchange) collectKeyed() {
	x.keyed = x.keyed[:0]
	for i := range x.route.keyHeaders {
		k := &x.route.keyHeaders[i]
		x.keyed = append(x.keyed, cache.KeyedValue{Name: k.tag, Value: k.pick(x.only(k.lower))})
	}
	for i := range x.route.keyCookies {
		k := &x.route.keyCookies[i]
		x.keyed = append(x.keyed, cache.KeyedValue{Name: k.tag, Value: k.pick(x.jar.only(k.name))})
	}
}

// only gives the value of a field that stands on exactly one line.
func (x *exchange) only(lower string) []byte {
	var found []byte
	for i := range x.lines {
		if string(x.lines[i].lower) != lower {
			continue
		}
		if found != nil {
			return nil
		}
		found = x.lines[i].value
	}
	return found
}

// AppendSegment implements cache.Dimensions.
func (x *exchange) AppendSegment(dst []byte) []byte {
	if x.projected == nil {
		return dst
	}
	return append(dst, x.projected.Key...)
}

// AppendSegmentField implements cache.Dimensions.
func (x *exchange) AppendSegmentField(dst []byte, field string) []byte {
	if x.projected == nil {
		return dst
	}
	return x.projected.AppendField(dst, field)
}

// AppendField implements cache.Dimensions: the lines of a field that reach the
// origin, joined as a recipient may join them (RFC 9110, 5.3).
func (x *exchange) AppendField(dst []byte, name string) []byte {
	n := 0
	for i := range x.lines {
		if l := &x.lines[i]; l.sent && string(l.lower) == name {
			dst = appendJoined(dst, n, l.value)
			n++
		}
	}
	return dst
}

// appendJoined appends the nth line of a field, with a mark before the first,
// so that an empty field is not an absent one.
func appendJoined[T []byte | string](dst []byte, n int, value T) []byte {
	if n == 0 {
		dst = append(dst, '=')
	} else {
		dst = append(dst, ',', ' ')
	}
	return append(dst, value...)
}

// owned is the Dimensions of an anonymous request that has left its exchange.
type owned struct {
	projected *segment.Projected
	fields    []cache.Field
}

func (o *owned) AppendSegment(dst []byte) []byte {
	if o.projected == nil {
		return dst
	}
	return append(dst, o.projected.Key...)
}

func (o *owned) AppendSegmentField(dst []byte, field string) []byte {
	if o.projected == nil {
		return dst
	}
	return o.projected.AppendField(dst, field)
}

func (o *owned) AppendField(dst []byte, name string) []byte {
	n := 0
	for i := range o.fields {
		if strings.EqualFold(o.fields[i].Name, name) {
			dst = appendJoined(dst, n, o.fields[i].Value)
			n++
		}
	}
	return dst
}

// Ask implements cache.Asker: the anonymous request, copied out of fasthttp's
// buffers, since a fetch outlives the request that caused it.
func (x *exchange) Ask() *cache.Ask {
	method := "GET"
	if x.head {
		method = "HEAD"
	}
	host, target := string(x.host), string(x.target)
	sent := x.sentFields()
	dims := &owned{projected: x.projected, fields: sent}
	all := x.route.prefixFields(append(sent[:len(sent):len(sent)], x.addedFields(host)...), target)
	if !x.edge.hold() {
		panic("BUG: a request is without its generation")
	}
	return &cache.Ask{
		Origin: x.edge.parts.Origin, Release: x.edge.release,
		Request: &cache.OriginRequest{Method: method, Scheme: x.scheme, Host: host, Target: x.route.originTarget(target), Upstream: x.route.Upstream, Fields: all, Interim: x.hints()},
		Dims:    dims,
		Labels:  []string{cache.URLLabel(host, target), cache.URLLabel("", target)},
		Part:    x.partFields(),
	}
}

// sentFields copies the request's own fields that reach the origin. Keyed
// headers are not among them: their values stand in the base key.
func (x *exchange) sentFields() []cache.Field {
	var fields []cache.Field
	for i := range x.lines {
		if l := &x.lines[i]; l.sent {
			fields = append(fields, cache.Field{Name: string(l.name), Value: string(l.value)})
		}
	}
	return fields
}

// addedFields are those that aisle writes itself: the keyed values, the
// projected segment in the two places where origins read it, host and scheme
// as they stand in the key, and itself.
func (x *exchange) addedFields(host string) []cache.Field {
	var fields []cache.Field
	for i := range x.route.keyHeaders {
		if v := x.keyed[i].Value; v != nil {
			fields = append(fields, cache.Field{Name: x.route.keyHeaders[i].name, Value: string(v)})
		}
	}
	if x.route.EchoCheck { // a coded page could not be searched for its token
		fields = append(fields, cache.Field{Name: "Accept-Encoding", Value: "identity"})
	}
	if cookie := x.anonymousCookie(); cookie != "" {
		fields = append(fields, cache.Field{Name: "Cookie", Value: cookie})
	}
	if p := x.projected; p != nil {
		fields = append(fields, cache.Field{Name: "X-Vtex-Segment", Value: string(p.Token)})
		if p.HasLocale && p.Locale != "" {
			fields = append(fields, cache.Field{Name: "X-Vtex-Locale", Value: p.Locale})
		}
	}
	return append(fields, cache.Field{Name: "X-Forwarded-Host", Value: host}, cache.Field{Name: "X-Forwarded-Proto", Value: x.scheme}, cache.Field{Name: "Via", Value: via})
}

// via is aisle's own member of Via (RFC 9110, 7.6.3). A pseudonym: the host's name is nobody's business.
const via = "1.1 aisle"

func (x *exchange) anonymousCookie() string {
	var b strings.Builder
	add := func(name, value string) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name + "=" + value)
	}
	if x.projected != nil {
		add(x.edge.options.SegmentCookie, string(x.projected.Token))
	}
	for i := range x.route.keyCookies {
		if v := x.keyed[len(x.route.keyHeaders)+i].Value; v != nil {
			add(x.route.keyCookies[i].name, string(v))
		}
	}
	return b.String()
}
