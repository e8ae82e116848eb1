package httpcc_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

// lines splits at newlines, so that a test case reads as one string.
func lines(s string) [][]byte {
	var out [][]byte
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, []byte(line))
	}
	return out
}

func seconds(n int64) httpcc.Delta { return httpcc.Delta{Set: true, Seconds: n} }

func TestMaxAge(t *testing.T) {
	f := func(in string, want httpcc.Delta) {
		t.Helper()
		got := httpcc.ParseCacheControl(lines(in)...)
		if diff := cmp.Diff(httpcc.Directives{MaxAge: want}, got); diff != "" {
			t.Errorf("ParseCacheControl(%q): (-want +got)\n%s", in, diff)
		}
	}
	unset, stale := httpcc.Delta{}, seconds(0)

	f("", unset)
	f(" , ,\t,", unset)
	f("foo, bar=baz, qux=\"max-age=60\"", unset)
	f("max-ages=60", unset)
	f("xmax-age=60", unset)
	f("max_age=60", unset)
	f("extension=\"max-age=1, \\\"max-age=2\\\"\"", unset)
	f(strings.Repeat("a", 1000)+"=60", unset)

	f("max-age=60", seconds(60))
	f("MAX-AGE=60", seconds(60))
	f("MaX-aGe=60", seconds(60))
	f("max-age=\"60\"", seconds(60))
	f("max-age=00060", seconds(60))
	f("max-age=0", stale)
	f("max-age=60,", seconds(60))
	f(",,max-age=60 ,\t, ", seconds(60))
	f("foo=\"a, b\", max-age=60", seconds(60))
	f("extension=\"max-age=3600\", max-age=1", seconds(1))
	f("extension=\"max-age=1\", max-age=3600", seconds(3600))
	f("foo=\"a\\\\\", max-age=60", seconds(60))
	f("foo\nmax-age=60\nbar", seconds(60))

	f("max-age=3600, max-age=0", stale)
	f("max-age=0, max-age=3600", stale)
	f("max-age=3600, max-age=1800", seconds(1800))
	f("max-age=1800\nmax-age=3600", seconds(1800))
	f("max-age=3600, max-age=x", stale)

	f("max-age=2147483647", seconds(1<<31-1))
	f("max-age=2147483648", seconds(1<<31))
	f("max-age=2147483649", seconds(1<<31))
	f("max-age=18446744073709551617", seconds(1<<31))
	f("max-age="+strings.Repeat("9", 4000), seconds(1<<31))
	f("max-age="+strings.Repeat("0", 4000)+"7", seconds(7))

	f("max-age", stale)
	f("max-age=", stale)
	f("max-age=\"\"", stale)
	f("max-age=-1", stale)
	f("max-age=+60", stale)
	f("max-age=60.0", stale)
	f("max-age=60.5", stale)
	f("max-age=1e3", stale)
	f("max-age=0x10", stale)
	f("max-age=a60", stale)
	f("max-age=60a", stale)
	f("max-age='60'", stale)
	f("max-age=\"60", stale)
	f("max-age=60\"", stale)
	f("max-age=\" 60\"", stale)
	f("max-age=\"\\60\"", stale)
	f("max-age = 60", stale)
	f("max-age= 60", stale)
	f("max-age =60", stale)
	f("max-age==60", stale)
	f("max-age=6 0", stale)
	f("max-age=60;foo", stale)
	f("max-age=60; foo=bar", stale)
	f("foo; max-age=60", stale)
	f("max-age:60", stale)
	f("max-age=60 foo", stale)
	f("\"x\" max-age=60", stale)
	f("foo=\"bar, max-age=60", stale)
	f("max-age=\u0666\u0660", stale)
	f("max-age=60\x00", stale)
}

