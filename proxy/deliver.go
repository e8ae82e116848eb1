package proxy

import (
	"strconv"
	"strings"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/httpcc"
)

// deliver writes what the engine gave.
func (x *exchange) deliver(res *cache.Result) {
	x.sent.outcome, x.sent.reason, x.sent.collapsed, x.sent.stored, x.sent.age = res.Outcome, res.Reason, res.Collapsed, res.Stored, res.Age
	x.status = statusLine{
		outcome: res.Outcome, reason: res.Reason, ttl: res.TTL, fwdStatus: res.FwdStatus, stored: res.Stored, collapsed: res.Collapsed,
		hasTTL: res.Entry != nil || res.Stored, key: keyDigest(res.Key), debug: x.debugged(),
	}
	switch {
	case res.Entry != nil:
		x.sent.server = res.Entry.Server
		x.deliverEntry(res)
	case res.Stream != nil:
		x.sent.server = res.Stream.Head.Server
		x.deliverStream(res)
	case res.Handover != nil:
		x.deliverHandover(res)
	case res.Err != nil:
		x.refuseFailure(res.Err)
	default:
		x.refuse(504, res.Outcome, res.Reason, 0)
	}
}

func (x *exchange) debugged() bool { return x.edge.debug.contains(x.client.addr) }

