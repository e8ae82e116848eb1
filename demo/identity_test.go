package demo_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

const (
	shopperCookie  = "VtexIdclientAutCookie_demo"
	operatorCookie = "VtexIdclientAutCookie"
)

// exampleKey is that of examples/store, by hand.
const exampleKey = "EXAMPLE KEY of aisle, public: never use it in production"

// claimsOf verifies a token by another's code.
func claimsOf(t testing.TB, token string) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(exampleKey), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuedAt(), jwt.WithExpirationRequired())
	if err != nil {
		t.Fatalf("%s: %v", token, err)
	}
	if parsed.Header["kid"] != "EXAMPLE-never-in-production" || parsed.Header["typ"] != "JWT" {
		t.Errorf("header %v", parsed.Header)
	}
	return claims
}

// sidecarSession is what an edge with a sessions system of its own sends for a session.
func sidecarSession(id string) []string {
	return []string{"x-vtex-session", jwtOf(`{"id":"` + id + `","sub":"session"}`)}
}

func TestLogInIsASignedCookie(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(cookie string, want map[string]any, form ...string) {
		t.Helper()
		a := newBrowser(s).form(t, "/login", form...)
		c, ok := a.cookie(cookie)
		if !ok || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 24*3600 || c.Domain != "" {
			t.Fatalf("%v: %d, cookie %v", form, a.status, c)
		}
		claims := claimsOf(t, c.Value)
		exp, _ := claims.GetExpirationTime()
		if left := time.Until(exp.Time); left < 23*time.Hour || left > 24*time.Hour {
			t.Errorf("%v: over in %v", form, left)
		}
		for _, name := range []string{"iat", "exp", "iss"} {
			delete(claims, name)
		}
		if diff := cmp.Diff(jwt.MapClaims(want), claims); diff != "" {
			t.Errorf("%v: claims (-want +got):\n%s", form, diff)
		}
	}
	f(shopperCookie, map[string]any{"sub": "ann@gold.example", "userId": "c-1001", "customerId": "c-1001", "account": "demo", "audience": "webstore"}, "email", "ann@gold.example")
	f(shopperCookie, map[string]any{"sub": "Ann@Gold.example", "userId": "c-1001", "customerId": "c-1001", "account": "demo", "audience": "webstore"}, "email", "Ann@Gold.example")
	f(shopperCookie, map[string]any{"sub": "eve@new.example", "userId": "u-a267871ee4097ff0", "account": "demo", "audience": "webstore"}, "email", "eve@new.example")
	f(operatorCookie, map[string]any{"sub": "olivia@acme.example", "userId": "u-169d3f2b7a6e8f28", "account": "demo", "audience": "admin"},
		"email", "olivia@acme.example", "as", "operator")
}

func TestOneLogInAtATime(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	f := func(want string, form ...string) {
		t.Helper()
		b.form(t, "/login", form...)
		for _, name := range []string{shopperCookie, operatorCookie} {
			if got := b.cookies[name] != ""; got != (name == want) {
				t.Errorf("%v: the cookie %s is there: %v", form, name, got)
			}
		}
	}
	f(shopperCookie, "email", "ann@gold.example")
	f(operatorCookie, "email", "olivia@acme.example", "as", "operator")
	if got := b.segment(t).PriceTables; got != "" {
		t.Errorf("an operator has the price table %q of who was there before", got)
	}
	f(shopperCookie, "email", "sofia@silver.example")
}

// The shop's own sessions system knows customers too.
func TestCustomersHaveTheirPriceTablesWithoutAnEdge(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(email, tables, campaigns string) {
		t.Helper()
		b := newBrowser(s)
		b.form(t, "/login", "email", email)
		if got := b.segment(t); got.PriceTables != tables || got.Campaigns != campaigns {
			t.Errorf("%s: price tables %q, campaigns %q; want %q, %q", email, got.PriceTables, got.Campaigns, tables, campaigns)
		}
	}
	f("ann@gold.example", "gold", "")
	f("BRUNO@bronze.example", "bronze", "")
	f("marina@studio.example", "bronze,gold", "")
	f("dan@plain.example", "", "")
	f("leo@vip.example", "", "7f1c")
	f("bronze@anything.example", "bronze", "")
}

