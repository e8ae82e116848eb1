package sessions

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

// sample is a session with a value of each kind.
func sample() *Session {
	s := &Session{Values: transform.Values{}, KeepAlive: map[transform.Key]bool{{Namespace: "account", Name: "id"}: true}}
	for name, value := range map[string]string{
		"account.id": `"x"`, "public.sc": `"1"`, "public.list": `[1,"<a>"]`, "public.a.b": `{"c":null}`,
		"store.channel": `"1"`, "cookie.VtexIdclientAutCookie": `"secret"`, "my-app.flag": `false`,
	} {
		namespace, key, _ := strings.Cut(name, ".")
		s.Values.Set(transform.Key{Namespace: namespace, Name: key}, json.RawMessage(value))
	}
	return s
}

func TestItemsView(t *testing.T) {
	f := func(want string, lines ...string) {
		t.Helper()
		items, err := parseItems(lines, 200)
		if err != nil {
			t.Errorf("%q: %v", lines, err)
			return
		}
		text, err := json.Marshal(items.view(sample()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(want, "<a>", `\u003ca\u003e`), string(text)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", lines, diff)
		}
	}
	all := `{"account":{"id":{"value":"x","keepAlive":true}},"my-app":{"flag":{"value":false}},` +
		`"public":{"a.b":{"value":{"c":null}},"list":{"value":[1,"<a>"]},"sc":{"value":"1"}},"store":{"channel":{"value":"1"}}}`
	f(`{}`)
	f(`{}`, "")
	f(`{}`, ",, ,")
	f(all, "*")
	f(all, "*.*")
	f(all, "public.nothing,*")
	f(`{"public":{"sc":{"value":"1"}}}`, "public.sc")
	f(`{"public":{"sc":{"value":"1"}}}`, " public.sc , public.sc ,")
	f(`{"public":{"sc":{"value":"1"}},"store":{"channel":{"value":"1"}}}`, "public.sc,store.channel")
	f(`{"public":{"sc":{"value":"1"}},"store":{"channel":{"value":"1"}}}`, "public.sc", "store.*")
	f(`{"store":{"channel":{"value":"1"}}}`, "store")
	f(`{"public":{"a.b":{"value":{"c":null}}}}`, "public.a.b") // the first dot parts
	// What is not there is absent, its namespace too.
	f(`{}`, "public.nothing,nothing.sc,nothing.*,.sc,sc.,public.SC")
	// Cookies are nobody's to read.
	f(`{}`, "cookie.*", "cookie", "cookie.VtexIdclientAutCookie")
}

func TestItemsLimit(t *testing.T) {
	if _, err := parseItems([]string{"a.b,c.d", "e.f"}, 3); err != nil {
		t.Errorf("3 of 3: %v", err)
	}
	_, err := parseItems([]string{"a.b,c.d", "e.f,g.h"}, 3)
	var fault *Fault
	if !errors.As(err, &fault) || fault.Status != http.StatusBadRequest {
		t.Errorf("4 of 3: %v", err)
	}
}

func FuzzParseItems(f *testing.F) {
	for _, seed := range []string{"", "*", "a.b,c.*", "store.channel, public.x", "cookie.*", ".,..,*.", "a.b.c"} {
		f.Add(seed)
	}
	s := sample()
	f.Fuzz(func(t *testing.T, line string) {
		items, err := parseItems([]string{line}, 50)
		if err != nil {
			if strings.Count(line, ",") < 50 {
				t.Fatalf("%q: %v", line, err)
			}
			return
		}
		for namespace, keys := range items.view(s) {
			if namespace == transform.CookieNamespace || len(keys) == 0 {
				t.Fatalf("%q shows namespace %s with %d keys", line, namespace, len(keys))
			}
			if !strings.Contains(line, namespace) && !strings.Contains(line, "*") {
				t.Fatalf("%q shows %s", line, namespace)
			}
		}
	})
}
