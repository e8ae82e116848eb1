package proxy

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGlob(t *testing.T) {
	f := func(pattern string, want bool, paths ...string) {
		t.Helper()
		g, err := parseGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			if got := g.matches([]byte(p)); got != want {
				t.Errorf("%s matches %q: %v", pattern, p, got)
			}
		}
	}
	f("/", true, "/")
	f("/", false, "/a", "//", "*", "")
	f("/**", true, "/", "/a", "/a/", "/a/b/c", "//")
	f("/x/**", true, "/x", "/x/", "/x/a", "/x/a/b", "/x//")
	f("/x/**", false, "/", "/xa", "/a/x", "/X")
	f("/**/p", true, "/shirt/p", "/a/b/p", "/p", "//p")
	f("/**/p", false, "/shirt/p/", "/shirt/pp", "/p/a", "/shirt")
	f("/a/**/b/**/c", true, "/a/b/c", "/a/x/b/y/z/c", "/a/b/b/c", "/a/b/c/c")
	f("/a/**/b/**/c", false, "/a/c", "/a/b", "/a/c/b", "/a/b/c/d")
	f("/**/**", true, "/", "/a/b")
	f("/a/*", true, "/a/b", "/a/")
	f("/a/*", false, "/a", "/a/b/c")
	f("/*/p", true, "/shirt/p", "//p")
	f("/*/p", false, "/p", "/a/b/p")
	f("/*.css", true, "/a.css", "/.css", "/a.b.css")
	f("/*.css", false, "/a.cssx", "/a/b.css", "/css")
	f("/a*b*c", true, "/abc", "/aXbYc", "/abbc", "/abcbc")
	f("/a*b*c", false, "/ac", "/acb", "/abcd")
	f("/ab*ba", true, "/abba", "/abxba")
	f("/ab*ba", false, "/aba") // one b cannot be both
	f("/caf%c3%a9/%7e", true, "/caf%C3%A9/~")
	f("/caf\xc3\xa9", true, "/caf%C3%A9")
	f("/a[1]", true, "/a%5B1%5D")
	f("/a%2a", true, "/a%2A")
	f("/a%2a", false, "/a*", "/ab")
	f("/a;b", true, "/a;b")
}

func TestBadGlobs(t *testing.T) {
	f := func(pattern string) {
		t.Helper()
		if g, err := parseGlob(pattern); err == nil || !strings.Contains(err.Error(), strings.Split(pattern, "\x00")[0]) {
			t.Errorf("%q: %v, %v", pattern, g, err)
		}
	}
	f("")
	f("x")
	f("**")
	f("/x?y")
	f("/x#y")
	f("/a**")
	f("/**b")
	f("/***")
	f("/a b")
	f("/a%4")
	f("/a%00")
	f("/a\x00")
	f("/a/../b")
	f("/a/%2e")
	f("/a/..;x")
	f("/a/..%2fb")
}

// The oracle is a regular expression over whole paths.
func globRegexp(pattern string) *regexp.Regexp {
	var b strings.Builder
	for _, s := range strings.Split(pattern[1:], "/") {
		if s == "**" {
			b.WriteString("(?:/[^/]*)*")
			continue
		}
		b.WriteString("/" + strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, "[^/]*"))
	}
	return regexp.MustCompile("^" + b.String() + "$")
}

func TestGlobAgreesWithRegexp(t *testing.T) {
	segments := rapid.SliceOfN(rapid.SampledFrom([]string{"**", "**", "*", "a", "b", "a*", "*a", "a*b", "*a*b*", ""}), 1, 5)
	names := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,4}`), 1, 6)
	rapid.Check(t, func(t *rapid.T) {
		pattern := "/" + strings.Join(segments.Draw(t, "pattern"), "/")
		path := "/" + strings.Join(names.Draw(t, "path"), "/")
		g, err := parseGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		want := globRegexp(pattern).MatchString(path)
		if got := g.matches([]byte(path)); got != want {
			t.Fatalf("%s on %q: got %v, want %v", pattern, path, got, want)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("/**/p", []byte("/a/p"))
	f.Add("/a*b/%7e", []byte("/ab/~"))
	f.Add("/%2a/*;x", []byte("//"))
	f.Fuzz(func(t *testing.T, pattern string, path []byte) {
		g, err := parseGlob(pattern)
		if err != nil {
			return
		}
		got := g.matches(path)
		if got && (len(path) == 0 || path[0] != '/') {
			t.Fatalf("%q matches %q", pattern, path)
		}
		if !strings.Contains(pattern, "*") {
			canonical, _ := appendPath(nil, []byte(pattern))
			if got != (string(canonical) == string(path)) {
				t.Fatalf("%q without a star matches %q: %v", pattern, path, got)
			}
		}
	})
}
