package httpcc_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

func TestParseTargeted(t *testing.T) {
	type D = httpcc.Directives
	f := func(in string, want D, wantOK bool) {
		t.Helper()
		got, ok := httpcc.ParseTargeted(lines(in)...)
		if diff := cmp.Diff(want, got); diff != "" || ok != wantOK {
			t.Errorf("ParseTargeted(%q): ok %t, want %t (-want +got)\n%s", in, ok, wantOK, diff)
		}
	}
	f("max-age=600", D{MaxAge: seconds(600)}, true)
	f("max-age=600, must-revalidate, no-cache", D{MaxAge: seconds(600), MustRevalidate: true, NoCache: true}, true)
	f("max-age=600\nno-store", D{MaxAge: seconds(600), NoStore: true}, true)
	f("none", D{}, true)
	f("max-age=60;foo=bar, private;x", D{MaxAge: seconds(60), Private: true}, true)
	f("max-age=3600, max-age=10", D{MaxAge: seconds(10)}, true)
	f("max-age=10, max-age=3600", D{MaxAge: seconds(3600)}, true)
	f("max-age=999999999999999", D{MaxAge: seconds(1 << 31)}, true)
	f("max-age=-1", D{MaxAge: seconds(0)}, true)
	f("s-maxage=1, stale-while-revalidate=2, stale-if-error=3",
		D{SMaxAge: seconds(1), StaleWhileRevalidate: seconds(2), StaleIfError: seconds(3)}, true)
	f(`private="Set-Cookie, x", no-cache=a`,
		D{Private: true, PrivateFields: []string{"set-cookie", "x"}, NoCache: true}, true)
	f("public, immutable, must-understand, proxy-revalidate, no-transform",
		D{Public: true, Immutable: true, MustUnderstand: true, ProxyRevalidate: true, NoTransform: true}, true)

	// Wrong types: no lifetime, no permission, but a restriction.
	f("max-age=60.0", D{}, true)
	f(`max-age="60"`, D{}, true)
	f("max-age=a60", D{}, true)
	f("max-age", D{}, true)
	f("max-age=?1", D{}, true)
	f("max-age=(60 60)", D{}, true)
	f("max-age=:NjA=:, s-maxage=5", D{SMaxAge: seconds(5)}, true)
	f("no-store=?0, private=?0, no-cache=?0", D{}, true)
	f("no-store=1, private=(a), no-cache=1.5", D{NoStore: true, Private: true, NoCache: true}, true)
	f("public=?0, immutable=1, must-understand=x", D{}, true)

	// Not a dictionary, or nothing: as if the field were absent.
	f("", D{}, false)
	f("  ", D{}, false)
	f("max-age=60,", D{}, false)
	f("max-age=60\n", D{}, false)
	f("Max-Age=60", D{}, false)
	f("max-age=60, &&&", D{}, false)
	f("max-age = 60", D{}, false)
	f("max-age=9999999999999999", D{}, false)
	f("max-age=00000000000000000060", D{}, false)
	f("max-age='60'", D{}, false)
	f("private=\"\xc3\xa9\"", D{}, false)
	f("no-store; max-age=\"60", D{}, false)
	if d, ok := httpcc.ParseTargeted(); ok {
		t.Errorf("ParseTargeted of no line: ok, %+v", d)
	}
}

func TestParseSurrogateControl(t *testing.T) {
	type D = httpcc.Directives
	f := func(in string, want D, wantOK bool) {
		t.Helper()
		got, ok := httpcc.ParseSurrogateControl(lines(in)...)
		if diff := cmp.Diff(want, got); diff != "" || ok != wantOK {
			t.Errorf("ParseSurrogateControl(%q): ok %t, want %t (-want +got)\n%s", in, ok, wantOK, diff)
		}
	}
	f(`max-age=3600, content="ESI/1.0"`, D{MaxAge: seconds(3600)}, true)
	f(`Max-Age="3600"`, D{MaxAge: seconds(3600)}, true)
	f("max-age=3600+600", D{MaxAge: seconds(3600), StaleWhileRevalidate: seconds(600)}, true)
	f("max-age=3600+600, max-age=60+900", D{MaxAge: seconds(60), StaleWhileRevalidate: seconds(600)}, true)
	f("max-age=3600+", D{MaxAge: seconds(3600), StaleWhileRevalidate: seconds(0)}, true)
	f("max-age=3600+x", D{MaxAge: seconds(3600), StaleWhileRevalidate: seconds(0)}, true)
	f("max-age=1+2+3", D{MaxAge: seconds(1), StaleWhileRevalidate: seconds(0)}, true)
	f("max-age=+60", D{MaxAge: seconds(0), StaleWhileRevalidate: seconds(60)}, true)
	f("max-age=x", D{MaxAge: seconds(0)}, true)
	f("max-age=60;mine", D{MaxAge: seconds(0)}, true)
	f("no-store", D{NoStore: true}, true)
	f("content=\"ESI/1.0\"\nNO-STORE", D{NoStore: true}, true)
	f("no-store, max-age=9", D{NoStore: true, MaxAge: seconds(9)}, true)
	f(`content="ESI/1.0"`, D{}, false)
	f("no-store-remote", D{}, false)
	f("private, s-maxage=60", D{}, false)
	f("", D{}, false)
}

