package sessions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions"
)

func TestParseBackendKeys(t *testing.T) {
	keys, err := sessions.ParseBackendKeys([]byte("# who may\n\nerp 0123456789abcdef\r\n  crm   fedcba9876543210 \n"))
	if err != nil || len(keys) != 2 || keys[0].ID() != "erp" || keys[1].ID() != "crm" {
		t.Errorf("%v, %v", keys, err)
	}
	f := func(text, want string) {
		t.Helper()
		_, err := sessions.ParseBackendKeys([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%q: the secret is in the error", text)
		}
	}
	f("", "no key")
	f("# nothing\n", "no key")
	f("0123456789abcdef", "line 1: 1 words")
	f("erp 0123456789abcdef x", "line 1: 3 words")
	f("erp 0123456789abcde", "has 15 bytes")
	f("a:b 0123456789abcdef", "no colon")
	f(strings.Repeat("i", 33)+" 0123456789abcdef", "1 to 32 bytes")
	f("erp 0123456789abcdef\nerp 0123456789abcdeg\nx", "line 2: key id \"erp\" is there twice\nline 3: 1 words")
}

func TestBackendKeyPrintsNoSecret(t *testing.T) {
	keys, err := sessions.ParseBackendKeys([]byte("erp 0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, keys[0]); got != "backend key erp" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

// TestNoBackends: without keys nobody is one, not even by the zero key.
func TestNoBackends(t *testing.T) {
	r := newRig(t, func(o *options) { o.http.Backends = []sessions.BackendKey{{}} })
	for _, credential := range []string{":", "", "erp:", testBackend} {
		r.do("DELETE", "/api/sessions/11111111-2222-4333-8444-555555555555", "", "X-Aisle-Backend-Key", credential).fault(401, "Unauthorized")
	}
}

func FuzzParseBackendKeys(f *testing.F) {
	f.Add([]byte("erp 0123456789abcdef\n# x\n"))
	f.Add([]byte("a b c\n\n:"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := sessions.ParseBackendKeys(text)
		if (err == nil) == (len(keys) == 0) {
			t.Fatalf("%q: %d keys, %v", text, len(keys), err)
		}
		for _, k := range keys {
			if k.ID() == "" || strings.Contains(k.ID(), ":") {
				t.Fatalf("%q: id %q", text, k.ID())
			}
		}
	})
}
