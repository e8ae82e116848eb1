package sessions

import (
	"net/url"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	f := func(escaped string, want endpoint, token string) {
		t.Helper()
		e, got, ok := parsePath(escaped)
		if e != want || got != token || ok != (want != noEndpoint) {
			t.Errorf("%s: got %v %q %v, want %v %q", escaped, e, got, ok, want, token)
		}
	}
	f("/api/sessions", sessionsEndpoint, "")
	f("/api/sessions/", sessionsEndpoint, "")
	f("/api/segments", segmentsEndpoint, "")
	f("/api/segments/", segmentsEndpoint, "")
	f("/br/api/sessions", sessionsEndpoint, "") // a binding's prefix
	f("/br/loja/api/segments/abc", segmentsEndpoint, "abc")
	f("/api/sessions/.well-known/jwks.json", jwksEndpoint, "")
	f("/br/api/sessions/.well-known/jwks.json", jwksEndpoint, "")

	// Tokens as they come (facts 1.6).
	f("/api/sessions/a.b-c_d", sessionsEndpoint, "a.b-c_d")
	f("/api/sessions/a.b/", sessionsEndpoint, "a.b")
	f("/api/segments/abc==", segmentsEndpoint, "abc==")
	f("/api/segments/abc%3D%3d", segmentsEndpoint, "abc==")
	f("/api/segments/a%2Fb%2Bc", segmentsEndpoint, "a/b+c")
	f("/api/segments/a/b+c", segmentsEndpoint, "a/b+c")
	f("/api/sessions/a%2Fb", sessionsEndpoint, "a/b")
	f("/api/sessions/%zz", sessionsEndpoint, "%zz")

	// A prefix may look like an endpoint; the last one counts.
	f("/api/sessionsx/api/sessions/t", sessionsEndpoint, "t")
	f("/api/segments/x/api/sessions", sessionsEndpoint, "")
	f("/api/sessions/x/api/segments/t", segmentsEndpoint, "t")

	f("/", noEndpoint, "")
	f("", noEndpoint, "")
	f("/api/session", noEndpoint, "")
	f("/api/sessionsx", noEndpoint, "")
	f("/api/sessions/a/b", noEndpoint, "")
	f("/api%2Fsessions", noEndpoint, "")
	f("/xapi/sessions", noEndpoint, "")
	f("/_aisle/ready", noEndpoint, "")
}

func TestEndpointString(t *testing.T) {
	seen := map[string]bool{}
	for e := noEndpoint; e <= endpoints; e++ {
		word := e.String()
		if word == "" || word != strings.ToLower(word) || seen[word] {
			t.Errorf("endpoint %d is %q", e, word)
		}
		seen[word] = true
	}
	if (endpoints + 7).String() != "unknown" {
		t.Error("a value out of range is not unknown")
	}
}

func TestPartString(t *testing.T) {
	seen := map[string]bool{}
	for p := range parts + 1 {
		word := p.String()
		if word == "" || word != strings.ToLower(word) || strings.ContainsAny(word, " _") || seen[word] {
			t.Errorf("part %d is %q", p, word)
		}
		seen[word] = true
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"/api/sessions", "/br/api/segments/a%2Fb==", "/api/sessions/%zz", "/api/sessions/.well-known/jwks.json", "//api/sessions//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		e, token, ok := parsePath(escaped)
		switch {
		case ok != (e != noEndpoint):
			t.Fatalf("%q: %v and %v", escaped, e, ok)
		case !ok && token != "":
			t.Fatalf("%q: a token of nothing", escaped)
		case e == sessionsEndpoint && token != "":
			// What a client escapes comes back as it was, whatever the prefix.
			again, back, _ := parsePath("/x/api/sessions/" + url.PathEscape(token))
			if again != sessionsEndpoint || back != token && token != jwksPath {
				t.Fatalf("%q: %q came back as %q", escaped, token, back)
			}
		}
	})
}
