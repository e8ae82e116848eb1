package proxy

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/httpcc"
)

// maxRanges bounds the ranges of one request; more of them are a fault or an
// attack (RFC 9110, 17.15), and are ignored.
const maxRanges = 16

// byteRange is one range-spec of the unit `bytes` (RFC 9110, 14.1.2). first -1
// says that it is the last `last` bytes; last -1 that it runs to the end.
type byteRange struct{ first, last int64 }

// rangeSet is what one Range asks for; the zero value asks for nothing.
type rangeSet struct {
	n    int
	list [maxRanges]byteRange
}

// parseRange reads a Range. ok is false where it is malformed, of another unit than
// bytes, or of more than maxRanges: such a Range is ignored (RFC 9110, 14.2). It
// allocates nothing.
func parseRange(value []byte) (set rangeSet, ok bool) {
	const unit = "bytes="
	if len(value) < len(unit) || !equalFold(value[:len(unit)], unit) {
		return rangeSet{}, false
	}
	for rest := value[len(unit):]; rest != nil; {
		var spec []byte
		spec, rest, _ = bytes.Cut(rest, []byte{','})
		if spec = trimOWS(spec); len(spec) == 0 {
			continue // lists may hold empty members (RFC 9110, 5.6.1.2)
		}
		r, ok := parseSpec(spec)
		if !ok || set.n == maxRanges {
			return rangeSet{}, false
		}
		set.list[set.n] = r
		set.n++
	}
	return set, set.n > 0
}

func parseSpec(spec []byte) (r byteRange, ok bool) {
	dash := bytes.IndexByte(spec, '-')
	if dash < 0 {
		return byteRange{}, false
	}
	r = byteRange{-1, -1}
	if dash > 0 {
		if r.first, ok = position(spec[:dash]); !ok {
			return byteRange{}, false
		}
	}
	if dash+1 < len(spec) {
		if r.last, ok = position(spec[dash+1:]); !ok {
			return byteRange{}, false
		}
	}
	return r, (r.first >= 0 || r.last >= 0) && (r.first < 0 || r.last < 0 || r.first <= r.last)
}

