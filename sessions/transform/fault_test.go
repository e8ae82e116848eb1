package transform_test

import (
	"errors"
	"io"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestFaultLines(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if got := err.Error(); got != want || !errors.Is(err, io.EOF) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	two := errors.Join(io.EOF, errors.New("b"))
	f(transform.AtKey("search.facets", io.EOF), "search.facets: EOF")
	f(transform.AtKey("k", two), "k: EOF\nk: b")
	f(transform.AtKey("k: a.csv", transform.OneLine(two)), "k: a.csv: EOF; b")
	if transform.AtKey("k", nil) != nil || transform.OneLine(nil) != nil {
		t.Error("nothing is wrong, and it is told")
	}
}