func TestAccountKnowsWhoIsSignedIn(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	f := func(has []string, lacks []string, header ...string) {
		t.Helper()
		page := b.send(t, "GET", "/account", "", header...).body
		for _, part := range has {
			if !bytes.Contains(page, []byte(part)) {
				t.Errorf("the account lacks %s", part)
			}
		}
		for _, part := range lacks {
			if bytes.Contains(page, []byte(part)) {
				t.Errorf("the account has %s", part)
			}
		}
	}
	const impersonate, operator = "data-impersonate>", `<b data-operator>olivia@acme.example</b>`
	f([]string{"You are not signed in", `data-fill="impersonate.storeUserEmail"`}, []string{impersonate, "data-logout"})
	b.form(t, "/login", "email", "marina@studio.example")
	f([]string{"data-email>marina@studio.example<", "Marina Moura, customer c-1007", "<b data-tables>bronze, gold</b>", "data-logout"}, []string{impersonate})
	b.form(t, "/login", "email", "eve@new.example")
	f([]string{"data-email>eve@new.example<", "no customer of this store"}, []string{"data-tables"})
	b.form(t, "/login", "email", "olivia@acme.example", "as", "operator")
	f([]string{operator, impersonate, `<option value="sofia@silver.example">`}, []string{"data-email"})
	token := b.cookies[operatorCookie]

	// A log-in that nobody signed, of the other kind, or of another account is none.
	b = newBrowser(s)
	for _, cookie := range []string{
		operatorCookie + "=" + token[:len(token)-2], operatorCookie + "=x.y.z", operatorCookie + "=", shopperCookie + "=" + token,
		operatorCookie + "=" + jwtOf(`{"sub":"olivia@acme.example","audience":"admin","account":"demo","exp":9999999999}`),
	} {
		f([]string{"You are not signed in"}, []string{impersonate}, "Cookie", cookie)
	}
	other := newShop(t, demo.Options{Account: "acme"}).do(t, "POST", "/login", newQuery("email", "olivia@acme.example", "as", "operator"), "Content-Type", formType)
	foreign, _ := other.cookie(operatorCookie)
	f([]string{"You are not signed in"}, []string{impersonate}, "Cookie", operatorCookie+"="+foreign.Value)
}

func TestAccountOfTheLogInsIsAnOption(t *testing.T) {
	a := newBrowser(newShop(t, demo.Options{Account: "acme"})).form(t, "/login", "email", "ann@gold.example")
	c, ok := a.cookie("VtexIdclientAutCookie_acme")
	if !ok || claimsOf(t, c.Value)["account"] != "acme" {
		t.Errorf("cookies %v", a.header.Values("Set-Cookie"))
	}
}

// Behind an edge with a sessions system of its own the session goes on after a log-out, and the cart with it.
func TestLogOut(t *testing.T) {
	f := func(gone, kept []string, header ...string) {
		t.Helper()
		s := newShop(t, demo.Options{})
		b := newBrowser(s)
		b.send(t, "POST", "/checkout/cart", "product=5", append(header, "Content-Type", formType)...)
		b.send(t, "POST", "/login", "email=ann%40gold.example", append(header, "Content-Type", formType)...)
		a := b.send(t, "POST", "/logout", "", header...)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/#signed-out" {
			t.Errorf("%d to %s", a.status, a.header.Get("Location"))
		}
		for _, name := range gone {
			if c, ok := a.cookie(name); !ok || c.MaxAge >= 0 {
				t.Errorf("%v: the cookie %s is not taken away: %v", header, name, c)
			}
		}
		for _, name := range kept {
			if c, ok := a.cookie(name); ok {
				t.Errorf("%v: the log-out sends %v", header, c)
			}
		}
		cart := string(b.send(t, "GET", "/checkout/cart", "", header...).body)
		if got, want := strings.Contains(cart, `<tr data-product="5"`), len(kept) > 0; got != want {
			t.Errorf("%v: the cart is there: %v, want %v", header, got, want)
		}
	}
	logIns, session := []string{shopperCookie, operatorCookie, "demo_customer"}, []string{"vtex_session", "vtex_segment"}
	f(append(session, logIns...), nil)
	f(logIns, session, sidecarSession("3d0ff36c-3c0a-4d43-8d6a-3a2f8d3f2222")...)
}

func TestLogInOffersTheCustomers(t *testing.T) {
	page := string(newShop(t, demo.Options{}).get(t, "/login?returnUrl=/c/mugs").body)
	for _, part := range []string{
		`<button name="email" value="ann@gold.example"><b>Ann Almeida</b>`, `<button name="email" value="dan@plain.example">`,
		`<input type="hidden" name="as" value="operator">`, `data-customers><h2>Customers of this store</h2><input type="hidden" name="returnUrl" value="/c/mugs">`,
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
}
