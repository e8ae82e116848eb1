package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// prefixed is an edge one route of which strips `/shop`, in front of an origin that
// answers with what it was asked for.
func prefixed(t *testing.T, scope cache.Scope, change ...func(*setup)) *rig {
	t.Helper()
	return newRig(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, q.RequestURI+" under "+q.Header.Get("X-Forwarded-Prefix"))
	}, append(change, func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/**"}, Scope: scope, StripPrefix: "/shop"}}
	})...)
}

// TestStripPrefix: the prefix leaves the target where it is one, and then the origin is
// told of it; on every scope alike.
func TestStripPrefix(t *testing.T) {
	for _, scope := range []cache.Scope{cache.ScopePublic, cache.ScopeSegment, cache.ScopePrivate} {
		r := prefixed(t, scope)
		f := func(target, want string) {
			t.Helper()
			if a := r.get(target, "X-Forwarded-Prefix: /forged"); a.Status != 200 || a.Body != want {
				t.Errorf("%s scope, %s: %d %q, want %q", scope, target, a.Status, a.Body, want)
			}
		}
		f("/shop/a/p?x=1", "/a/p?x=1 under /shop")
		f("/shop", "/ under /shop")
		f("/shop/", "/ under /shop")
		f("/shop?x=1", "/?x=1 under /shop")
		f("/shop//a", "//a under /shop")
		f("/shop/shop/a", "/shop/a under /shop")
		f("/sh%6fp/a", "/a under /shop")
		f("/x/../shop/b", "/b under /shop")
		f("/shopping/a", "/shopping/a under ")
		f("/a/shop/b", "/a/shop/b under ")
		f("/SHOP/a", "/SHOP/a under ")
		f("/shop%2Fa", "/shop%2Fa under ")
	}
}

// TestStripPrefixKeepsKeysApart: the key is of the shopper's target, so pages that
// the origin would be asked for with the same one are two.
func TestStripPrefixKeepsKeysApart(t *testing.T) {
	r := prefixed(t, cache.ScopePublic)
	f := func(target, want string, fetches int) {
		t.Helper()
		a := r.get(target)
		if n := len(r.requests()); a.Body != want || n != fetches {
			t.Errorf("%s: %q after %d fetches, want %q after %d", target, a.Body, n, want, fetches)
		}
	}
	f("/shop/a", "/a under /shop", 1)
	f("/shop/a", "/a under /shop", 1)
	f("/a", "/a under ", 2)
	f("/shop/a", "/a under /shop", 2)
	r.engine.Purge(false, cache.URLLabel("shop.example", "/a"))
	f("/shop/a", "/a under /shop", 2)
	r.engine.Purge(false, cache.URLLabel("shop.example", "/shop/a"))
	f("/shop/a", "/a under /shop", 3)
}

// TestStripPrefixOnAPass: an upload goes without the prefix too, and there is one field
// that tells of it, whatever a trusted proxy says.
func TestStripPrefixOnAPass(t *testing.T) {
	r := prefixed(t, cache.ScopeSegment, func(s *setup) {
		s.options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	r.do("POST", "/shop/cart", "x", "X-Forwarded-Prefix: /outer")
	r.do("POST", "/cart", "x", "X-Forwarded-Prefix: /outer")
	var got []string
	for _, q := range r.requests() {
		got = append(got, q.URI+" "+q.Body)
		got = append(got, q.Header["X-Forwarded-Prefix"]...)
	}
	if diff := cmp.Diff([]string{"/cart x", "/shop", "/cart x"}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestStripPrefixLeavesRedirects: what an origin says of places is its own.
func TestStripPrefixLeavesRedirects(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/shop/b")
		w.Header().Set("Content-Location", "/c")
		w.WriteHeader(http.StatusFound)
	}, func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/shop/**"}, Scope: cache.ScopeSegment, StripPrefix: "/shop"}}
	})
	if a := r.get("/shop/a"); a.Header.Get("Location") != "/shop/b" || a.Header.Get("Content-Location") != "/c" {
		t.Errorf("Location %q, Content-Location %q", a.Header.Get("Location"), a.Header.Get("Content-Location"))
	}
}

func TestStripPrefixFaults(t *testing.T) {
	f := func(prefix, want string) {
		t.Helper()
		o := defaultSetup(t).options
		o.Routes = []proxy.Route{{Match: proxy.Match{Path: "/**"}, StripPrefix: prefix}}
		_, err := proxy.Describe(o)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", prefix, got, want)
		}
	}
	f("", "")
	f("/shop", "")
	f("/caf%C3%A9/x", "")
	f("shop", "routes[0].rewrite.strip_prefix: \"shop\" does not begin with `/`, or ends with one")
	f("/", "routes[0].rewrite.strip_prefix: \"/\" does not begin with `/`, or ends with one")
	f("/shop/", "routes[0].rewrite.strip_prefix: \"/shop/\" does not begin with `/`, or ends with one")
	f("/sh%6fp", `routes[0].rewrite.strip_prefix: "/sh%6fp" stands as "/shop" in a request`)
	f("/a/../b", `routes[0].rewrite.strip_prefix: "/a/../b" stands as "/b" in a request`)
	f("/café", `routes[0].rewrite.strip_prefix: "/café" stands as "/caf%C3%A9" in a request`)
	f("/a?b", `routes[0].rewrite.strip_prefix: "/a?b" is not a path`)
	f("/a b", `routes[0].rewrite.strip_prefix: "/a b" is not a path`)
	f("/%00", `routes[0].rewrite.strip_prefix: "/%00" is not a path`)
}
