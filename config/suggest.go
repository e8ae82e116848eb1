package config

// nearest returns the known word that word is most likely a misspelling of; ok is false
// where none is near enough to be worth a hint.
func nearest(word string, known []string) (best string, ok bool) {
	if len(word) > maxSuggested {
		return "", false
	}
	least := max(1, len(word)/3) + 1
	for _, k := range known {
		if d := editDistance(word, k); d < least {
			least, best, ok = d, k, true
		}
	}
	return best, ok
}

const maxSuggested = 64

// editDistance counts insertions, deletions, replacements and swaps of neighbours
// (optimal string alignment): the swap is the commonest slip of the keyboard and
// counts once.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// didYouMean is ` (did you mean "x"?)`, or nothing.
func didYouMean(word string, known []string) string {
	if best, ok := nearest(word, known); ok {
		return ` (did you mean "` + best + `"?)`
	}
	return ""
}