func TestParseCacheControl(t *testing.T) {
	f := func(in string, want httpcc.Directives) {
		t.Helper()
		if diff := cmp.Diff(want, httpcc.ParseCacheControl(lines(in)...)); diff != "" {
			t.Errorf("ParseCacheControl(%q): (-want +got)\n%s", in, diff)
		}
	}
	type D = httpcc.Directives

	f("no-store", D{NoStore: true})
	f("No-Store", D{NoStore: true})
	f("public, max-age=60, s-maxage=120", D{Public: true, MaxAge: seconds(60), SMaxAge: seconds(120)})
	f("must-revalidate, proxy-revalidate", D{MustRevalidate: true, ProxyRevalidate: true})
	f("no-store, must-understand", D{NoStore: true, MustUnderstand: true})
	f("no-transform, immutable", D{NoTransform: true, Immutable: true})
	f("stale-while-revalidate=30\nSTALE-IF-ERROR=\"86400\"",
		D{StaleWhileRevalidate: seconds(30), StaleIfError: seconds(86400)})
	f("stale-while-revalidate, stale-if-error=-1",
		D{StaleWhileRevalidate: seconds(0), StaleIfError: seconds(0)})
	f("s-maxage=20, s-maxage=10", D{SMaxAge: seconds(10)})

	// What a client may send.
	f("only-if-cached, min-fresh=20", D{OnlyIfCached: true, MinFresh: seconds(20)})
	f("min-fresh=10, min-fresh=20, min-fresh=15", D{MinFresh: seconds(20)})
	f("min-fresh=x", D{MinFresh: seconds(0)})
	f("max-stale", D{MaxStale: seconds(1 << 31)})
	f("max-stale=10", D{MaxStale: seconds(10)})
	f("max-stale, max-stale=10", D{MaxStale: seconds(10)})
	f("max-stale=10, max-stale", D{MaxStale: seconds(10)})
	f("max-stale=, max-stale", D{MaxStale: seconds(0)})
	f("max-stale;", D{MaxStale: seconds(0)})

	// Qualified forms.
	f("no-cache", D{NoCache: true})
	f(`no-cache="Set-Cookie, X-Foo"`, D{NoCache: true, NoCacheFields: []string{"set-cookie", "x-foo"}})
	f(`no-cache=Set-Cookie`, D{NoCache: true})
	f(`private=true, no-cache="a"`, D{Private: true, NoCache: true, NoCacheFields: []string{"a"}})
	f(`no-cache=", a ,,a,"`, D{NoCache: true, NoCacheFields: []string{"a"}})
	f("no-cache=\"a\"\nno-cache=\"b\"", D{NoCache: true, NoCacheFields: []string{"a", "b"}})
	f(`no-cache, no-cache="a"`, D{NoCache: true})
	f(`no-cache="a", no-cache, no-cache="b"`, D{NoCache: true})
	f(`no-cache=""`, D{NoCache: true})
	f(`no-cache=`, D{NoCache: true})
	f(`no-cache=" , "`, D{NoCache: true})
	f(`no-cache="a b"`, D{NoCache: true})
	f(`no-cache="a", no-cache="b\"c"`, D{NoCache: true})
	f(`no-cache="a" b`, D{NoCache: true})
	f(`private`, D{Private: true})
	f(`private="set-cookie"`, D{Private: true, PrivateFields: []string{"set-cookie"}})
	f(`private="set-cookie`, D{Private: true})
	f(`private='set-cookie, x'`, D{Private: true})

	// Restrictions hold in any shape, permissions do not.
	f("private; max-age=60", D{Private: true, MaxAge: seconds(0)})
	f("max-age=60; private", D{Private: true, MaxAge: seconds(0)})
	f("max-age=60 private", D{Private: true, MaxAge: seconds(0)})
	f("max-age=60 no-store, s-maxage=9", D{NoStore: true, MaxAge: seconds(0), SMaxAge: seconds(9)})
	f("no-store=foo, no-transform=\"x\"", D{NoStore: true, NoTransform: true})
	f("no-store =x, must-revalidate /", D{NoStore: true, MustRevalidate: true})
	f("foo=\"bar, no-store, public", D{NoStore: true})
	f("foo bar\", private, immutable", D{Private: true})
	f("foo=\"bar, s-maxage=60\nmax-age=60", D{SMaxAge: seconds(0), MaxAge: seconds(60)})
	f("public=yes, immutable=1, must-understand=\"\", only-if-cached=x", D{})
	f("public; immutable; must-understand; only-if-cached;", D{})
	f("\"no-store\", \"private\"", D{})
	f("ext=\"no-store\"", D{})
	f("x-no-store, no-stores, no-store-remote", D{})
	f("=no-store, =\"private\"", D{})
}

func TestWholeForms(t *testing.T) {
	f := func(in string, wantNoCache, wantPrivate bool) {
		t.Helper()
		d := httpcc.ParseCacheControl([]byte(in))
		if d.NoCacheWhole() != wantNoCache || d.PrivateWhole() != wantPrivate {
			t.Errorf("%q: NoCacheWhole %t, PrivateWhole %t; want %t, %t",
				in, d.NoCacheWhole(), d.PrivateWhole(), wantNoCache, wantPrivate)
		}
	}
	f("max-age=1", false, false)
	f("no-cache", true, false)
	f("private", false, true)
	f(`no-cache="a", private="b"`, false, false)
	f(`no-cache="a", private="b", private`, false, true)
	f(`no-cache="a, b c"`, true, false)
}

func TestParseCacheControlDoesNotAllocate(t *testing.T) {
	for _, in := range []string{
		"no-cache",
		"max-age=0",
		"no-cache, no-store, max-age=0, must-revalidate",
		"max-stale=60, min-fresh=10, only-if-cached",
		"public, max-age=31536000, immutable, x=\"y\"",
		"max-age=60; private",
	} {
		line := []byte(in)
		var d httpcc.Directives
		if n := testing.AllocsPerRun(100, func() { d = httpcc.ParseCacheControl(line) }); n != 0 {
			t.Errorf("ParseCacheControl(%q) allocates %v times: %+v", in, n, d)
		}
	}
}

// genDirective draws well-formed directives, many of them known.
func genDirective() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"no-store", "no-cache", "private", "public", "immutable", "foo", `foo="a, b"`,
			`private="set-cookie"`, `no-cache="a, b"`, "max-stale", "must-revalidate", "NO-STORE"}),
		rapid.Custom(func(t *rapid.T) string {
			name := rapid.SampledFrom([]string{"max-age", "s-maxage", "stale-if-error", "min-fresh", "max-stale"}).Draw(t, "name")
			return name + "=" + strconv.FormatUint(rapid.Uint64().Draw(t, "seconds"), 10)
		}),
	)
}