// keyDigest names a key in Cache-Status: enough to see whether two requests met
// the same page, nothing to find one by.
func keyDigest(key []byte) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range key {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// deliverEntry writes a whole page, the part of it that was asked for, or 304 where
// the shopper has it already.
func (x *exchange) deliverEntry(res *cache.Result) {
	e := res.Entry
	validator := x.validator(e.ETag, e.Digest)
	status, c := x.answerTo(&e.Head, int64(len(e.Body)), validator)
	if c.status == 416 {
		x.unsatisfiable(c)
		return
	}
	h := x.pageHead(status, &e.Head, validator, c, res)
	body := e.Body
	if c.status == 206 {
		body = body[c.first : c.first+c.n]
	}
	if !bodyless(status) {
		h.contentLength(int64(len(body)))
	}
	x.finishHead(h, x.loosened(res, status))
	if x.head || bodyless(status) {
		body = nil
	}
	x.send(h, body)
}

// answerTo evaluates the request's conditions on a page of length bytes, -1 where
// that is not known, and its Range after them (RFC 9110, 13.2.2).
func (x *exchange) answerTo(head *cache.Head, length int64, validator []byte) (status int, c cut) {
	if head.Status != 200 {
		return head.Status, cut{}
	}
	if x.unchanged(validator, head.LastModified) {
		return 304, cut{}
	}
	if length >= 0 {
		c = x.cutOf(length, validator, head)
	}
	if c.status != 0 {
		return c.status, c
	}
	return 200, c
}

// pageHead begins the answer with a page, or a part of it, or that it is unchanged.
func (x *exchange) pageHead(status int, head *cache.Head, validator []byte, c cut, res *cache.Result) *answerHead {
	h := x.startHead(status)
	h.part = status == 206
	h.ranges = h.part || status == 200 && (res.Entry != nil || head.Length >= 0)
	for name, value, rest, ok := head.Header.Next(); ok; name, value, rest, ok = rest.Next() {
		if status == 304 && !in304(name) {
			x.noteOnly(h, name, value)
			continue
		}
		h.copyField(name, value)
	}
	if h.ranges {
		h.rangeFields(c)
	}
	x.ownFields(h, validator, res)
	return h
}

// loosened is how long others may keep this answer: as the route says, but not a
// failure, nor what carries a cookie that is one shopper's.
func (x *exchange) loosened(res *cache.Result, status int) Downstream {
	if status >= 500 || len(res.SetCookies) > 0 {
		return Downstream{}
	}
	return x.route.Downstream
}

// noteOnly looks at a line that a 304 does not carry.
func (x *exchange) noteOnly(h *answerHead, name, value []byte) {
	if equalFold(name, "cache-control") {
		h.oneLine(value)
	}
}

// in304 says which of the page's fields a 304 repeats (RFC 9110, 15.4.5).
func in304(name []byte) bool {
	switch len(name) {
	case 4:
		return equalFold(name, "date") || equalFold(name, "etag") || equalFold(name, "vary")
	case 7:
		return equalFold(name, "expires")
	case 13:
		return equalFold(name, "cache-control") || equalFold(name, "last-modified")
	case 16:
		return equalFold(name, "content-location")
	case 10:
		return equalFold(name, "set-cookie")
	}
	return len(name) > 13 && equalFold(name[len(name)-13:], "cache-control")
}

// validator is the entity tag that leaves: on public scope the origin's own, on
// segment scope one that names the projected segment too.
func (x *exchange) validator(etag, digest string) []byte {
	if x.route.Scope != cache.ScopeSegment {
		x.etag = append(x.etag[:0], etag...)
		return x.etag
	}
	x.scratch = append(x.scratch[:0], etag...)
	if etag == "" && digest != "" {
		x.scratch = append(append(append(x.scratch, '"'), digest...), '"')
	}
	x.etag = appendETag(x.etag[:0], x.projected.Digest, x.scratch)
	return x.etag
}

// unchanged evaluates the request's conditions (RFC 9110, 13.2.2). On segment scope
// If-Modified-Since is ignored: one date for all segments proves nothing.
func (x *exchange) unchanged(etag []byte, lastModified string) bool {
	if x.has(ifNoneMatchField) {
		return len(etag) > 0 && x.noneMatch(etag)
	}
	if x.route.Scope == cache.ScopeSegment || lastModified == "" {
		return false
	}
	since := x.first(ifModifiedSinceField)
	if since == nil {
		return false
	}
	if string(since) == lastModified {
		return true
	}
	limit, ok := httpcc.ParseDate(since)
	modified, ok2 := httpcc.ParseDate([]byte(lastModified))
	return ok && ok2 && !modified.After(limit)
}

// ownFields writes ETag, Age and the cookies that are this request's alone.
func (x *exchange) ownFields(h *answerHead, validator []byte, res *cache.Result) {
	if h.scope == cache.ScopeSegment && len(validator) > 0 {
		h.out = append(append(append(h.out, "ETag: "...), validator...), '\r', '\n')
	}
	if res.Outcome == cache.Hit || res.Outcome == cache.Stale || res.Outcome == cache.Revalidated || res.Age > 0 {
		h.out = append(h.out, "Age: "...)
		h.out = append(strconv.AppendInt(h.out, int64(res.Age/time.Second), 10), '\r', '\n')
	}
	x.setCookies(h, res.SetCookies)
}

// setCookies hands Set-Cookie on, with the seal beside a segment token.
func (x *exchange) setCookies(h *answerHead, values []string) {
	for _, v := range values {
		h.line("Set-Cookie", v)
	}
	if seal := x.edge.sealPassing(x.started, values); seal != "" {
		h.line("Set-Cookie", seal)
	}
}

// deliverStream writes a page that is still coming.
func (x *exchange) deliverStream(res *cache.Result) {
	defer res.Stream.Close()
	head := res.Stream.Head
	validator := x.validator(head.ETag, "")
	status, c := x.answerTo(head, head.Length, validator)
	if c.status == 416 {
		x.unsatisfiable(c)
		return
	}
	h := x.pageHead(status, head, validator, c, res)
	body, length := source(res.Stream), head.Length
	if c.status == 206 {
		body, length = &partSource{src: body, skip: c.first, left: c.n}, c.n
	}
	chunked := x.framing(h, status, length)
	x.finishHead(h, x.loosened(res, status))
	if bodyless(status) {
		x.send(h, nil)
		return
	}
	x.stream(h, body, length, chunked)
}

// deliverHandover writes an answer that is this request's alone.
func (x *exchange) deliverHandover(res *cache.Result) {
	for _, c := range res.SetCookies {
		res.Handover.Fields = append(res.Handover.Fields, cache.Field{Name: "Set-Cookie", Value: c})
	}
	x.writeOwn(res.Handover, x.segmentDigest(), true)
}

// segmentDigest names the projected segment of an anonymous answer.
func (x *exchange) segmentDigest() string {
	if x.projected == nil {
		return ""
	}
	return x.projected.Digest
}

// deliverOwn writes the answer of a pass.
func (x *exchange) deliverOwn(resp *cache.OriginResponse, outcome cache.Outcome, reason cache.Reason) {
	x.sent.outcome, x.sent.reason = outcome, reason
	x.status = statusLine{outcome: outcome, reason: reason, fwdStatus: resp.Status, debug: x.debugged()}
	digest := ""
	if x.route.Scope == cache.ScopeSegment {
		digest = x.shopperDigest()
	}
	x.writeOwn(resp, digest, false)
}

// writeOwn writes an origin's answer as it comes, for this request alone. On
// segment scope digest names what it was made for, so that an entity tag never
// confirms it to anybody else: the projected segment where the answer is anonymous
// (a HEAD then has the tag of its GET), all that the request said of its shopper
// where it is a pass: after a log-in or log-out the same URL is never confirmed,
// whatever the origin's own tag is.
//
// The origin of a pass has seen Range itself, and so has that of an anonymous answer on
// public scope; of one on segment scope, which has not, the part is cut here.
func (x *exchange) writeOwn(resp *cache.OriginResponse, digest string, anonymous bool) {
	defer resp.Body.Close()
	x.sent.server = resp.Server
	status, length, validator, c := resp.Status, resp.Length, []byte(nil), cut{}
	if x.route.Scope == cache.ScopeSegment {
		validator = x.ownValidator(resp, digest)
		switch {
		case status != 200 || !x.ctx.IsGet() && !x.head:
		case x.unchanged(validator, ""):
			status = 304
		case anonymous && length >= 0:
			c = x.cutOf(length, validator, nil)
		}
	}
	switch c.status {
	case 206:
		status, length = 206, c.n
	case 416:
		x.unsatisfiable(c)
		return
	}
	h := x.startHead(status)
	h.part, h.ranges = c.status == 206, c.status == 206
	cookies := h.copyFields(resp.Fields, status)
	if len(validator) > 0 {
		h.line("ETag", string(validator))
	}
	if h.part {
		h.rangeFields(c)
	}
	x.setCookies(h, cookies)
	chunked := x.framing(h, status, length)
	x.finishHead(h, Downstream{})
	if x.head || bodyless(status) {
		x.send(h, nil)
		return
	}
	if !anonymous && x.wantsTrailers() {
		x.trailer = resp.Trailer
	}
	body := source(&readerSource{r: resp.Body, buf: make([]byte, 32<<10)})
	if h.part {
		body = &partSource{src: body, skip: c.first, left: c.n}
	}
	x.stream(h, body, length, chunked)
}

func (x *exchange) ownValidator(resp *cache.OriginResponse, digest string) []byte {
	for _, f := range resp.Fields {
		if strings.EqualFold(f.Name, "etag") {
			return appendETag(x.etag[:0], digest, []byte(f.Value))
		}
	}
	return nil
}
