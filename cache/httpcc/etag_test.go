package httpcc_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

// tags writes parsed tags back, so that cases read as they are sent.
func tags(parsed []httpcc.ETag) []string {
	var out []string
	for _, tag := range parsed {
		text := `"` + string(tag.Opaque) + `"`
		if tag.Weak {
			text = "W/" + text
		}
		out = append(out, text)
	}
	return out
}

func TestParseETag(t *testing.T) {
	f := func(in, wantOpaque string, wantWeak, wantOK bool) {
		t.Helper()
		tag, ok := httpcc.ParseETag([]byte(in))
		if string(tag.Opaque) != wantOpaque || tag.Weak != wantWeak || ok != wantOK || ok != (tag.Opaque != nil) {
			t.Errorf("ParseETag(%q) = %+v, %t; want %q, weak %t, %t", in, tag, ok, wantOpaque, wantWeak, wantOK)
		}
	}
	f(`"xyzzy"`, "xyzzy", false, true)
	f(`W/"xyzzy"`, "xyzzy", true, true)
	f(`""`, "", false, true)
	f(`W/""`, "", true, true)
	f("\t\"a\" ", "a", false, true)
	f(`"a,b"`, "a,b", false, true)
	f(`"a\"`, `a\`, false, true)
	f("\"\xff\x80\"", "\xff\x80", false, true)
	f(`"W/"`, "W/", false, true)
	f("", "", false, false)
	f("xyzzy", "", false, false)
	f("*", "", false, false)
	f(`w/"a"`, "", false, false)
	f(`W/a`, "", false, false)
	f(`W/`, "", false, false)
	f(`W /"a"`, "", false, false)
	f(`W/W/"a"`, "", false, false)
	f(`"a`, "", false, false)
	f(`a"`, "", false, false)
	f(`"`, "", false, false)
	f(`"a"b`, "", false, false)
	f(`"a", "b"`, "", false, false)
	f(`"a b"`, "", false, false)
	f("\"a\x00\"", "", false, false)
	f("\"a\x7f\"", "", false, false)
	f(`'a'`, "", false, false)
}

// The table of RFC 9110 section 8.8.3.2, and what is no tag.
func TestETagComparison(t *testing.T) {
	f := func(a, b string, wantStrong, wantWeak bool) {
		t.Helper()
		x, _ := httpcc.ParseETag([]byte(a))
		y, _ := httpcc.ParseETag([]byte(b))
		if x.StrongMatch(y) != wantStrong || y.StrongMatch(x) != wantStrong || x.WeakMatch(y) != wantWeak || y.WeakMatch(x) != wantWeak {
			t.Errorf("%s and %s: strong %t, weak %t; want %t, %t", a, b, x.StrongMatch(y), x.WeakMatch(y), wantStrong, wantWeak)
		}
	}
	f(`W/"1"`, `W/"1"`, false, true)
	f(`W/"1"`, `W/"2"`, false, false)
	f(`W/"1"`, `"1"`, false, true)
	f(`"1"`, `"1"`, true, true)
	f(`"1"`, `"2"`, false, false)
	f(`"a"`, `"A"`, false, false)
	f(`""`, `""`, true, true)
	f(`""`, `rubbish`, false, false)
	f(`rubbish`, `rubbish`, false, false)
}

func TestParseETags(t *testing.T) {
	f := func(in string, wantStar bool, want ...string) {
		t.Helper()
		got, star := httpcc.ParseETags(lines(in)...)
		if diff := cmp.Diff(want, tags(got)); diff != "" || star != wantStar {
			t.Errorf("ParseETags(%q): star %t, want %t (-want +got)\n%s", in, star, wantStar, diff)
		}
	}
	f("", false)
	f("*", true)
	f("\t* ", true)
	f(`"a"`, false, `"a"`)
	f(`"a", W/"b" ,"c"`, false, `"a"`, `W/"b"`, `"c"`)
	f(`,, "a" ,,`, false, `"a"`)
	f("\"a\"\nW/\"b\"", false, `"a"`, `W/"b"`)
	f(`"a,b", "c"`, false, `"a,b"`, `"c"`)
	f(`"a\", "b"`, false, `"a\"`, `"b"`)
	f(`"", W/""`, false, `""`, `W/""`)
	f("*\n\"a\"", true, `"a"`)

	f(`"a", *`, false, `"a"`)
	f(`*, "a"`, false, `"a"`)
	f(`abc, "x"`, false, `"x"`)
	f(`"a"b, "x"`, false, `"x"`)
	f(`"a" "b", "x"`, false, `"x"`)
	f(`W/abc, w/"d", "x"`, false, `"x"`)
	f(`abc"d,e", "x"`, false, `"x"`)
	f(`"a b", "x"`, false, `"x"`)
	f(`"x", "abc`, false, `"x"`)
	f(`"abc, "x"`, false)
	f(`"abc, x, y`, false)
	f("\"abc\n\"x\"", false, `"x"`)
	f(`"a";"b"`, false)
}

func TestMatchNone(t *testing.T) {
	f := func(in, etag string, want bool) {
		t.Helper()
		if got := httpcc.MatchNone(lines(in), []byte(etag)); got != want {
			t.Errorf("MatchNone(%q, %q) = %t, want %t", in, etag, got, want)
		}
	}
	f(`"a"`, `"a"`, true)
	f(`W/"a"`, `"a"`, true)
	f(`"a"`, `W/"a"`, true)
	f(`W/"a"`, `W/"a"`, true)
	f(`"x", "a"`, `"a"`, true)
	f("\"x\"\n\"a\"", `"a"`, true)
	f(`"x,y", "a"`, `"a"`, true)
	f(`""`, `""`, true)
	f("*", `"a"`, true)
	f("*", "", true)
	f("\"x\"\n*", "", true)

	f("", `"a"`, false)
	f(`"b"`, `"a"`, false)
	f(`"A"`, `"a"`, false)
	f(`"x,a"`, `"a"`, false)
	f(`"x, "a", y"`, `"a"`, false)
	f(`a`, `"a"`, false)
	f(`a`, `a`, false)
	f(`""`, ``, false)
	f(`"a"b`, `"a"`, false)
	f(`"a", *`, `"z"`, false)
	f(`"*"`, `"a"`, false)
	if httpcc.MatchNone(nil, []byte(`"a"`)) {
		t.Error("MatchNone matches no line at all")
	}
}

func TestMatchNoneDoesNotAllocate(t *testing.T) {
	field, etag := lines("\"x\", W/\"y,z\"\n\"abc\""), []byte(`W/"abc"`)
	matched := false
	if n := testing.AllocsPerRun(100, func() { matched = httpcc.MatchNone(field, etag) }); n != 0 || !matched {
		t.Errorf("MatchNone allocates %v times, matched %t", n, matched)
	}
	one := field[1]
	if n := testing.AllocsPerRun(100, func() { matched = httpcc.MatchNone([][]byte{one}, etag) }); n != 0 || !matched {
		t.Errorf("MatchNone of a literal allocates %v times, matched %t", n, matched)
	}
}

func TestETagsRoundTrip(t *testing.T) {
	tag := rapid.StringMatching(`(W/)?"[!#-~\x80-\xff]{0,8}"`)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(tag, 1, 6).Draw(t, "tags")
		line := []byte(strings.Join(want, rapid.SampledFrom([]string{",", ", ", " ,, "}).Draw(t, "separator")))
		got, star := httpcc.ParseETags(line)
		if diff := cmp.Diff(want, tags(got)); diff != "" || star {
			t.Errorf("%q: star %t\n%s", line, star, diff)
		}
		if one := rapid.SampledFrom(want).Draw(t, "one"); !httpcc.MatchNone([][]byte{line}, []byte(one)) {
			t.Errorf("%q does not match %q", line, one)
		}
	})
}

func FuzzParseETags(f *testing.F) {
	for _, seed := range []string{`"a", W/"b"`, "*", `"a,b", x`, `"`, `W/"`, `a"b,c"d`} {
		f.Add([]byte(seed), []byte(`"a"`))
	}
	f.Fuzz(func(t *testing.T, line, etag []byte) {
		parsed, star := httpcc.ParseETags(line)
		own, ok := httpcc.ParseETag(etag)
		want := star
		for _, tag := range parsed {
			want = want || ok && tag.WeakMatch(own)
		}
		if got := httpcc.MatchNone([][]byte{line}, etag); got != want {
			t.Errorf("MatchNone(%q, %q) = %t, ParseETags says %t", line, etag, got, want)
		}
		again, _ := httpcc.ParseETags([]byte(strings.Join(tags(parsed), ",")))
		if diff := cmp.Diff(tags(parsed), tags(again)); diff != "" {
			t.Errorf("%q is not idempotent: %s", line, diff)
		}
	})
}
