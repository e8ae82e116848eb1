package regions_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// TestFormatsWalk: every format has a word of its own, that reads as it.
func TestFormatsWalk(t *testing.T) {
	seen := map[string]bool{}
	for _, format := range []regions.Format{regions.V2, regions.V1} {
		text, err := format.MarshalText()
		var back regions.Format
		if err != nil || back.UnmarshalText(text) != nil || back != format || string(text) != format.String() || seen[string(text)] {
			t.Errorf("%d: %q, %v", format, text, err)
		}
		seen[string(text)] = true
	}
	var f regions.Format
	if err := f.UnmarshalText(nil); err != nil || f != regions.V2 {
		t.Errorf("empty: %v, %v", f, err)
	}
	if err := f.UnmarshalText([]byte("V1")); err == nil || err.Error() != `"V1" is no format of region ids: want v1 or v2` {
		t.Error(err)
	}
}

// TestFormatID: the examples of facts, part 5.
func TestFormatID(t *testing.T) {
	f := func(format regions.Format, want string, sellers ...string) {
		t.Helper()
		if got := format.ID(sellers); got != want {
			t.Errorf("%v: %s, want %s", sellers, got, want)
		}
	}
	f(regions.V1, "U1cj")
	f(regions.V1, "U1cjc2VsbGVyMTtzZWxsZXIy", "seller1", "seller2")
	f(regions.V1, "U1cjcWFzdG9yZWVz", "qastorees")
	f(regions.V2, "v2.02852BD5C60CD7F9FD67271C9CE591EE", "seller1", "seller2")

	seen := map[string]bool{}
	for _, sellers := range [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"ab"}} {
		id := regions.V2.ID(sellers)
		hex, ok := strings.CutPrefix(id, "v2.")
		if !ok || len(hex) != 32 || strings.Trim(hex, "0123456789ABCDEF") != "" || seen[id] {
			t.Errorf("%v: %s", sellers, id)
		}
		seen[id] = true
	}
}

func TestByID(t *testing.T) {
	r, err := regions.Parse(strings.NewReader(header+"BRA,10,19,,seller2;seller1\n"), nil, regions.V2)
	if err != nil {
		t.Fatal(err)
	}
	f := func(id, want string) {
		t.Helper()
		region, ok := r.ByID(id)
		if got := served(region, ok); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	both := []string{"seller1", "seller2"}
	f(regions.V2.ID(both), "seller1 seller2")
	f(regions.V1.ID(both), "seller1 seller2") // of before the format was changed
	f(regions.V2.ID(nil), "nobody")
	f("U1cj", "nobody")
	f(regions.V1.ID([]string{"seller2"}), "seller2") // FastStore makes one for a chosen seller
	f(regions.V1.ID([]string{"seller2", "seller1", "seller2"}), "seller1 seller2")
	f(strings.TrimRight(regions.V1.ID([]string{"seller2", "stranger"}), "="), "seller2")
	f(regions.V1.ID([]string{"stranger"}), "nobody")
	f(strings.ToLower(regions.V2.ID(both)), "invalid")
	f("v2.1BB18CE648B5111D0933734ED83EC783", "invalid")
	f("", "invalid")
	f("U1c", "invalid")
	f("YWJj", "invalid")
	f("\xff", "invalid")
	if region, _ := r.ByID(regions.V1.ID(both)); region.ID != regions.V2.ID(both) || !slices.Equal(region.Sellers, both) {
		t.Errorf("%+v is not in the format of the table", region)
	}
}
