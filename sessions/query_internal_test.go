package sessions

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

func deniesFacets(name string) bool { return name == "facets" }

// texts gives the public values of q, which are texts all.
func texts(q query) map[string]string {
	got := map[string]string{}
	for k := range q.public.All() {
		got[k.Name] = q.public.Text(k)
	}
	return got
}

func TestParseQuery(t *testing.T) {
	limits := Limits{Name: 8, Value: 10}.withDefaults()
	f := func(raw string, want map[string]string, denied, broken int) {
		t.Helper()
		got := parseQuery(raw, deniesFacets, limits)
		if diff := cmp.Diff(want, texts(got)); diff != "" || got.denied != denied || got.broken != broken || got.hasItems {
			t.Errorf("%q: denied %d, broken %d, items %v (-want +got)\n%s", raw, got.denied, got.broken, got.hasItems, diff)
		}
	}
	type m = map[string]string
	f("", m{}, 0, 0)
	f("sc=2", m{"sc": "2"}, 0, 0)
	f("a=black+fri&b=black%20fri", m{"a": "black fri", "b": "black fri"}, 0, 0)
	f("g=-46.68%2C-2", m{"g": "-46.68,-2"}, 0, 0)
	f("a=1&a=2", m{"a": "2"}, 0, 0)
	f("a=", m{"a": ""}, 0, 0)
	f("a", m{"a": ""}, 0, 0)
	f("a=b=c", m{"a": "b=c"}, 0, 0)
	f("a=%26%3D", m{"a": "&="}, 0, 0)
	f("&&a=1&", m{"a": "1"}, 0, 0)
	f(`a="<\>`, m{"a": `"<\>`}, 0, 0)
	// Names and values that are as long as they may be, and longer.
	f("12345678=1234567890", m{"12345678": "1234567890"}, 0, 0)
	f("123456789=1&a=12345678901&b=1", m{"b": "1"}, 0, 2)
	// Parameters that steer the call (facts 1.5).
	f("an=acme&workspace=master&session_path=&__bindingId=x&supportedLocales=y&sc=1", m{"sc": "1"}, 0, 0)
	// Denied ones, however they are written.
	f("facets=a%3Db%3B&%66acets=x&sc=1", m{"sc": "1"}, 2, 0)
	// Broken ones leave the others alone.
	f("a=%zz&b=%&c=%2&%zz=1&d=1", m{"d": "1"}, 0, 4)
	f("a=%FF&b=%00&=1&%00=1&c=1", m{"c": "1"}, 0, 4)
}

func TestParseQueryItems(t *testing.T) {
	f := func(raw string, has bool, want ...string) {
		t.Helper()
		got := parseQuery(raw, deniesFacets, Limits{}.withDefaults())
		if diff := cmp.Diff(want, got.items); diff != "" || got.hasItems != has || len(got.public) != 0 {
			t.Errorf("%q: hasItems %v, public %v (-want +got)\n%s", raw, got.hasItems, got.public, diff)
		}
	}
	f("", false)
	f("items=", true, "")
	f("items", true, "")
	f("items=store.channel%2Cpublic.x", true, "store.channel,public.x")
	f("items=a.b&items=c.d", true, "a.b", "c.d")
	f("%69tems=a.b", true, "a.b")
	f("items=%zz", false)
}

func TestKeep(t *testing.T) {
	f := func(raw string, n, dropped int, want string) {
		t.Helper()
		q := parseQuery(raw, deniesFacets, Limits{}.withDefaults())
		var names []string
		gone := q.keep(n)
		for k := range q.public.All() {
			names = append(names, k.Name)
		}
		if got := strings.Join(names, " "); got != want || gone != dropped {
			t.Errorf("%q to %d: dropped %d, kept %q; want %d and %q", raw, n, gone, got, dropped, want)
		}
	}
	f("b=1&a=2&c=3", 3, 0, "a b c")
	f("b=1&a=2&c=3", 2, 1, "a b")
	f("b=1&a=", 1, 1, "a") // one that clears is one too
	f("b=1&a=2&c=3", 0, 3, "")
	f("b=1", -5, 1, "")
	f("", 0, 0, "")
}

func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{"", "sc=2&items=a.b", "a=%zz&b=+", "facets=x", "%66acets=1", "a=%00", "a=\xff", "=&=&a", "a=%F0%9F%98%80"} {
		f.Add(seed)
	}
	limits := Limits{Name: 16, Value: 32}.withDefaults()
	f.Fuzz(func(t *testing.T, raw string) {
		q := parseQuery(raw, deniesFacets, limits)
		n := 0
		for k, v := range q.public.All() {
			n++
			text := q.public.Text(k)
			switch {
			case k.Namespace != transform.PublicNamespace || k.Name == "" || len(k.Name) > limits.Name || len(text) > limits.Value:
				t.Fatalf("%q: %v is out of bounds", raw, k)
			case isControl(k.Name) || deniesFacets(k.Name):
				t.Fatalf("%q: %v became public", raw, k)
			case string(transform.TextValue(text)) != string(v):
				t.Fatalf("%q: %s is not the text %q", raw, v, text)
			}
		}
		if n+q.denied+q.broken+len(q.items) > strings.Count(raw, "&")+1 {
			t.Fatalf("%q: more values than pairs", raw)
		}
	})
}
