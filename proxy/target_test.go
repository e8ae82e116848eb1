package proxy

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
)

func TestCanonicalPath(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		got, reason := canonicalTarget(nil, []byte(raw), false)
		if reason != cache.ReasonNone || string(got.path) != want {
			t.Errorf("%q: got %q, %s; want %q", raw, got.path, reason, want)
		}
	}
	f("/", "/")
	f("/shirt/p", "/shirt/p")
	f("/shirt/p/", "/shirt/p/")
	f("//", "//")
	f("/a//b", "/a//b") // double slashes stay
	f("//evil.example/x", "//evil.example/x")
	f("/%7euser/%41%2d%5F%2e", "/~user/A-_.")
	f("/a%2fb%3a", "/a%2Fb%3A") // reserved stays encoded
	f("/caf\xc3\xa9", "/caf%C3%A9")
	f("/caf%c3%a9", "/caf%C3%A9")
	f("/a\"<>^`{|}[]", "/a%22%3C%3E%5E%60%7B%7C%7D%5B%5D")
	f("/camisa%20azul", "/camisa%20azul")
	f("/!$&'()*+,;=:@", "/!$&'()*+,;=:@")
	f("/%2541", "/%2541") // decoded once only
	f("/%252e%252e/x", "/%252e%252e/x")
	f("/.well-known/x", "/.well-known/x")
	f("/a/...", "/a/...")
	f("/a/..b/.c", "/a/..b/.c")
	f("/a/./b/../c", "/a/c")
	f("/a/b/..", "/a/")
	f("/a/.", "/a/")
	f("/.", "/")
	f("/a/..", "/")
	f("/a/%2e%2E/b", "/b")
	f("/a/%2e/b", "/a/b")
	f("/a/.%2e/b", "/b")
	f("/a//../b", "/a/b")
	f("/a/..//b", "//b")
	f("/a;x=1/p", "/a;x=1/p")
	f("/a%2F..b", "/a%2F..b")
}

func TestRefusedTargets(t *testing.T) {
	f := func(raw string) {
		t.Helper()
		if got, reason := canonicalTarget(nil, []byte(raw), false); reason != cache.ReasonBadTarget || got.path != nil || got.query != nil {
			t.Errorf("%q: got %q, %s", raw, got.path, reason)
		}
	}
	for _, raw := range []string{
		"", "*", "x", "shop.example:443", "ftp://h/", "http:/x", "http:///x", "https://?x", "://h/", "htt://h/x", "?x",
		"/a b", "/a\x00", "/a%00", "/a%0a", "/a%0D%0aX", "/a%7f", "/a\x7f", "/a\tb", "/a\\b", "/a%5cb", "/a%5C", "/a#b", "/#",
		"/%", "/%4", "/%4g", "/%g4", "/a%%41",
		"/..", "/a/../..", "/../a", "/%2e%2e", "/./..",
		"/a/..%2fb", "/a/%2e%2e%2Fb", "/a/..;x", "/a/..;/b", "/a/.;x/b", "/a%2f..", "/a%2F.%2Fb", "/a/..%3bx", "/a/x%2f%2e%2e%2fy",
		"/?a b", "/?a#b", "/?%", "/?%4", "/?%zz", "/?%00", "/?\x01",
		"/" + strings.Repeat("a", maxTarget), "/" + strings.Repeat("\xc3", maxTarget/2),
	} {
		f(raw)
	}
}

func TestTargetForms(t *testing.T) {
	f := func(raw string, options bool, path, query, authority, scheme string) {
		t.Helper()
		got, reason := canonicalTarget([]byte("kept"), []byte(raw), options)
		if reason != cache.ReasonNone {
			t.Fatalf("%q: %s", raw, reason)
		}
		if string(got.path) != path || string(got.query) != query || string(got.authority) != authority || got.scheme != scheme {
			t.Errorf("%q: got %q %q %q %q", raw, got.path, got.query, got.authority, got.scheme)
		}
	}
	f("/x?a=1", false, "/x", "a=1", "", "")
	f("/x?a?b", false, "/x", "a?b", "", "")
	f("/x?a=%0a&b=\\&c=%5c&[]=\xc3", false, "/x", "a=%0a&b=\\&c=%5c&[]=\xc3", "", "") // as it came
	f("http://Shop.example/x?y", false, "/x", "y", "Shop.example", "http")
	f("HTTPS://h:8443", false, "/", "", "h:8443", "https")
	f("http://h?x", false, "/", "x", "h", "http")
	f("http://u@h/", false, "/", "", "u@h", "http") // the host is judged elsewhere
	f("*", true, "*", "", "", "")
	f("http://h", true, "*", "", "h", "http")
	f("http://h/", true, "/", "", "h", "http")
	f("http://h?", true, "/", "", "h", "http")
}

func TestQueryPresence(t *testing.T) {
	f := func(raw string, want bool) {
		t.Helper()
		got, _ := canonicalTarget(nil, []byte(raw), false)
		if has := got.query != nil; has != want {
			t.Errorf("%q: has a query: %v", raw, has)
		}
	}
	f("/x", false)
	f("/x?", true)
	f("/x?a", true)
}

