package upstream_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream"
)

var _ cache.Origin = (*upstream.Set)(nil)

// named is an origin that answers with a word.
func named(t *testing.T, word string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, word) }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestSet(t *testing.T) {
	a := upstream.Options{Name: "a", Servers: []string{named(t, "from a")}}
	b := upstream.Options{Name: "b", Servers: []string{named(t, "from b")}}
	f := func(name, def, ask, want string, options ...upstream.Options) {
		t.Run(name, func(t *testing.T) {
			set, err := upstream.NewSet(def, options...)
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			resp, err := set.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: "/", Upstream: ask})
			if want == "" {
				wantReason(t, err, cache.ReasonNoUpstream)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	f("by name", "a", "b", "from b", a, b)
	f("default", "b", "", "from b", a, b)
	f("the only one", "", "", "from a", a)
	f("unknown", "a", "c", "", a, b)
}

func TestSetZero(t *testing.T) {
	var none upstream.Set
	_, err := none.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"})
	wantReason(t, err, cache.ReasonNoUpstream)
	none.Close()
}

func TestSetFaults(t *testing.T) {
	good := upstream.Options{Name: "a", Servers: []string{"http://h"}}
	f := func(def, want string, options ...upstream.Options) {
		t.Helper()
		_, err := upstream.NewSet(def, options...)
		if err == nil {
			t.Fatalf("no error instead of %q", want)
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	}
	f("", `upstreams: the default upstream "" is not among them`)
	f("", `upstreams: the default upstream "" is not among them`, good, upstream.Options{Name: "b", Servers: []string{"http://h"}})
	f("c", `upstreams: the default upstream "c" is not among them`, good)
	f("a", "upstreams.a: the name is given twice", good, good)
	f("c", "upstreams.a.servers: at least one server is needed\nupstreams.b.servers: at least one server is needed\n"+
		`upstreams: the default upstream "c" is not among them`, upstream.Options{Name: "a"}, upstream.Options{Name: "b"})
}
