package proxy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aislecache/aisle/cache"
)

// headerRules are the fields that a route sets or removes on its answers. nil has none.
type headerRules struct {
	lower []string // the names of all
	set   []byte   // the lines of those that are set
}

func newHeaderRules(list []ResponseHeader) *headerRules {
	if len(list) == 0 {
		return nil
	}
	r := &headerRules{}
	for _, h := range list {
		r.lower = append(r.lower, strings.ToLower(h.Name))
		if h.Value != "" {
			r.set = append(append(append(append(r.set, h.Name...), ": "...), h.Value...), "\r\n"...)
		}
	}
	return r
}

// names says whether a field of the origin's, in lower case, gives way to the route's.
func (r *headerRules) names(lower []byte) bool { return r != nil && listed(r.lower, lower) }

func (r *headerRules) appendTo(dst []byte) []byte {
	if r == nil {
		return dst
	}
	return append(dst, r.set...)
}

// checkResponseHeaders refuses fields that are not the operator's to write.
func checkResponseHeaders(r *Route) (errs []error) {
	seen := map[string]bool{}
	for _, h := range r.ResponseHeaders {
		err := CheckResponseHeader(h, r.Scope)
		if lower := strings.ToLower(h.Name); err == nil && seen[lower] {
			err = fmt.Errorf("%q stands twice", h.Name)
		} else {
			seen[lower] = true
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("rewrite.response_headers.%s: %w", h.Name, err))
		}
	}
	return errs
}

// CheckResponseHeader says why a route of this scope may not set or remove a field, or
// gives nil. What frames an answer, describes its body or is said by aisle itself is
// not for any route; what says who may keep an answer, and for whom it is, is for
// routes of public scope alone (DESIGN.md, rule 7): a Cache-Control of the operator's
// would hand one shopper's price to the next.
func CheckResponseHeader(h ResponseHeader, scope cache.Scope) error {
	lower := []byte(strings.ToLower(h.Name))
	switch {
	case !isToken([]byte(h.Name)):
		return fmt.Errorf("%q is no field name", h.Name)
	case hopByHop(lower):
		return errors.New("belongs to the connection")
	case writtenOnAnswers(string(lower)):
		return errors.New("is written by aisle, or describes the body")
	case scope != cache.ScopePublic && saysWhoMayKeep(lower):
		return fmt.Errorf("says who may keep an answer, which on %s scope is for aisle to say", scope)
	}
	for i := range len(h.Value) {
		if c := h.Value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("has a value with control characters")
		}
	}
	if strings.Trim(h.Value, " \t") != h.Value {
		return errors.New("has a value with white space around it")
	}
	return nil
}

// writtenOnAnswers: fields without which an answer cannot be read, or would be read wrongly.
func writtenOnAnswers(lower string) bool {
	switch lower {
	case "content-length", "content-type", "content-encoding", "content-range", "content-digest", "accept-ranges", "etag", "last-modified",
		"date", "age", "via", "cache-status", "retry-after", "allow", "host", "aisle-cdn-cache-control", "segment-vary":
		return true
	}
	return false
}

func saysWhoMayKeep(lower []byte) bool {
	switch string(lower) {
	case "vary", "set-cookie", "set-cookie2", "clear-site-data":
		return true
	}
	return removedDownstream(lower) || hasPrefix(lower, "x-vtex-")
}
