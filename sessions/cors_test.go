package sessions_test

import (
	"net/http"
	"testing"

	"github.com/aislecache/aisle/sessions"
)

func TestCORS(t *testing.T) {
	const shop = "https://shop.example"
	r := newRig(t, func(o *options) { o.http.Origins = []string{shop, "http://localhost:3000"} })
	f := func(origin string, listed bool) {
		t.Helper()
		for _, a := range []*answer{
			r.do("POST", "/api/sessions", "{}", "Origin", origin).want(201),
			r.do("GET", "/api/segments", "", "Origin", origin).want(200),
			r.do("POST", "/api/sessions", "{", "Origin", origin).want(400), // a script must be able to read an error
		} {
			h := a.header
			if !listed {
				origin = ""
			}
			if h.Get("Access-Control-Allow-Origin") != origin || (h.Get("Access-Control-Allow-Credentials") == "true") != listed ||
				(h.Get("Access-Control-Expose-Headers") != "") != listed || h.Get("Vary") != "Origin, Cookie" {
				t.Errorf("%s: %v", origin, h)
			}
		}
	}
	f(shop, true)
	f("http://localhost:3000", true)
	f("https://shop.example.evil.example", false)
	f("http://shop.example", false)
	f("null", false)
	f("", false)
}

// TestDeniedToForeignPages: a page of another site has the shopper's cookies with what it posts, and must not plant what an
// operator acts by. All else it writes as ever.
func TestDeniedToForeignPages(t *testing.T) {
	r := newRig(t, func(o *options) { o.http.Origins = []string{"https://app.example"} })
	const name = "vtex-impersonated-customer-email"
	body := `{"public":{"` + name + `":{"value":"bob@x.example","keepAlive":true},"a":{"value":"1"}}}`
	f := func(denied bool, fields ...string) {
		t.Helper()
		s := r.shopper()
		s.do("POST", "http://Shop.example:8080/api/sessions", "{}").want(201)
		s.do("POST", "http://Shop.example:8080/api/sessions", body, append(fields, "Content-Type", "text/plain")...).want(201)
		if got := s.read(); (got.value("public", name) == "") != denied || got.value("public", "a") != `"1"` {
			t.Errorf("%q: %v", fields, got.Namespaces["public"])
		}
	}
	f(false)
	f(false, "Origin", "https://shop.example")
	f(false, "Origin", "http://SHOP.example:9000", "Sec-Fetch-Site", "same-site")
	f(false, "Origin", "https://behind.example", "Sec-Fetch-Site", "same-origin")
	f(false, "Origin", "https://app.example", "Sec-Fetch-Site", "cross-site")
	f(false, "Sec-Fetch-Site", "none")
	f(false, "Origin", "https://evil.example", "X-Aisle-Backend-Key", testBackend)
	f(true, "Origin", "https://evil.example")
	f(true, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	f(true, "Origin", "https://other.shop.example", "Sec-Fetch-Site", "same-site")
	f(true, "Origin", "https://shop.example.evil.example")
	f(true, "Origin", "null")
	f(true, "Origin", "http://app.example")
	f(true, "Sec-Fetch-Site", "cross-site")
	r.counts(t, "aisle_sessions_dropped_total", map[string]float64{"denied-body": 7})
}

func TestPreflight(t *testing.T) {
	r := newRig(t, func(o *options) { o.http.Origins = []string{"https://shop.example"} })
	a := r.do("OPTIONS", "/br/api/sessions", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "PATCH",
		"Access-Control-Request-Headers", "content-type").want(204)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, OPTIONS", "Access-Control-Allow-Headers": "Content-Type, X-Vtex-Operation-Id",
		"Access-Control-Max-Age": "600", "Allow": "GET, HEAD, POST, PATCH, OPTIONS", "Vary": "Origin, Cookie",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, origin := range []string{"https://evil.example", ""} {
		a := r.do("OPTIONS", "/api/segments", "", "Origin", origin, "Access-Control-Request-Method", "GET").want(http.StatusNoContent)
		for name := range a.header {
			if len(name) > 15 && name[:15] == "Access-Control-" {
				t.Errorf("%s: %s", origin, name)
			}
		}
	}
	if saves, _ := r.store.counts(); saves != 0 {
		t.Errorf("a preflight created %d sessions", saves)
	}
}

func TestCORSFaults(t *testing.T) {
	f := func(origin string, ok bool) {
		t.Helper()
		service := newRig(t, nil).service
		_, err := sessions.NewHandler(sessions.HandlerOptions{Service: service, Origins: []string{origin}})
		if (err == nil) != ok {
			t.Errorf("%s: %v", origin, err)
		}
	}
	f("https://shop.example", true)
	f("http://localhost:3000", true)
	f("*", false)
	f("null", false)
	f("shop.example", false)
	f("https://shop.example/", false)
	f("https://shop.example/path", false)
	f("https://user@shop.example", false)
	f("ftp://shop.example", false)
}