func TestLinesAreOneList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(genDirective()).Draw(t, "directives")
		joined := httpcc.ParseCacheControl([]byte(strings.Join(list, " , ")))
		split := httpcc.ParseCacheControl(lines(strings.Join(list, "\n"))...)
		var added httpcc.Directives
		for _, directive := range list {
			added.Add([]byte(directive))
		}
		if diff := cmp.Diff(joined, split); diff != "" {
			t.Errorf("one line or many: %s", diff)
		}
		if diff := cmp.Diff(joined, added); diff != "" {
			t.Errorf("Add: %s", diff)
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(genDirective()).Draw(t, "directives")
		a := httpcc.ParseCacheControl([]byte(strings.Join(list, ",")))
		b := httpcc.ParseCacheControl([]byte(strings.Join(rapid.Permutation(list).Draw(t, "permuted"), ",")))
		// The lists of fields keep the order of arrival; as sets they agree.
		sorted := cmp.Transformer("sort", func(fields []string) map[string]bool {
			set := map[string]bool{}
			for _, field := range fields {
				set[field] = true
			}
			return set
		})
		if diff := cmp.Diff(a, b, sorted); diff != "" {
			t.Errorf("%q: %s", list, diff)
		}
	})
}

// restricts fails where more says less than less: adding text to a line may add
// restrictions, and never takes one away.
func restricts(t *rapid.T, less, more httpcc.Directives) {
	t.Helper()
	keep := func(name string, before, after bool) {
		if before && !after {
			t.Errorf("%s is lost", name)
		}
	}
	keep("no-store", less.NoStore, more.NoStore)
	keep("no-cache", less.NoCache, more.NoCache)
	keep("no-cache, whole", less.NoCacheWhole(), more.NoCacheWhole())
	keep("private", less.Private, more.Private)
	keep("private, whole", less.PrivateWhole(), more.PrivateWhole())
	keep("must-revalidate", less.MustRevalidate, more.MustRevalidate)
	shorter := func(name string, before, after httpcc.Delta) {
		if before.Set && (!after.Set || after.Seconds > before.Seconds) {
			t.Errorf("%s grew from %+v to %+v", name, before, after)
		}
	}
	shorter("max-age", less.MaxAge, more.MaxAge)
	shorter("s-maxage", less.SMaxAge, more.SMaxAge)
	shorter("stale-if-error", less.StaleIfError, more.StaleIfError)
}

func TestGarbageNeverLoosens(t *testing.T) {
	garbage := rapid.StringMatching("[a-z ;=/'\\\\,-]{0,12}")
	rapid.Check(t, func(t *rapid.T) {
		list := strings.Join(rapid.SliceOfN(genDirective(), 1, 6).Draw(t, "directives"), ", ")
		tail := rapid.SampledFrom([]string{",", ";", " ", "; ", ", \""}).Draw(t, "glue") + garbage.Draw(t, "garbage")
		restricts(t, httpcc.ParseCacheControl([]byte(list)), httpcc.ParseCacheControl([]byte(list+tail)))
		head := garbage.Draw(t, "head") + ";"
		restricts(t, httpcc.ParseCacheControl([]byte(list)), httpcc.ParseCacheControl([]byte(head+list)))
	})
}

func checkRange(t *testing.T, in any, deltas ...httpcc.Delta) {
	t.Helper()
	for _, d := range deltas {
		if d.Seconds < 0 || d.Seconds > httpcc.MaxDeltaSeconds || !d.Set && d.Seconds != 0 || d.Duration() < 0 {
			t.Errorf("%q: %+v is out of range", in, d)
		}
	}
}

func FuzzParseCacheControl(f *testing.F) {
	for _, seed := range []string{"no-store", "max-age=60, private=\"a,b\"", "max-age=\"6\\\"0", "a;b=c d,, =\"", "\"\\\"\\\"", "max-age = 99999999999999999999"} {
		f.Add([]byte(seed), []byte("s-maxage=1"))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := httpcc.ParseCacheControl(a, b)
		checkRange(t, a, d.MaxAge, d.SMaxAge, d.StaleIfError, d.StaleWhileRevalidate, d.MinFresh, d.MaxStale)
		if len(d.NoCacheFields) > 0 && !d.NoCache || len(d.PrivateFields) > 0 && !d.Private {
			t.Errorf("%q: fields without their directive: %+v", a, d)
		}
		again := httpcc.ParseCacheControl(a, b, a, b)
		if diff := cmp.Diff(d, again); diff != "" {
			t.Errorf("%q %q is not idempotent: %s", a, b, diff)
		}
		tail := append(append([]byte{}, a...), ", no-store"...)
		if n := strings.Count(string(a), `"`); n == 0 && !httpcc.ParseCacheControl(tail).NoStore {
			t.Errorf("%q hides a no-store", a)
		}
	})
}
