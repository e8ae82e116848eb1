package sessions_test

import (
	"testing"

	"github.com/aislecache/aisle/tests/rig"
)

// TestBackends: a backend may write what a shopper may not, and erases; the page follows, and the session is gone for good.
func TestBackends(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		const body = `{"profile":{"priceTables":{"value":"gold"}}}`
		token := raw(t, s.first(), "POST /api/sessions HTTP/1.1\nHost: shop.example\nContent-Type: application/json\n\n"+body).want(201).cookies["vtex_session"]
		f := func(method, credential, body, want string, status int) {
			t.Helper()
			a := raw(t, s.last(), method+" /api/sessions/"+token+" HTTP/1.1\nHost: shop.example\n"+credential+"\n\n"+body)
			if a.status != status {
				t.Errorf("%s with %q: %d %s", method, credential, a.status, a.body)
			}
			if r := rig.Get(t, s.first().URL+product, "Cookie: "+a.jar("vtex_session", "vtex_segment", "aisle_seal")); status == 200 && price(r) != want {
				t.Errorf("%s with %q: the page asks for %s", method, credential, price(r))
			}
		}
		const ours, theirs = "X-Aisle-Backend-Key: " + backendKey, "X-Aisle-Backend-Key: erp:0123456789abcdeX"
		f("PATCH", "Accept: */*", body, inReais, 200)
		f("PATCH", theirs, body, "", 401)
		f("PATCH", ours, body, forGold, 200)
		f("DELETE", "Accept: */*", "", "", 401)
		f("DELETE", ours, "", "", 204)
		read := raw(t, s.first(), "GET /api/sessions?items=profile.* HTTP/1.1\nHost: shop.example\nCookie: vtex_session="+token+"\n\n").want(200)
		if got := read.session().Namespaces["profile"]; len(got) != 0 && got["priceTables"].Value != "" && got["priceTables"].Value != nil {
			t.Errorf("an erased session still says %v", got)
		}
		lost(t, s.first(), "vtex_session="+token, inReais)
	})
}
