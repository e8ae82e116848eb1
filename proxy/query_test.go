package proxy

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func publicRules(sort bool, drop ...string) queryRules {
	return queryRules{drop: dropPatterns(drop), sort: sort}
}

// overlayRules are the defaults of the sketch, with overlay noted as text.
func overlayRules() *queryRules {
	r := publicRules(true, "gclid", "fbclid", "utm_medium", "mc_*")
	r.isOverlay = func(name []byte) bool {
		return slices.Contains([]string{"utm_source", "utm_campaign", "utmi_cp", "sc"}, string(name))
	}
	r.appendOverlay = func(dst, name, value []byte) []byte {
		return append(append(append(append(dst, name...), '>'), value...), '|')
	}
	return &r
}

func TestCanonicalQuery(t *testing.T) {
	var split querySplit
	rules := overlayRules()
	f := func(raw, want, overlay string) {
		t.Helper()
		query, over := split.canonical([]byte("k?"), []byte("o:"), []byte(raw), rules)
		if diff := cmp.Diff([]string{"k?" + want, "o:" + overlay}, []string{string(query), string(over)}); diff != "" {
			t.Errorf("%q: %s", raw, diff)
		}
	}
	f("", "", "")
	f("b=2&a=1", "a=1&b=2", "")
	f("a=2&a=1&a=3", "a=2&a=1&a=3", "") // stable
	f("&&a=1&&b&", "a=1&b", "")
	f("a&a=", "a&a=", "")
	f("a=&a", "a=&a", "")
	f("q=a+b", "q=a+b", "")
	f("q=a%20b", "q=a%20b", "")
	f("%71=%41%2d%2F%2f", "q=A-%2F%2F", "")
	f("q=caf\xc3\xa9&p=caf%c3%a9", "p=caf%C3%A9&q=caf%C3%A9", "")
	f("q=[x]&r=%5bx%5D", "q=[x]&r=%5Bx%5D", "")
	f("=x&a", "=x&a", "")
	f("a=b=c", "a=b=c", "")
	f("a=%zz&b=100%", "a=%25zz&b=100%25", "") // never gets here; still safe
	f("gclid=1&x=2&fbclid", "x=2", "")
	f("gclid2=1", "gclid2=1", "")
	f("utm%5Fmedium=x&%67clid=y", "", "")
	f("mc_=1&mc_eid=2&mc=3", "mc=3", "")
	f("utm_source=news%20letter&x=1&utm_campaign=black+friday", "x=1", "utm_source>news letter|utm_campaign>black friday|")
	f("sc=2&sc=3", "", "sc>2|sc>3|") // in order: the first wins
	f("s%63=2", "", "sc>2|")
	f("sc", "", "sc>|")
	f("utm_source=%E2%82%AC%zz", "", "utm_source>\xe2\x82\xac%zz|")
	// Two writings of one name keep their order, for an origin sees one name.
	f("a+b=1&a%20b=2", "a+b=1&a%20b=2", "")
	f("a%20b=2&a+b=1", "a%20b=2&a+b=1", "")
}

func TestQueryRulesOfPublicScope(t *testing.T) {
	var split querySplit
	f := func(rules queryRules, raw, want string, removed bool) {
		t.Helper()
		got, overlay := split.canonical(nil, nil, []byte(raw), &rules)
		if string(got) != want || overlay != nil || split.removed != removed {
			t.Errorf("%q: got %q, overlay %q, removed %v", raw, got, overlay, split.removed)
		}
	}
	f(publicRules(true, "gclid"), "utm_source=x&b&gclid=1&a", "a&b&utm_source=x", true)
	f(publicRules(false), "b=%61&a", "b=a&a", false)
	f(queryRules{}, "b&a&&gclid", "b&a&gclid", false)
	f(publicRules(true, "*"), "b&a", "", true)
}

