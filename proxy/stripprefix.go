package proxy

import (
	"fmt"
	"strings"

	"github.com/aislecache/aisle/cache"
)

// originTarget is the target of a request as it goes upstream: the keyed one without
// the route's prefix. A target that does not begin with the prefix, as a whole path
// segment or several, goes as it is.
//
// The key keeps the shopper's target. That is safe since what goes upstream is a
// function of it and of the prefix, which is in the key too (see rulesOf): two requests
// may ask for the same page of the origin under two keys, and never for two under one.
// Purges go by the shopper's target too.
func (r *Route) originTarget(target string) string {
	rest, found := strings.CutPrefix(target, r.StripPrefix)
	switch {
	case r.StripPrefix == "" || !found:
		return target
	case rest == "" || rest[0] == '?':
		return "/" + rest
	case rest[0] == '/':
		return rest
	}
	return target // `/shopping` is not in `/shop`
}

// prefixFields tells an origin what was stripped, so that its links, its redirects and
// the paths of its cookies can begin with it. aisle changes none of those: it could
// not find the links within pages, and an origin that knows the field would get its
// prefix twice.
//
// It is a function of the target and of the route, as the target is.
func (r *Route) prefixFields(fields []cache.Field, target string) []cache.Field {
	if r.originTarget(target) == target {
		return fields
	}
	return append(fields, cache.Field{Name: prefixField, Value: r.StripPrefix})
}

const prefixField = "X-Forwarded-Prefix"

// checkStripPrefix refuses a prefix that no canonical path begins with: it would never
// be stripped, and nobody told.
func checkStripPrefix(prefix string) error {
	switch {
	case prefix == "":
		return nil
	case prefix[0] != '/' || strings.HasSuffix(prefix, "/"):
		return fmt.Errorf("rewrite.strip_prefix: %q does not begin with `/`, or ends with one", prefix)
	}
	canonical, ok := appendPath(nil, []byte(prefix))
	if !ok || strings.ContainsAny(prefix, "?#") {
		return fmt.Errorf("rewrite.strip_prefix: %q is not a path", prefix)
	}
	if string(canonical) != prefix {
		return fmt.Errorf("rewrite.strip_prefix: %q stands as %q in a request", prefix, canonical)
	}
	return nil
}
