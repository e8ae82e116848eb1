package segment

import (
	"slices"
	"strings"
)

// ParseFieldList reads the lines of a Segment-Vary response field, a comma-separated list (RFC 9110 §5.6.1; empty
// elements are skipped) of known fields in any letter case. It returns their canonical names, sorted and without
// repetition, in a slice that is the caller's. Lines that hold nothing are the empty list and ok.
//
// ok is false, and the page must not be narrowed, where a name is unknown, where it is "*", and where there is no line at all.
func ParseFieldList(lines ...string) (names []string, ok bool) {
	names = []string{}
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			element = strings.Trim(element, " \t")
			if element == "" {
				continue
			}
			f, known := lookupFold(element)
			if !known {
				return nil, false
			}
			names = append(names, f.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names), len(lines) > 0
}
