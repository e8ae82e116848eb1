package regions

import (
	"context"
	"testing"
)

// TestAnswersAreBounded: past the limit that goes which was asked for the longest ago.
func TestAnswersAreBounded(t *testing.T) {
	fetches := 0
	a := newAnswers(func(_ context.Context, query string) (string, error) {
		fetches++
		return "of " + query, nil
	}, func(error) {})
	defer a.close()
	a.limit = 2
	f := func(query string, want int) {
		t.Helper()
		if id, err := a.get(t.Context(), query); id != "of "+query || err != nil {
			t.Errorf("%s: %q, %v", query, id, err)
		}
		if fetches != want || len(a.kept) > a.limit || a.recent.Len() != len(a.kept) || len(a.under) != 0 {
			t.Errorf("%s: %d fetches, %d kept, want %d", query, fetches, len(a.kept), want)
		}
	}
	f("a", 1)
	f("b", 2)
	f("a", 2)
	f("c", 3)
	f("a", 3)
	f("b", 4)
	f("a", 4)
	f("c", 5)
}
