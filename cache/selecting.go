package cache

import (
	"slices"
	"strings"
	"time"

	"github.com/aislecache/aisle/cache/httpcc"
)

// selecting reads what tells this page from others of its URL: Vary (RFC 9111,
// 4.1) and Segment-Vary (DESIGN.md, rule 4).
func selecting(h fields, p *Policy) (variantSpec, Reason) {
	names, star := httpcc.ParseVary(h.bytes("vary")...)
	if star {
		return variantSpec{}, ReasonVaryAll
	}
	if slices.ContainsFunc(h.values("content-encoding"), coded) {
		// A coded answer depends on Accept-Encoding whether the origin says so or not.
		names = append(names, "accept-encoding")
	}
	var v variantSpec
	for _, name := range names {
		kept, reason := varyField(name, p)
		if reason != ReasonNone {
			return variantSpec{}, reason
		}
		if kept {
			v.vary = append(v.vary, name)
		}
	}
	slices.Sort(v.vary)
	v.vary = slices.Compact(v.vary)
	narrow(&v, h, p)
	return v, ReasonNone
}

// varyField says whether a name in Vary makes variants, or why the page is for
// nobody. x-vtex-* beyond the three below never reach the origin on these
// scopes, so a page cannot depend on them; host and scheme stand in the key.
func varyField(name string, p *Policy) (kept bool, r Reason) {
	switch name {
	case "cookie", "x-vtex-session", "authorization":
		return false, ReasonVaryPrivate
	case "x-vtex-segment":
		if p.Scope == ScopePublic {
			return false, ReasonVarySegment
		}
		return false, ReasonNone
	case "x-vtex-locale":
		if p.Scope == ScopeSegment && !p.HasCulture {
			return false, ReasonVaryLocale
		}
		return false, ReasonNone
	case "host", "x-forwarded-host", "x-forwarded-proto":
		return false, ReasonNone
	}
	return !strings.HasPrefix(name, "x-vtex-"), ReasonNone
}

func narrow(v *variantSpec, h fields, p *Policy) {
	lines := h.values("segment-vary")
	if len(lines) == 0 || p.Scope != ScopeSegment || p.ParseSegmentVary == nil {
		return
	}
	if fields, ok := p.ParseSegmentVary(lines); ok {
		v.segment, v.narrowed = slices.Clone(fields), true
		slices.Sort(v.segment)
		v.segment = slices.Compact(v.segment)
	}
}

func coded(coding string) bool { return coding != "" && !strings.EqualFold(coding, "identity") }

// fields looks names up in an answer's lines, whatever their case.
type fields []Field

func fieldsOf(f []Field) fields { return f }

func (h fields) values(name string) []string {
	var all []string
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			all = append(all, h[i].Value)
		}
	}
	return all
}

func (h fields) bytes(name string) [][]byte {
	var all [][]byte
	for _, v := range h.values(name) {
		all = append(all, []byte(v))
	}
	return all
}

func (h fields) first(name string) string {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

func (h fields) has(name string) bool {
	return slices.ContainsFunc(h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

func (h fields) date(name string) (time.Time, bool) {
	lines := h.bytes(name)
	if len(lines) != 1 {
		return time.Time{}, false
	}
	return httpcc.ParseDate(lines[0])
}
