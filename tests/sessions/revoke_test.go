package sessions_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
	"github.com/aislecache/aisle/tests/rig"
)

// TestRevokeAtAnEdge ends a session and its seals there at once, wherever the sidecar is.
func TestRevokeAtAnEdge(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		const product, gold, listed = "/table-lamp-aurora/p", "R$ 143,57", "R$ 168,90"
		a := raw(t, s.first(), "POST /api/sessions HTTP/1.1\nHost: shop.example\nContent-Type: application/json\n\n"+`{"public":{"email":{"value":"gold@acme.example"}}}`).want(201)
		token := a.cookies["vtex_session"]
		sees := func(cookies, want string) {
			t.Helper()
			if r := rig.Get(t, s.first().URL+product, "Cookie: "+cookies); !strings.Contains(r.Body, want) {
				t.Errorf("no %s: %s", want, r.CacheStatus())
			}
		}
		seal := "vtex_segment=" + a.cookies["vtex_segment"] + "; aisle_seal=" + a.cookies["aisle_seal"]
		all := seal + "; vtex_session=" + token
		sees(seal, gold)
		sees(all, gold)
		answer, err := rig.Fetch("POST", s.first().Admin+"/sessions/revoke", token)
		if err != nil || answer.Status != 200 {
			t.Fatalf("%+v, %v", answer, err)
		}
		sees(seal, listed)
		sees(all, listed)
	})
}

// TestASidecarFollowsItsTransforms at SIGHUP, and does not end by it.
func TestASidecarFollowsItsTransforms(t *testing.T) {
	t.Parallel()
	bin, dir := rig.Aisle(t), t.TempDir()
	origin := rig.RunDemo(t, bin)
	listen := ports.Address(t)
	text := config(t, origin, dir, "listen: "+listen)
	p := runSidecar(t, bin, dir, text)
	file := filepath.Join(dir, "sidecar.yaml")
	f := func(replace, by, logged string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, replace, by)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if _, err := p.WaitStderr(logged); err != nil {
			t.Fatal(err)
		}
	}
	tables := func(want string) {
		t.Helper()
		a, err := rig.Fetch("POST", "http://"+listen+"/api/sessions?items=profile.priceTables", `{"public":{"email":{"value":"gold@acme.example"}}}`, "Content-Type: application/json")
		if err != nil || a.Status != 201 || strings.Contains(a.Body, "gold") != (want != "") {
			t.Errorf("%+v, %v; want %q", a, err, want)
		}
	}
	tables("gold")
	f("profile: [email, isAuthenticated, priceTables]", "profile: [email, isAuthenticated]", `"result":"reloaded"`)
	tables("")
	f("listen: "+listen, "listen: 127.0.0.1:1", "takes effect at a restart only")
	f("name: demo", "name: account", "the name is reserved")
	tables("")
	f("\x00", "", "")
	for end := time.Now().Add(20 * time.Second); strings.Count(p.Stderr(), `"result":"reloaded"`) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no second reload:\n%s", p.Stderr())
		}
	}
	tables("gold")
}
