package regions

import "cmp"

// compareSpans orders by country and length, then by what they begin with.
func compareSpans(a, b span) int {
	return cmp.Or(cmp.Compare(a.country, b.country), cmp.Compare(a.digits, b.digits), cmp.Compare(a.from, b.from), cmp.Compare(a.line, b.line))
}

// checkOverlaps adds a fault for each sorted span that shares a code and a channel with one before it. A line for all
// channels overlaps one for a single channel: which of the two were meant is not for a program to guess. Two lines that say the same are one.
func checkOverlaps(sorted []span, f *faults) {
	// Of the spans so far, of one country and length: that which reaches farthest, by channel and of all.
	farthest := map[string]*span{}
	var top *span
	for i := range sorted {
		s := &sorted[i]
		if top != nil && (top.country != s.country || top.digits != s.digits) {
			clear(farthest)
			top = nil
		}
		if other := overlapped(s, top, farthest); other != nil {
			a, b := min(s.line, other.line), max(s.line, other.line)
			f.add("lines %d and %d: the postal codes %s %0*d to %0*d are in both", a, b,
				s.country, s.digits, s.from, s.digits, min(s.to, other.to))
		}
		if reaches(farthest[s.channel], s) {
			farthest[s.channel] = s
		}
		if reaches(top, s) {
			top = s
		}
	}
}

func reaches(old, s *span) bool { return old == nil || s.to > old.to }

// repeats says whether two lines say the same.
func (s *span) repeats(other *span) bool {
	twin := *other
	twin.line = s.line
	return twin == *s
}

// overlapped gives the span that s overlaps, nil if there is none. All before it begin no later than s does.
func overlapped(s, top *span, farthest map[string]*span) *span {
	candidates := []*span{farthest[s.channel], farthest[""]}
	if s.channel == "" {
		candidates = []*span{top}
	}
	for _, other := range candidates {
		if other != nil && other.to >= s.from && !s.repeats(other) {
			return other
		}
	}
	return nil
}
