package upstream_test

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream"
)

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	})}
	go server.Serve(l)
	defer server.Close()
	u := open(t, upstream.Options{Name: "storefront", Servers: []string{"unix:" + path}, Health: upstream.Health{Path: "/healthz"}})
	for range 2 {
		resp, err := u.Fetch(t.Context(), get("/p"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "shop.example/p" || resp.Server != path {
			t.Errorf("%q from %q, %v", body, resp.Server, err)
		}
	}
	server.Close()
	_, err = u.Fetch(t.Context(), get("/p"))
	wantReason(t, err, cache.ReasonConnect)
}

func TestUnixSocketNames(t *testing.T) {
	f := func(want string, servers ...string) {
		t.Helper()
		err := upstream.Options{Name: "x", Servers: servers}.Validate()
		if got := errorText(err); got != want {
			t.Errorf("%q: %q instead of %q", servers, got, want)
		}
	}
	f("", "unix:/run/a.sock", "unix:/run/b.sock", "http://unix")
	f("", "unix:run/a.sock")
	f(`upstreams.x.servers[0]: "unix:" is not unix:/path`, "unix:")
	f(`upstreams.x.servers[1]: "unix:/a" is the same server as servers[0]`, "unix:/a", "unix:/a")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
