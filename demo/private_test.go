package demo_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

const formType = "application/x-www-form-urlencoded"

func (b *browser) form(t testing.TB, path string, pairs ...string) answer {
	t.Helper()
	return b.send(t, http.MethodPost, path, newQuery(pairs...), "Content-Type", formType)
}

func TestLoginFlow(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	if page := b.send(t, "GET", "/account", ""); !bytes.Contains(page.body, []byte("You are not signed in")) {
		t.Error("the account knows a stranger")
	}
	form := b.send(t, "GET", "/login?email=gold@x.example&returnUrl=/c/lamps", "").body
	for _, part := range []string{`value="gold@x.example"`, `name="returnUrl" value="/c/lamps"`, `method="post" action="/login"`} {
		if !bytes.Contains(form, []byte(part)) {
			t.Errorf("the form has no %s", part)
		}
	}
	a := b.form(t, "/login", "email", " gold@x.example ", "returnUrl", "/c/lamps")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/c/lamps#signed-in" || a.header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("login: %d, fields %v", a.status, a.header)
	}
	if got := b.segment(t).PriceTables; got != "gold" {
		t.Errorf("price table %q", got)
	}
	page := b.send(t, "GET", "/account", "").body
	for _, part := range []string{`<span data-email>gold@x.example</span>`, `<dt>priceTables</dt><dd>gold</dd>`, `<dt>session</dt><dd>` + b.cookies["vtex_session"][:8]} {
		if !bytes.Contains(page, []byte(part)) {
			t.Errorf("the account has no %s", part)
		}
	}
	if got := tokenOf(t, page); got != b.cookies["vtex_segment"] {
		t.Errorf("token %s", got)
	}
	id := b.cookies["vtex_session"]
	a = b.send(t, "POST", "/logout", "")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/#signed-out" || len(b.cookies) != 0 {
		t.Errorf("logout: %d to %q, cookies %v", a.status, a.header.Get("Location"), b.cookies)
	}
	if page := b.send(t, "GET", "/account", "", "Cookie", "vtex_session="+id); !bytes.Contains(page.body, []byte("You are not signed in")) {
		t.Error("the session outlived the logout")
	}
}

func TestLoginRefusesWhatIsNoEmail(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	for _, email := range []string{"", "gold", "@x", "gold@", strings.Repeat("a", 200) + "@x"} {
		a := b.form(t, "/login", "email", email)
		if a.status != http.StatusUnprocessableEntity || len(b.cookies) != 0 || !bytes.Contains(a.body, []byte(`role="alert"`)) {
			t.Errorf("%q: %d, cookies %v", email, a.status, b.cookies)
		}
	}
	a := b.form(t, "/login", "email", `"><script>x</script>`)
	if bytes.Contains(a.body, []byte("<script>x")) {
		t.Error("the form shows a stranger's markup")
	}
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	f := func(back, want string) {
		t.Helper()
		if got := b.form(t, "/login", "email", "a@b", "returnUrl", back).header.Get("Location"); got != want+"#signed-in" {
			t.Errorf("returnUrl %q leads to %q, want %q", back, got, want)
		}
	}
	f("", "/account")
	f("/", "/")
	f("/c/lamps?sort=price", "/c/lamps?sort=price")
	f("//evil.example", "/account")
	f(`/\evil.example`, "/account")
	f("https://evil.example", "/account")
	f("/\t/evil.example", "/account")
	f("/a\r\nSet-Cookie: x=y", "/account")
}

func TestCartFlow(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	if page := b.send(t, "GET", "/checkout/cart", "").body; !bytes.Contains(page, []byte("Nothing in here yet")) {
		t.Error("the first cart is not empty")
	}
	for _, id := range []string{"5", "2", "5"} {
		a := b.form(t, "/checkout/cart", "product", id)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/checkout/cart" || b.cookies["vtex_session"] == "" {
			t.Errorf("product %s: %d, cookies %v", id, a.status, b.cookies)
		}
	}
	seg := demo.DefaultSegment()
	two, five := demo.Quote(s.Catalogue().ByID(2), 0, seg).Price, demo.Quote(s.Catalogue().ByID(5), 0, seg).Price
	type item struct {
		ID     int
		Price  int64
		Pieces int
	}
	type cart struct {
		Items    []item
		Total    int64
		Currency string
	}
	var got cart
	b.send(t, "GET", "/_v/private/cart", "").json(t, &got)
	if diff := cmp.Diff(cart{[]item{{2, two, 1}, {5, five, 2}}, two + 2*five, "BRL"}, got); diff != "" {
		t.Errorf("cart (-want +got):\n%s", diff)
	}
	page := b.send(t, "GET", "/checkout/cart", "").body
	if total := `<td data-total>` + demo.Money(two+2*five, "R$", "pt-BR"); !bytes.Contains(page, []byte(total)) {
		t.Errorf("the cart does not say %s", total)
	}
	// Another shopper has another cart, and the same one after a login.
	var other cart
	newBrowser(s).send(t, "GET", "/_v/private/cart", "").json(t, &other)
	if len(other.Items) != 0 || other.Total != 0 {
		t.Errorf("a stranger sees %+v", other)
	}
	b.form(t, "/login", "email", "gold@x")
	b.send(t, "GET", "/_v/private/cart", "").json(t, &got)
	gold := seg
	gold.PriceTables = "gold"
	if want := demo.Quote(s.Catalogue().ByID(2), 0, gold).Price + 2*demo.Quote(s.Catalogue().ByID(5), 0, gold).Price; got.Total != want || want == two+2*five {
		t.Errorf("a gold customer pays %d, want %d", got.Total, want)
	}
}

func TestCartRefusesWhatIsNoProduct(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	for _, id := range []string{"", "x", "0", "361", "-1"} {
		if a := b.form(t, "/checkout/cart", "product", id); a.status != http.StatusBadRequest || len(b.cookies) != 0 {
			t.Errorf("product %q: %d, cookies %v", id, a.status, b.cookies)
		}
	}
	if a := b.send(t, "POST", "/checkout/cart", strings.Repeat("a", 17<<10), "Content-Type", formType); a.status != http.StatusBadRequest {
		t.Errorf("a body too long: %d", a.status)
	}
}

func TestPrivatePagesAreOfTheSizeOfRealOnes(t *testing.T) {
	s := newShop(t, demo.Options{})
	for _, path := range []string{"/account", "/checkout/cart", "/login"} {
		a := s.get(t, path)
		if n := len(a.body); n < 20<<10 || n > 80<<10 {
			t.Errorf("%s has %d bytes", path, n)
		}
		if !bytes.Contains(a.body, []byte(`<meta name="robots" content="noindex">`)) {
			t.Errorf("%s asks to be indexed", path)
		}
	}
}
