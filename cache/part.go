package cache

import "strings"

// A part is never stored. Where the store has the whole, its maker cuts the part
// out of it; this is about what happens where it has not.

// ranged says whether the request's own Range goes upstream. On segment scope it
// never does anonymously: what is asked for is the page of a segment, which others get too.
func (r *Request) ranged() bool { return r.Part && r.Policy.Scope == ScopePublic }

// wantsPart says whether a miss is fetched as a part, for this request alone. A stored
// page that the origin may confirm is worth asking about first.
func (r *Request) wantsPart(d Decision) bool { return r.ranged() && !d.Conditional }

// tooLongFor says whether an answer is not worth skipping through for a part of it,
// or of unknown length, so that no part can be told from the whole. The request
// then goes again with its Range.
func (r *Request) tooLongFor(resp *OriginResponse) bool {
	return r.Part && resp.Status == 200 && (resp.Length < 0 || resp.Length > r.Policy.MaxObject)
}

// aloneBecause is the reason why what is fetched alone is not stored.
func (r *Request) aloneBecause() Reason {
	switch {
	case r.Head:
		return ReasonHead
	case r.ranged():
		return ReasonPart
	}
	return ReasonAlone
}

// wholeOf gives the answer as it is judged: a part is for everyone where its whole
// would be (RFC 9111, 3.3). asked is false for a status that nobody asked for, a
// 206 that does not say which part it is among them (RFC 9110, 15.3.7).
func wholeOf(resp *OriginResponse, ranged bool) (whole *OriginResponse, asked bool) {
	switch {
	case resp.Status < 200, resp.Status == 304:
		return resp, false
	case resp.Status != 206:
		return resp, true
	}
	h := fieldsOf(resp.Fields)
	if !ranged || !h.has("content-range") && !multipart(h.first("content-type")) {
		return resp, false
	}
	judged := *resp
	judged.Status = 200
	return &judged, true
}

func multipart(contentType string) bool {
	const kind = "multipart/byteranges"
	return len(contentType) >= len(kind) && strings.EqualFold(contentType[:len(kind)], kind)
}
