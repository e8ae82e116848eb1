package demo

import (
	"net/http"
	"strings"
)

// segmentHeader and localeHeader are what an edge in front derives from the cookies (facts/sessions.md, 2.4).
const (
	segmentHeader = "X-Vtex-Segment"
	sessionHeader = "X-Vtex-Session"
	localeHeader  = "X-Vtex-Locale"
	segmentCookie = "vtex_segment"
	sessionCookie = "vtex_session"
)

// segmentOf is the segment a request asks for: the header's if it has one, else the cookie's, else the default.
// What cannot be decoded is the default too: a bad cookie costs the shopper no page.
func segmentOf(r *http.Request) Segment {
	token := r.Header.Get(segmentHeader)
	if token == "" {
		token = lastCookie(r, segmentCookie)
	}
	if token == "" {
		return DefaultSegment()
	}
	// The error is of no use here: DecodeSegment gives the default along with it.
	s, _ := DecodeSegment(token)
	return s
}

// lastCookie is the value of a cookie, the last one of duplicates, as the clients have it.
func lastCookie(r *http.Request, name string) string {
	value := ""
	for _, c := range r.CookiesNamed(name) {
		value = c.Value
	}
	return value
}

// renderPage answers with a page of the shop.
func (s *Storefront) renderPage(w http.ResponseWriter, r *http.Request) {
	revision := s.revision.Load()
	p := Render(s.catalogue, revision, segmentOf(r), r.URL.Path, r.URL.RawQuery)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Surrogate-Key", strings.Join(p.Tags, " "))
	vary(h, r)
	if p.Narrowed {
		h.Set("Segment-Vary", SegmentVary(p.Depends))
	}
	if p.Status != http.StatusOK {
		h.Set("Cache-Control", "public, max-age=10")
		respond(w, r, p.Status, p.HTML)
		return
	}
	h.Set("Cache-Control", s.options.pageControl())
	h.Set("Last-Modified", LastModified(revision).Format(http.TimeFormat))
	if p.Strong {
		h.Set("ETag", strongETag(p.HTML))
	}
	respond(w, r, p.Status, p.HTML)
}

// vary names the fields that the request carried, and those alone, as the public middleware does. An edge that
// asks without them gets an answer that a plain cache would give to every segment: the trap of part 2.4.
func vary(h http.Header, r *http.Request) {
	var names []string
	for _, name := range []string{localeHeader, segmentHeader} {
		if len(r.Header.Values(name)) > 0 {
			names = append(names, strings.ToLower(name))
		}
	}
	if len(names) > 0 {
		h.Set("Vary", strings.Join(names, ", "))
	}
}
