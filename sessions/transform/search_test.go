package transform_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// search makes the app for facets a, b and productClusterIds.
func search(t testing.TB, max int) (app *transform.Search, dropped *int) {
	t.Helper()
	dropped = new(int)
	s, err := transform.NewSearch(transform.SearchOptions{
		Facets: []string{"productClusterIds", "a", "b"}, MaxBytes: max, Dropped: func(n int) { *dropped += n },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, dropped
}

func facets(t testing.TB, s *transform.Search, text string) (string, error) {
	t.Helper()
	out, err := s.Transform(t.Context(), vals("public.facets="+text))
	if err == nil && out.Get(key("search.facets")) == nil {
		t.Error("facets are left out: what was there would stay")
	}
	return out.Text(key("search.facets")), err
}

func TestSearchFacets(t *testing.T) {
	f := func(text, want string, lost int) {
		t.Helper()
		s, dropped := search(t, 0)
		got, err := facets(t, s, text)
		if err != nil || got != want || *dropped != lost {
			t.Errorf("%q: %q, %d dropped, %v; want %q, %d", text, got, *dropped, err, want, lost)
		}
	}
	f("", "", 0)
	f(";;  ;", "", 0)
	f("productClusterIds=158;", "productClusterIds=158;", 0)
	f("productClusterIds=158", "productClusterIds=158;", 0)
	f("productClusterIds=not:140", "productClusterIds=not:140;", 0)
	f(" b = 2 ;a=1;b=1;a=1;;", "a=1;b=1;b=2;", 0)
	f("a=x=y", "a=x=y;", 0)
	f("a=São Paulo", "a=São Paulo;", 0)

	f("zip-code=01002020;country=BRA;coordinates=-46.637,-23.547;a=1", "a=1;", 3)
	f("A=1;a", "", 2)
	f("=1;a=;=", "", 3)
	f("a=x\x00y;b=1", "b=1;", 1)
	f("search.facets=1", "", 1)
}

// TestSearchBounds: what is too long loses alternatives, so that the shopper sees less; never what narrows.
func TestSearchBounds(t *testing.T) {
	f := func(max int, text, want string, lost int) {
		t.Helper()
		s, dropped := search(t, max)
		got, err := facets(t, s, text)
		if (err != nil) != (want == "error") || err == nil && got != want || *dropped != lost {
			t.Errorf("%q in %d: %q, %d dropped, %v; want %q, %d", text, max, got, *dropped, err, want, lost)
		}
		if err != nil && strings.Contains(err.Error(), "=") {
			t.Errorf("%v tells a facet", err)
		}
	}
	f(8, "a=1;a=2;", "a=1;a=2;", 0)
	f(7, "a=1;a=2;", "a=1;", 1)
	f(4, "a=1;a=2;a=3", "a=1;", 2)
	f(3, "a=1;a=2;", "error", 0)
	f(9, "a=1;a=22;a=3;", "a=1;a=3;", 1)
	f(9, "a=1;a=22;b=333333;", "error", 0)
	f(13, "a=1;a=2;b=33333;", "a=1;b=33333;", 1)
	f(13, "a=not:1;a=1;a=2", "a=1;a=not:1;", 1)
	f(12, "a=not:1;a=1;a=2", "a=1;a=not:1;", 1)
	f(11, "a=not:1;a=1;a=2", "error", 0)
	f(15, "a=not:1;a=not:2;", "error", 0)

	long := strings.Repeat("a=1;", 20<<10)
	if s, _ := search(t, 0); s != nil {
		if _, err := facets(t, s, long); err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
			t.Errorf("%v", err)
		}
	}
	var many []string
	for i := range 8 << 10 {
		many = append(many, fmt.Sprintf("a=%d", i))
	}
	rand.Shuffle(len(many), func(i, j int) { many[i], many[j] = many[j], many[i] })
	s, _ := search(t, 0)
	got, err := facets(t, s, strings.Join(many, ";"))
	if err != nil || len(got) > 512 || !strings.HasPrefix(got, "a=0;a=1;a=10;") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestSearchIsCanonical: facets in any order, and repeated, are one text, which stands for itself.
func TestSearchIsCanonical(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`(a|b|c)=(not:)?[0-9]{1,3}`), 0, 40).Draw(rt, "facets")
		s, _ := search(t, rapid.IntRange(1, 200).Draw(rt, "max"))
		one, err := facets(t, s, strings.Join(parts, ";"))
		other := rapid.Permutation(slices.Concat(parts, parts)).Draw(rt, "other")
		two, err2 := facets(t, s, strings.Join(other, " ; ")+";")
		if one != two || (err == nil) != (err2 == nil) {
			rt.Fatalf("%q, %v and %q, %v", one, err, two, err2)
		}
		if err != nil {
			return
		}
		if again, err := facets(t, s, one); again != one || err != nil {
			rt.Fatalf("%q became %q, %v", one, again, err)
		}
		for _, p := range parts {
			name, value, _ := strings.Cut(p, "=")
			if name == "c" {
				continue
			}
			if strings.HasPrefix(value, "not:") && !strings.Contains(one, p+";") || !strings.Contains(one, name+"=") {
				rt.Fatalf("%q widens %q", one, parts)
			}
		}
	})
}