// headers is a response for Effective, "Name: value" a line.
func headers(block string) func(string) [][]byte {
	return func(name string) (found [][]byte) {
		for line := range strings.SplitSeq(block, "\n") {
			if n, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) {
				found = append(found, []byte(value))
			}
		}
		return found
	}
}

func TestEffective(t *testing.T) {
	targets := []string{"Aisle-CDN-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"}
	f := func(block, wantField string, want httpcc.Directives) {
		t.Helper()
		got := httpcc.Effective(targets, headers(block))
		if diff := cmp.Diff(httpcc.Control{Field: wantField, Directives: want}, got); diff != "" {
			t.Errorf("Effective of\n%s\n(-want +got)\n%s", block, diff)
		}
		if got.Targeted() != (wantField != "") {
			t.Errorf("Targeted() = %t with field %q", got.Targeted(), got.Field)
		}
	}
	type D = httpcc.Directives
	f("", "", D{})
	f("Cache-Control: max-age=60", "", D{MaxAge: seconds(60)})
	f("Cache-Control: no-store\nCDN-Cache-Control: max-age=600", "CDN-Cache-Control", D{MaxAge: seconds(600)})
	f("Cache-Control: no-store\nCDN-Cache-Control: none", "CDN-Cache-Control", D{})
	f("CDN-Cache-Control: max-age=600\nAisle-CDN-Cache-Control: no-store", "Aisle-CDN-Cache-Control", D{NoStore: true})
	f("CDN-Cache-Control: max-age=600\nSurrogate-Control: max-age=1", "CDN-Cache-Control", D{MaxAge: seconds(600)})
	f("CDN-Cache-Control: MAX-AGE=600\nSurrogate-Control: max-age=1", "Surrogate-Control", D{MaxAge: seconds(1)})
	f("CDN-Cache-Control: \nCache-Control: private", "", D{Private: true})
	f("CDN-Cache-Control: &\nAisle-CDN-Cache-Control: a,\nCache-Control: private", "", D{Private: true})
	f("Surrogate-Control: content=\"ESI/1.0\"\nCache-Control: max-age=5", "", D{MaxAge: seconds(5)})
	f("Other-Cache-Control: no-store\nCache-Control: max-age=5", "", D{MaxAge: seconds(5)})
	f("CDN-Cache-Control: max-age=1\nCDN-Cache-Control: no-cache", "CDN-Cache-Control", D{MaxAge: seconds(1), NoCache: true})
}

func TestEffectiveWithoutTargets(t *testing.T) {
	got := httpcc.Effective(nil, headers("CDN-Cache-Control: no-store\nCache-Control: max-age=5"))
	if diff := cmp.Diff(httpcc.Control{Directives: httpcc.Directives{MaxAge: seconds(5)}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Where each name comes once and is spelled as a structured field, both grammars
// must read the same.
func TestTargetedAgreesWithCacheControl(t *testing.T) {
	all := []string{"no-store", "no-cache", "private", "public", "immutable", "must-revalidate",
		"max-age=60", "s-maxage=7", "stale-if-error=8", "stale-while-revalidate=9", "foo", `bar="x"`}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), rapid.ID).Draw(t, "directives")
		line := []byte(strings.Join(list, ", "))
		targeted, ok := httpcc.ParseTargeted(line)
		if diff := cmp.Diff(httpcc.ParseCacheControl(line), targeted); diff != "" || !ok {
			t.Errorf("%q: ok %t\n%s", line, ok, diff)
		}
	})
}

func FuzzParseTargeted(f *testing.F) {
	for _, seed := range []string{"max-age=60", "no-store;a=1, private=\"x\"", "a=(1 2);q, b=:YQ==:", "max-age=-999999999999999", "a=@1, b=%\"x\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, ok := httpcc.ParseTargeted(in)
		checkRange(t, in, d.MaxAge, d.SMaxAge, d.StaleIfError, d.StaleWhileRevalidate)
		if !ok && !cmp.Equal(d, httpcc.Directives{}) {
			t.Errorf("%q: not ok, yet %+v", in, d)
		}
		if twice, okTwice := httpcc.ParseTargeted(in, in); ok && (!okTwice || !cmp.Equal(d, twice)) {
			t.Errorf("%q is not idempotent: %+v, %+v", in, d, twice)
		}
	})
}

func FuzzParseSurrogateControl(f *testing.F) {
	for _, seed := range []string{"max-age=60+60", "no-store, content=\"a\"", "max-age=\"1+", "+;max-age=+"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, ok := httpcc.ParseSurrogateControl(in)
		checkRange(t, in, d.MaxAge, d.StaleWhileRevalidate)
		if ok != (d.NoStore || d.MaxAge.Set) {
			t.Errorf("%q: ok %t with %+v", in, ok, d)
		}
		// It reads no lifetime into a line where Cache-Control sees none at all.
		if plain := httpcc.ParseCacheControl(in); d.MaxAge.Set != plain.MaxAge.Set || d.NoStore != plain.NoStore {
			t.Errorf("%q: %+v, as Cache-Control %+v", in, d, plain)
		}
	})
}
