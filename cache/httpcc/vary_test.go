package httpcc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache/httpcc"
)

func TestParseVary(t *testing.T) {
	f := func(in string, want ...string) {
		t.Helper()
		got, star := httpcc.ParseVary(lines(in)...)
		if diff := cmp.Diff(want, got); diff != "" || star {
			t.Errorf("ParseVary(%q): star %t (-want +got)\n%s", in, star, diff)
		}
	}
	f("")
	f(" ,\t,\n")
	f("Accept-Encoding", "accept-encoding")
	f("x-vtex-segment, Accept-Encoding", "accept-encoding", "x-vtex-segment")
	f("b,a\nc", "a", "b", "c")
	f("A, a\na ,A", "a")
	f(",foo , ,bar,", "bar", "foo")
}

func TestParseVaryStar(t *testing.T) {
	f := func(in string) {
		t.Helper()
		if names, star := httpcc.ParseVary(lines(in)...); !star || names != nil {
			t.Errorf("ParseVary(%q) = %q, %t; want a star", in, names, star)
		}
	}
	f("*")
	f(" * ")
	f("Accept, *")
	f("*, Accept")
	f("Accept\n*")
	f("Accept Encoding")
	f("Accept; Cookie")
	f("\"Accept\"")
	f("Accept:")
	f("Acc\xc3\xa9pt")
	f("a\x00")
}

func FuzzParseVary(f *testing.F) {
	for _, seed := range []string{"*", "a, B,a", "a b", "Accept-Encoding,,", "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		names, star := httpcc.ParseVary(in)
		if star {
			return
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%q: %q is not sorted and unique", in, names)
		}
		again, star := httpcc.ParseVary([]byte(strings.ToUpper(strings.Join(names, ","))))
		if star || !slices.Equal(again, names) {
			t.Errorf("%q: %q, and read again %q, %t", in, names, again, star)
		}
	})
}
