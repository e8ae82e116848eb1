package proxy

import (
	"bytes"
	"strings"

	"github.com/aislecache/aisle/cache"
)

// privateClasses are the built-in private routes in the order in which they
// match and are printed (DESIGN.md, rule 2); `a/b` is two segments.
var privateClasses = [...]string{"api", "checkout", "account", "login", "admin", "_v/private", "_secure"}

// The places of the built-in routes that follow the private ones.
const (
	builtinSegment = len(privateClasses) + iota
	builtinPublic
	builtinAssets
	builtinRest
)

// publicExtensions are printed with the table; publicExtension decides.
const publicExtensions = "css js mjs map woff woff2 ttf otf png jpg jpeg gif webp avif svg ico mp4 webm"

// builtinRoutes are the routes that stand after the operator's, in order.
func builtinRoutes() []Route {
	var list []Route
	for _, class := range privateClasses {
		list = append(list, Route{Name: "builtin:" + class, Match: Match{Path: "/**/" + class + "/**"}, Scope: cache.ScopePrivate})
	}
	return append(list,
		Route{Name: "builtin:_v/segment", Match: Match{Path: "/_v/segment/**"}, Scope: cache.ScopeSegment},
		Route{Name: "builtin:_v/public", Match: Match{Path: "/_v/public/**"}, Scope: cache.ScopePublic},
		Route{Name: "builtin:assets", Match: Match{Path: "/**/*.{" + strings.ReplaceAll(publicExtensions, " ", ",") + "}"}, Scope: cache.ScopePublic},
		Route{Name: "builtin:rest", Match: Match{Path: "/**"}, Scope: cache.ScopeSegment},
	)
}

// builtinIndex gives the place of the built-in route of a path. The private ones
// come first, so /checkout/app.js is private.
func builtinIndex(path []byte) int {
	if class := privateClass(path); class >= 0 {
		return class
	}
	switch {
	case under(path, "/_v/segment"):
		return builtinSegment
	case under(path, "/_v/public"):
		return builtinPublic
	case publicExtension(path):
		return builtinAssets
	}
	return builtinRest
}

// under says whether a path is dir or lies below it.
func under(path []byte, dir string) bool {
	return len(path) >= len(dir) && string(path[:len(dir)]) == dir && (len(path) == len(dir) || path[len(dir)] == '/')
}

// privatePath says whether a canonical path is of a built-in private class.
func privatePath(path []byte) bool { return privateClass(path) >= 0 }

// privateClass gives the place in privateClasses of the first that matches, or
// -1. It reads a path as the most lenient of origins does, since the harm is on
// one side only: in any case, under any prefix, with `;params` stripped from
// segments, empty segments passed over, and %2F taken for a slash.
func privateClass(path []byte) int {
	best := -1
	afterV := false
	for len(path) > 0 {
		var segment []byte
		segment, path = cutLenient(path)
		if len(segment) == 0 {
			continue
		}
		if class := segmentClass(segment, afterV); class >= 0 && (best < 0 || class < best) {
			best = class
		}
		afterV = equalFold(segment, "_v")
	}
	return best
}

// segmentClass finds the class that one segment makes, with the `_v` before it.
func segmentClass(segment []byte, afterV bool) int {
	for i, class := range privateClasses {
		name, nested := strings.CutPrefix(class, "_v/")
		if equalFold(segment, name) && (afterV || !nested) {
			return i
		}
	}
	return -1
}

// cutLenient parts a path at its first slash, raw or encoded, and takes the
// parameters off the segment before it.
func cutLenient(path []byte) (segment, rest []byte) {
	end, next := len(path), len(path)
	for i, c := range path {
		if c == '/' {
			end, next = i, i+1
			break
		}
		if v, ok := escapeAt(path, i); ok && v == '/' {
			end, next = i, i+3
			break
		}
	}
	return withoutParams(path[:end]), path[next:]
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// publicExtension says whether the last segment ends in one of publicExtensions.
// A segment with parameters or an encoded slash is none: readers differ on where
// its name ends, which is what web cache deception lives on.
func publicExtension(path []byte) bool {
	segment := path[bytes.LastIndexByte(path, '/')+1:]
	dot := bytes.LastIndexByte(segment, '.')
	if dot <= 0 || len(segment)-dot-1 > len("woff2") {
		return false
	}
	if len(withoutParams(segment)) != len(segment) || bytes.Contains(segment, []byte("%2F")) {
		return false
	}
	var buf [8]byte
	extension := buf[:0]
	for _, c := range segment[dot+1:] {
		extension = append(extension, lowerByte(c))
	}
	switch string(extension) {
	case "css", "js", "mjs", "map", "woff", "woff2", "ttf", "otf", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "mp4", "webm":
		return true
	}
	return false
}

// leadsToLogin says whether a redirect to location, absolute or relative, goes to
// a path of a built-in private class, where a shopper logs in or must have. It
// leans to yes: a redirect that is not stored costs one request.
func leadsToLogin(location string) bool {
	location, _, _ = strings.Cut(location, "#")
	location, _, _ = strings.Cut(location, "?")
	location = strings.ReplaceAll(location, `\`, "/") // as browsers read it
	if _, rest, ok := strings.Cut(location, "://"); ok {
		location = afterAuthority(rest)
	} else if rest, ok := strings.CutPrefix(location, "//"); ok {
		location = afterAuthority(rest)
	}
	var path []byte
	for i := 0; i < len(location); i++ {
		if v, ok := escapeAt([]byte(location), i); ok {
			path = appendDecodedByte(path, v)
			i += 2
			continue
		}
		path = append(path, location[i])
	}
	return privatePath(path)
}

func afterAuthority(rest string) string {
	_, path, _ := strings.Cut(rest, "/")
	return path
}
