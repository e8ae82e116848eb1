package proxy

import (
	"strings"
	"testing"
)

// No token that stands in a path is left, and other paths are as they were.
func TestWithoutToken(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(withoutToken([]byte(in))); got != want {
			t.Errorf("%s: %s, not %s", in, got, want)
		}
	}
	f("/api/sessions/eyJhbGciOi.J9.x", "/api/sessions/")
	f("/br/api/sessions/eyJhbGciOi.J9.x", "/br/api/sessions/")
	f("/api/segments/eyJjYW1==", "/api/segments/")
	f("/api/segments/a/api/sessions/eyJ", "/api/segments/")
	f("/api/sessions/a/api/segments/eyJ", "/api/sessions/")
	f("/api/sessions", "/api/sessions")
	f("/api/sessionsX/eyJ", "/api/sessionsX/eyJ")
	f("/p/api/catalog/sessions/eyJ", "/p/api/catalog/sessions/eyJ")
	f("/", "/")
	f("", "")
}

func TestWithoutTokenAllocatesNothing(t *testing.T) {
	path := []byte("/br/api/sessions/" + strings.Repeat("e", 500))
	if n := testing.AllocsPerRun(100, func() { withoutToken(path) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