// targetText draws targets that lean to what is difficult.
func targetText() *rapid.Generator[string] {
	piece := rapid.SampledFrom([]string{"/", "/", "/", ".", "..", "%2e", "%2E", "%2f", "%2F", "%41", "%7e", "%25", "%c3", "a", "b;x", "~", "\xc3\xa9", "[", "p", "%20", "?", "q=1", "&"})
	return rapid.Custom(func(t *rapid.T) string {
		return "/" + strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
	})
}

func TestTargetIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := targetText().Draw(t, "raw")
		once, reason := canonicalTarget(nil, []byte(raw), false)
		if reason != cache.ReasonNone {
			return
		}
		twice, reason := canonicalTarget(nil, once.path, false)
		if reason != cache.ReasonNone || !bytes.Equal(once.path, twice.path) {
			t.Fatalf("%q: first %q, then %q (%s)", raw, once.path, twice.path, reason)
		}
	})
}

// reference resolves a path by RFC 3986 on strings: an oracle for what may be
// merged, and no more.
func reference(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			v, _ := escapeAt([]byte(path), i)
			i += 2
			if strings.IndexByte(unreservedBytes, v) >= 0 {
				b.WriteByte(v)
			} else {
				b.WriteString(strings.ToUpper(path[i-2 : i+1]))
			}
			continue
		}
		if strings.IndexByte(unreservedBytes+"!$&'()*+,;=:@/", c) < 0 {
			b.WriteString(strings.ToUpper("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15])))
			continue
		}
		b.WriteByte(c)
	}
	var out []string
	segments := strings.Split(b.String()[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case "..":
			out = out[:len(out)-1]
			if last {
				out = append(out, "")
			}
		case ".":
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/")
}

func TestTargetMergesOnlyByTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := targetText().Draw(t, "raw")
		got, reason := canonicalTarget(nil, []byte(raw), false)
		if reason != cache.ReasonNone {
			return
		}
		path, _, _ := strings.Cut(raw, "?")
		if want := reference(path); string(got.path) != want {
			t.Fatalf("%q: got %q, want %q", raw, got.path, want)
		}
	})
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/", "/a/../b?x=1", "http://h/%2e%2e%2f", "*", "/%", "/a;x/..;y", "https://h?%00"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, options bool) {
		got, reason := canonicalTarget(nil, raw, options)
		if reason != cache.ReasonNone {
			if reason != cache.ReasonBadTarget {
				t.Fatalf("%q: reason %s", raw, reason)
			}
			return
		}
		if string(got.path) == "*" {
			return
		}
		if got.path[0] != '/' || len(got.path) > maxTarget {
			t.Fatalf("%q: path %q", raw, got.path)
		}
		for i, c := range got.path {
			if !pathBytes[c] && c != '%' {
				t.Fatalf("%q: path %q has %q at %d", raw, got.path, c, i)
			}
		}
		for _, s := range strings.FieldsFunc(strings.ReplaceAll(string(got.path), "%2F", "/"), func(r rune) bool { return r == '/' }) {
			if s == "." || s == ".." || strings.HasPrefix(s, "..;") {
				t.Fatalf("%q: path %q climbs", raw, got.path)
			}
		}
	})
}

func TestTargetAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 512)
	raws := [][]byte{[]byte("/shirt/p?x=1"), []byte("/a/%7e/../caf\xc3\xa9;x?y=%20"), []byte("https://h/x?y")}
	if n := testing.AllocsPerRun(100, func() {
		for _, raw := range raws {
			if _, reason := canonicalTarget(buf, raw, false); reason != cache.ReasonNone {
				t.Fatal(reason)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Each byte alone in a path, raw and encoded: kept, encoded, decoded or refused.
func TestEveryByteInAPath(t *testing.T) {
	check := func(raw, want string, refused bool) {
		t.Helper()
		got, reason := canonicalTarget(nil, []byte(raw), false)
		if (reason != cache.ReasonNone) != refused || !refused && string(got.path) != want {
			t.Errorf("%q: got %q, %s; want %q, refused %v", raw, got.path, reason, want, refused)
		}
	}
	for i := range 256 {
		c := byte(i)
		if c == '?' || c == '%' || c == '/' {
			continue // not alone
		}
		control := c < 0x20 || c == 0x7f
		escape := string(appendEscape(nil, c))
		switch raw := "/x" + string([]byte{c}); {
		case control || c == ' ' || c == '\\' || c == '#':
			check(raw, "", true)
		case strings.IndexByte(unreservedBytes+"!$&'()*+,;=:@", c) >= 0:
			check(raw, raw, false)
		default:
			check(raw, "/x"+escape, false)
		}
		switch {
		case control || c == '\\':
			check("/x"+escape, "", true)
		case strings.IndexByte(unreservedBytes, c) >= 0:
			check("/x"+strings.ToLower(escape), "/x"+string([]byte{c}), false)
		default:
			check("/x"+strings.ToLower(escape), "/x"+escape, false)
		}
	}
}
