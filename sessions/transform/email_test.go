package transform_test

import (
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestFoldEmail(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := transform.FoldEmail(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("", "")
	f(" Kate.AZ@X.example\r\n", "kate.az@x.example")
	f("[`@{", "[`@{") // beside the letters
	for _, other := range []string{"\u212aate@x.example", "k\u0130m@x.example", "\u017fue@x.example", "JOS\xc9@", "\u00a0kate@x.example", "kate@x.example\u2003"} {
		if got := transform.FoldEmail(other); got == "kate@x.example" || got == "kim@x.example" || got == "sue@x.example" {
			t.Errorf("%q is taken for %q", other, got)
		}
	}
	f("\u212aATE\u00c9", "\u212aate\u00c9")
	f("A\xff", "a\xff")
}
