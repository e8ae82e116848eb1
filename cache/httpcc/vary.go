package httpcc

import (
	"bytes"
	"slices"
)

// ParseVary reads all lines of a Vary field (RFC 9110 section 12.5.5). names are
// the field names in lower case, sorted, each once; the caller owns the slice,
// nil where there is none. star is true for "*" anywhere in the list, and for a
// member that is no field name, since what the response depends on is then not
// known; names is nil with it. A response with star matches no further request
// (RFC 9111 section 4.1). The lines are not retained.
func ParseVary(lines ...[]byte) (names []string, star bool) {
	eachElement(lines, func(element []byte) bool {
		if !isToken(element) || string(element) == "*" {
			star = true
			return false
		}
		names = append(names, string(bytes.ToLower(element)))
		return true
	})
	if star {
		return nil, true
	}
	slices.Sort(names)
	return slices.Compact(names), false
}
