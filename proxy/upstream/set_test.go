package upstream_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
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

// TestNextSharesWhatStays: over a reload an upstream with the same options keeps its
// connections, and is closed with the last set that has it; another one is made anew.
func TestNextSharesWhatStays(t *testing.T) {
	var conns atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	stays := upstream.Options{Name: "a", Servers: []string{s.URL}}
	first, err := upstream.NewSet("a", stays, upstream.Options{Name: "b", Servers: []string{"http://10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	next := func(from *upstream.Set, o upstream.Options) *upstream.Set {
		t.Helper()
		set, err := from.Next("", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(set.Close)
		return set
	}
	f := func(step string, set *upstream.Set, want int64) {
		t.Helper()
		resp, err := set.Fetch(t.Context(), get("/"))
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if n := conns.Load(); n != want {
			t.Errorf("%s: %d connections so far, want %d", step, n, want)
		}
	}
	f("first", first, 1)
	second := next(first, upstream.Options{Name: "a", Servers: []string{s.URL}})
	f("the second shares", second, 1)
	f("and so does the first still", first, 1)
	first.Close()
	first.Close() // of no effect, or the second would be closed with it
	f("the first is closed", second, 1)
	changed := stays
	changed.MaxConnections = 7
	third := next(second, changed)
	f("other options", third, 2)
	second.Close()
	_, err = second.Fetch(t.Context(), get("/"))
	wantReason(t, err, cache.ReasonNoUpstream)
	fourth := next(second, stays)
	f("after what was closed", fourth, 3)
}
