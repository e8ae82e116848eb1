package regions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
)

const (
	maxSellers = 1000 // of one region
	maxSeller  = 64   // bytes of a seller's id
)

// parseSellers reads "a;b": the ids sorted, each once. An id has no character that an id of a region or a URL gives a meaning.
func parseSellers(text string) ([]string, error) { return checkSellers(splitSellers(text)) }

func splitSellers(text string) (list []string) {
	for id := range strings.SplitSeq(text, ";") {
		if id = strings.TrimSpace(id); id != "" {
			list = append(list, id)
		}
	}
	return list
}

// checkSellers sorts list and takes its doubles out, in place.
func checkSellers(list []string) ([]string, error) {
	if len(list) == 0 {
		return nil, errors.New("no sellers: leave it out where nobody delivers")
	}
	for _, id := range list {
		if !transform.PlainID(id, maxSeller) {
			return nil, fmt.Errorf(`seller %q: want up to %d letters, digits, "-", "_", "."`, cut(id), maxSeller)
		}
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) > maxSellers {
		return nil, fmt.Errorf("%d sellers: at most %d", len(list), maxSellers)
	}
	return list, nil
}

// cut bounds what an error quotes.
func cut(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}
