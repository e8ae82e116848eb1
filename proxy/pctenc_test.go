package proxy

import (
	"fmt"
	"net/url"
	"testing"
)

func TestEscapeAt(t *testing.T) {
	f := func(text string, at int, want byte, ok bool) {
		t.Helper()
		if got, is := escapeAt([]byte(text), at); is != ok || ok && got != want {
			t.Errorf("%q at %d: got %q, %v", text, at, got, is)
		}
	}
	f("%41", 0, 'A', true)
	f("x%aF", 1, 0xaf, true)
	f("%Fa%", 0, 0xfa, true)
	f("%00", 0, 0, true)
	f("41%", 0, 0, false)
	f("%4", 0, 0, false)
	f("%", 0, 0, false)
	f("%g1", 0, 0, false)
	f("%1g", 0, 0, false)
	f("% 1", 0, 0, false)
	f("%%41", 0, 0, false)
}

// Every byte comes back from its escape, which is what net/url reads too.
func TestEscapesOfAllBytes(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		text := string(appendEscape(nil, c))
		if want := fmt.Sprintf("%%%02X", i); text != want {
			t.Errorf("got %s, want %s", text, want)
		}
		back, ok := escapeAt([]byte(text), 0)
		if !ok || back != c {
			t.Errorf("%s: %q, %v", text, back, ok)
		}
		plain, err := url.PathUnescape(string(appendDecodedByte(nil, c)))
		if err != nil || plain != string([]byte{c}) {
			t.Errorf("%s: %q, %v", text, plain, err)
		}
	}
}

// The classes of RFC 3986 by its own words.
func TestByteClasses(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		plain := alnum || c == '-' || c == '.' || c == '_' || c == '~'
		if unreserved[c] != plain {
			t.Errorf("%q: unreserved %v", c, unreserved[c])
		}
		reserved := false
		switch c {
		case '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@', '/':
			reserved = true
		}
		if pathBytes[c] != (plain || reserved) {
			t.Errorf("%q: in a path %v", c, pathBytes[c])
		}
	}
}