func TestQueryRemovedIsForgotten(t *testing.T) {
	var split querySplit
	rules := overlayRules()
	split.canonical(nil, nil, []byte("sc=1"), rules)
	if !split.removed {
		t.Error("an overlay parameter was not noted as removed")
	}
	if split.canonical(nil, nil, []byte("a=1"), rules); split.removed {
		t.Error("removed outlived its request")
	}
}

func TestManyParameters(t *testing.T) {
	var split querySplit
	rules := overlayRules()
	var raw, want []string
	for i := range 3000 {
		raw = append(raw, fmt.Sprintf("p%05d=%d", 2999-i, i))
		want = append(want, fmt.Sprintf("p%05d=%d", i, 2999-i))
	}
	got, _ := split.canonical(nil, nil, []byte(strings.Join(raw, "&")), rules)
	if string(got) != strings.Join(want, "&") {
		t.Error("3000 parameters came out wrong")
	}
	if split.canonical(nil, nil, []byte("a"), rules); cap(split.parts) > keptParts {
		t.Errorf("room for %d parts stays with the owner", cap(split.parts))
	}
}

func TestQueryOrderOfDistinctNamesIsOne(t *testing.T) {
	name := rapid.StringMatching(`[a-z]{1,4}|[a-z]%[57]f[a-z]|[a-z]\+`)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(name, 1, 8, func(s string) string { d, _ := url.QueryUnescape(s); return d }).Draw(t, "names")
		var params []string
		for _, n := range names {
			params = append(params, n+"="+rapid.StringMatching(`[a-zA-Z0-9+.%]{0,3}`).Draw(t, "value"))
		}
		shuffled := rapid.Permutation(params).Draw(t, "shuffled")
		var a, b querySplit
		one, _ := a.canonical(nil, nil, []byte(strings.Join(params, "&")), overlayRules())
		two, _ := b.canonical(nil, nil, []byte(strings.Join(shuffled, "&")), overlayRules())
		if !bytes.Equal(one, two) {
			t.Fatalf("%q and %q", one, two)
		}
	})
}

// What a form-decoding origin reads must be what the shopper asked, but for the
// parameters that left: names with their values in order.
func TestQueryKeepsWhatFormsMean(t *testing.T) {
	part := rapid.StringMatching(`(a|b|c%20|c\+|%61|gclid|sc)(=[a-z%2B+]{0,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		raw := strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), "&")
		before, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		var split querySplit
		got, _ := split.canonical(nil, nil, []byte(raw), overlayRules())
		after, err := url.ParseQuery(string(got))
		if err != nil {
			t.Fatal(err)
		}
		before.Del("gclid")
		before.Del("sc")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("%q became %q: %s", raw, got, diff)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add([]byte("b=1&a=%41&&utm_source=x+y&a"))
	f.Add([]byte("%&%4&=&=&\x80=\xff"))
	rules := overlayRules()
	f.Fuzz(func(t *testing.T, raw []byte) {
		var split querySplit
		once, _ := split.canonical(nil, nil, raw, rules)
		if !cleanQuery(once) && !bytes.ContainsAny(raw, "#") && !bytes.Contains(raw, []byte{'%', '0', '0'}) && !bytes.ContainsRune(raw, 0) {
			t.Fatalf("%q became %q, which would be refused", raw, once)
		}
		twice, overlay := split.canonical(nil, nil, once, rules)
		if !bytes.Equal(once, twice) || overlay != nil {
			t.Fatalf("%q: first %q, then %q with overlay %q", raw, once, twice, overlay)
		}
	})
}

func TestQueryAllocatesNothing(t *testing.T) {
	var split querySplit
	rules := overlayRules()
	raw := []byte("z=9&y=%41&x=caf%c3%a9&utm_source=a+b&gclid=1" + strings.Repeat("&p=1", 27))
	dst, overlay := make([]byte, 0, 512), make([]byte, 0, 64)
	split.canonical(dst, overlay, raw, rules)
	if n := testing.AllocsPerRun(100, func() { split.canonical(dst, overlay, raw, rules) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