// position reads digits. What is too large for any page stays just that.
func position(digits []byte) (n int64, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = (math.MaxInt64 - 9) / 10 // stays too large with every further digit
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// cut is what a request gets of a page; the zero value is the whole.
type cut struct {
	status   int // 206, 416 where no part of the page was asked for; 0: the whole
	first, n int64
	total    int64
}

// of finds the part of a page of total bytes. Several ranges that together are one
// part are given as that; of others, which would need a multipart answer, the
// whole page is given, as RFC 9110, 14.2, allows: no client of a storefront asks for such.
func (set *rangeSet) of(total int64) cut {
	var parts [maxRanges]byteRange // first and end, in order
	n := 0
	for _, r := range set.list[:set.n] {
		if r.first < 0 && total == 0 && r.last > 0 {
			return cut{} // satisfiable, yet no Content-Range can say it
		}
		first, end := r.within(total)
		if first >= end {
			continue
		}
		at := n
		for ; at > 0 && parts[at-1].first > first; at-- {
			parts[at] = parts[at-1]
		}
		parts[at] = byteRange{first, end}
		n++
	}
	if n == 0 {
		return cut{status: 416, total: total}
	}
	first, end := parts[0].first, parts[0].last
	for _, p := range parts[1:n] {
		if p.first > end {
			return cut{}
		}
		end = max(end, p.last)
	}
	return cut{status: 206, first: first, n: end - first, total: total}
}

// within gives a range's bytes in a page of total bytes, end exclusive; none where
// it is unsatisfiable.
func (r byteRange) within(total int64) (first, end int64) {
	switch {
	case r.first < 0:
		return max(0, total-r.last), total
	case r.first >= total:
		return 0, 0
	case r.last < 0 || r.last >= total:
		return r.first, total
	}
	return r.first, r.last + 1
}

// ranges gives what the request asks for; ok is false where it asks for the whole.
// Range is of GET alone (RFC 9110, 14.2), and of one line: it is no list.
func (x *exchange) ranges() (set rangeSet, ok bool) {
	if x.head || !x.has(rangeField) || !x.ctx.IsGet() || x.count(rangeField) != 1 {
		return rangeSet{}, false
	}
	return parseRange(x.first(rangeField))
}

// cutOf says what the request gets of a page of total bytes that it would otherwise
// get whole, with 200. validator is the entity tag that leaves with it, head the
// page's; nil on segment scope, where no date counts.
func (x *exchange) cutOf(total int64, validator []byte, head *cache.Head) cut {
	set, ok := x.ranges()
	if !ok || !x.ifRangeHolds(validator, head) {
		return cut{}
	}
	return set.of(total)
}

// ifRangeHolds evaluates If-Range (RFC 9110, 13.1.5). On segment scope the composed
// tag alone counts: the origin's own tags and dates are the same for several segments,
// and would join one shopper's page with a part of another's.
func (x *exchange) ifRangeHolds(validator []byte, head *cache.Head) bool {
	if !x.has(ifRangeField) {
		return true
	}
	if x.count(ifRangeField) != 1 {
		return false
	}
	value := x.first(ifRangeField)
	if tag, ok := httpcc.ParseETag(value); ok {
		own, ok := httpcc.ParseETag(validator)
		return ok && tag.StrongMatch(own)
	}
	return x.route.Scope == cache.ScopePublic && head != nil && string(value) == head.LastModified && strongDate(head)
}

// strongDate says whether Last-Modified is a strong validator (RFC 9110, 8.8.2.2):
// the page was sent a second or more after it was modified.
func strongDate(head *cache.Head) bool {
	modified, ok := httpcc.ParseDate([]byte(head.LastModified))
	if !ok {
		return false
	}
	for name, value, rest, ok := head.Header.Next(); ok; name, value, rest, ok = rest.Next() {
		if equalFold(name, "date") {
			sent, ok := httpcc.ParseDate(value)
			return ok && sent.Sub(modified) >= time.Second
		}
	}
	return false
}

// partWanted says whether the engine may answer with a part. Where the client's own
// validator decides, it is known for certain only on public scope, where it goes upstream.
func (x *exchange) partWanted() bool {
	if _, ok := x.ranges(); !ok {
		return false
	}
	switch x.count(ifRangeField) {
	case 0:
		return true
	case 1:
		return x.route.Scope == cache.ScopePublic && sendableIfRange(x.first(ifRangeField))
	}
	return false
}

// sendableIfRange says whether a validator could be one that aisle gave: a strong tag
// or a date. A weak tag never holds, so its request is for the whole page.
func sendableIfRange(value []byte) bool {
	if tag, ok := httpcc.ParseETag(value); ok {
		return !tag.Weak
	}
	_, ok := httpcc.ParseDate(value)
	return ok
}

// partFields are the request's own Range and If-Range where they may go upstream
// with an anonymous request.
func (x *exchange) partFields() []cache.Field {
	if !x.request.Part || x.route.Scope != cache.ScopePublic {
		return nil
	}
	fields := []cache.Field{{Name: "Range", Value: string(x.first(rangeField))}}
	if validator := x.first(ifRangeField); validator != nil {
		fields = append(fields, cache.Field{Name: "If-Range", Value: string(validator)})
	}
	return fields
}

// rangeFields writes what an answer says of parts.
func (h *answerHead) rangeFields(c cut) {
	h.out = append(h.out, "Accept-Ranges: bytes\r\n"...)
	if c.status == 0 {
		return
	}
	h.out = append(h.out, "Content-Range: bytes "...)
	if c.status == 416 {
		h.out = append(h.out, '*')
	} else {
		h.out = strconv.AppendInt(h.out, c.first, 10)
		h.out = strconv.AppendInt(append(h.out, '-'), c.first+c.n-1, 10)
	}
	h.out = strconv.AppendInt(append(h.out, '/'), c.total, 10)
	h.out = append(h.out, '\r', '\n')
}

// unsatisfiable answers that the page has no such part.
func (x *exchange) unsatisfiable(c cut) {
	h := x.startHead(416)
	h.rangeFields(c)
	h.date = true // of this answer, not of the page
	h.out = append(h.out, "Date: "...)
	h.out = append(httpcc.AppendDate(h.out, time.Now()), '\r', '\n')
	if h.scope != cache.ScopeSegment {
		h.line("Cache-Control", "no-store")
	}
	h.noStore = true
	h.contentLength(0)
	x.finishHead(h, Downstream{})
	x.send(h, nil)
}

// partSource cuts a part out of a body as it comes. What follows the part is not
// waited for.
type partSource struct {
	src        source
	skip, left int64
}

// Next implements source. A whole body that ends before the part does has broken off.
func (s *partSource) Next() ([]byte, error) {
	for s.left > 0 {
		piece, err := s.src.Next()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if s.skip >= int64(len(piece)) {
			s.skip -= int64(len(piece))
			continue
		}
		piece = piece[s.skip:]
		s.skip = 0
		piece = piece[:min(int64(len(piece)), s.left)]
		s.left -= int64(len(piece))
		return piece, nil
	}
	return nil, io.EOF
}
