package demo_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/aislecache/aisle/demo"
)

// The session app makes of who somebody is and where they live what a shop makes of it; what an input no longer gives is cleared.
func TestTransform(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	f := func(body, want string) {
		t.Helper()
		a := b.send(t, "POST", "/_v/demo/session/transform", body, "Content-Type", "application/json")
		if a.status != http.StatusOK || string(a.body) != want {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	const nobody = `{"authentication":{"storeUserEmail":{"value":""}},"checkout":{"regionId":{"value":""}},"profile":{"email":{"value":""},"isAuthenticated":{"value":"false"},"priceTables":{"value":""}},"rnb":{"campaigns":{"value":""}}}`
	f(`{}`, nobody)
	f(`{"public":{"email":{"value":""}}}`, nobody)
	f(`{"public":{"email":{"value":"Gold@x.example"}}}`,
		`{"authentication":{"storeUserEmail":{"value":"gold@x.example"}},"checkout":{"regionId":{"value":""}},"profile":{"email":{"value":"gold@x.example"},"isAuthenticated":{"value":"true"},"priceTables":{"value":"gold"}},"rnb":{"campaigns":{"value":""}}}`)
	f(`{"public":{"email":{"value":"gold@x"}},"cookie":{"demo_customer":{"value":"vip@x"}}}`,
		`{"authentication":{"storeUserEmail":{"value":"vip@x"}},"checkout":{"regionId":{"value":""}},"profile":{"email":{"value":"vip@x"},"isAuthenticated":{"value":"true"},"priceTables":{"value":""}},"rnb":{"campaigns":{"value":"vip"}}}`)
	for _, body := range []string{"", "[]", `{"public":1}`} {
		if a := b.send(t, "POST", "/_v/demo/session/transform", body); a.status != http.StatusBadRequest {
			t.Errorf("%q: %d", body, a.status)
		}
	}
	if a := b.send(t, "GET", "/_v/demo/session/transform", ""); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.status)
	}
}

// Behind an edge with a sessions system of its own a shopper has one cart, though each edit makes another token.
func TestCartOfAnEdgesSession(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	token := func(version string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"id":"3d0ff36c-3c0a-4d43-8d6a-3a2f8d3f1111","version":`+version+`}`)) + ".x"
	}
	first := b.send(t, "POST", "/checkout/cart", "product=1", "Content-Type", "application/x-www-form-urlencoded", "x-vtex-session", token("1"))
	if first.status != http.StatusSeeOther {
		t.Fatalf("%d", first.status)
	}
	f := func(session string, want int) {
		t.Helper()
		other := newBrowser(b.shop)
		a := other.send(t, "GET", "/_v/private/cart", "", "x-vtex-session", session)
		if got := strings.Count(string(a.body), `"pieces":`); got != want {
			t.Errorf("%d lines in the cart: %s", got, a.body)
		}
	}
	f(token("2"), 1)
	f("e30.e30.x", 0)
	f("no-jwt", 0)
}