// FuzzSearch: no text panics, is longer than allowed, or lets another key in.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{"a=1;b=not:2;", ";=;", "a", "a==;a=\x00", "productClusterIds=158;zip-code=01002020;", "a=1;a=2;a=3;a=4;a=5;a=6;a=7;a=8;a=9"} {
		f.Add(seed, "")
	}
	f.Add("", base64.StdEncoding.EncodeToString([]byte("vtex:BRA:04561000")))
	f.Fuzz(func(t *testing.T, text, region string) {
		s, _ := search(t, 30)
		out, err := s.Transform(t.Context(), vals("public.facets="+text, "public.region_id="+region))
		if err != nil {
			return
		}
		got := out.Text(key("search.facets"))
		if len(got) > 30 || got != "" && !strings.HasSuffix(got, ";") {
			t.Errorf("%q", got)
		}
		for part := range strings.SplitSeq(strings.TrimSuffix(got, ";"), ";") {
			if name, _, _ := strings.Cut(part, "="); got != "" && name != "a" && name != "b" && name != "productClusterIds" {
				t.Errorf("%q in %q", name, got)
			}
		}
		if country := out.Text(key("public.country")); country != "" && len(country) != 3 {
			t.Errorf("country %q", country)
		}
	})
}

// TestSearchPlace: region_id is a place where the shopper has none.
func TestSearchPlace(t *testing.T) {
	f := func(region, want string, words ...string) {
		t.Helper()
		s, _ := search(t, 0)
		e, err := transform.New([]transform.App{s}, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		shopper := newShopper(t, e)
		shopper.does(words...)
		shopper.does("public.region_id=" + region)
		got := shopper.values.Text(key("public.country")) + " " + shopper.values.Text(key("public.postalCode"))
		if got = strings.TrimSpace(got); got != want {
			t.Errorf("%s with %q: %q, want %q", region, words, got, want)
		}
	}
	id := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	sp := id("vtex:BRA:04561000")
	f(sp, "BRA 04561000")
	f(strings.TrimRight(sp, "="), "BRA 04561000")
	f(base64.RawURLEncoding.EncodeToString([]byte("vtex:GBR:SW1A 1AA")), "GBR SW1A 1AA")
	f(id("vtex:bra:04561000"), "BRA 04561000")
	f(id("vtex:BRA:~~~"), "")
	f(sp, "BRA 04561000", "public.country=BRA")
	f(sp, "BRA 04561000", "public.country=bra")
	f(sp, "", "public.geoCoordinates=[-46.6,-23.5]")
	f(sp, "USA", "public.country=USA")
	f(sp, "BRA 01310100", "public.country=BRA", "public.postalCode=01310100")
	f(sp, "01310100", "public.postalCode=01310100")
	f(sp, "", "public.geoCoordinates=-46.6,-23.5")
	for _, bad := range []string{"", "!", "vtex:BRA:04561000", id("vtex:BR:04561000"), id("vtex:BRA:"), id("vtex:BRA:04561000;x"),
		id("other:BRA:04561000"), id("vtex:BRA:0456100012345"), strings.Repeat("A", 1000)} {
		f(bad, "")
	}
}

// TestSearchRefuses: what narrows and does not fit is refused, in a new session and in one that there is, also where an app wrote it; nothing
// of the request is kept.
func TestSearchRefuses(t *testing.T) {
	s, _ := search(t, 10)
	e, err := transform.New([]transform.App{s, app("writer", "public.wish -> public.facets", copyOf("public.wish", "public.facets"))}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	refuses := func(shopper *shopper, words ...string) {
		t.Helper()
		before := shopper.values.Clone()
		_, err := shopper.try(words...)
		var refusal *transform.Refusal
		if !errors.As(err, &refusal) || refusal.Status != 413 || !strings.Contains(refusal.Reason, "public.facets") {
			t.Errorf("%q: %v", words, err)
		}
		wantValues(t, "after a refusal", shopper.values, before)
	}
	const long = "a=not:1;b=not:2"
	for _, name := range []string{"facets", "wish"} {
		shopper := newShopper(t, e)
		refuses(shopper, "public."+name+"="+long)
		shopper.does("public." + name + "=a=1")
		refuses(shopper, "public."+name+"="+long, "public.postalCode=1")
		refuses(shopper, "public."+name+"="+strings.Repeat("a=1;", 20<<10))
		if got := shopper.values.Text(key("search.facets")); got != "a=1;" {
			t.Errorf("%s: %q", name, got)
		}
		shopper.does("public." + name + "=") // nobody is locked out
		if got := shopper.values.Text(key("search.facets")); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNewSearch(t *testing.T) {
	_, err := transform.NewSearch(transform.SearchOptions{Facets: []string{"", "a=b", "a;", "x\n", "ok", "ok", strings.Repeat("k", 65)}, MaxBytes: -1})
	for _, want := range []string{`facets: ""`, `"a=b"`, `"a;"`, `"x\n"`, `"ok" is there twice`, "max_bytes: -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	s, err := transform.NewSearch(transform.SearchOptions{})
	if err != nil || s.Spec().Validate() != nil {
		t.Fatal(err)
	}
	if got, err := facets(t, s, "a=1;b=2"); got != "" || err != nil {
		t.Errorf("nothing is allowed, and %q, %v", got, err)
	}
}
