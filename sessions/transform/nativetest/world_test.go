package nativetest_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

const (
	shopperCookie = "VtexIdclientAutCookie_acme"
	adminCookie   = "VtexIdclientAutCookie"
	wish          = "vtex-impersonated-customer-email" // of public, and the name of the cookie

	// One with an id and tables, one of another domain, one without an id, one without a table.
	customersFile = "id,email,firstName,priceTables\nc1,ann@vip.example,Ann,gold;vip\nc2,bob@x.example,Bob,silver\n,dee@x.example,Dee,a;b\nc4,cy@vip.example,Cy,\n"

	rangesFile = "country,from,to,channel,sellers\nBRA,01000000,19999999,,sp\nBRA,20000000,28999999,1,rio\nBRA,20000000,28999999,2,rio;outlet\n" +
		"BRA,20000000,28999999,b2b,wholesale\nUSA,10000,19999,,ny\n"

	vipRule = `profile.isAuthenticated == "true" and profile.email endsWith "@vip.example"`
)

// person is somebody who can log in.
type person struct{ user, email string }

func (p person) operator() bool { return strings.HasSuffix(p.email, "@acme.example") }

// people are by the names that the tests call them: customers, one who is none, one with a customer's e-mail, operators, and somebody
// else's operator.
func people() map[string]person {
	return map[string]person{
		"ann": {"c1", "ann@vip.example"}, "bob": {"c2", "bob@x.example"}, "dee": {"u-dee", "dee@x.example"}, "cy": {"c4", "cy@vip.example"},
		"new": {"u-new", "new@x.example"}, "heir": {"u-heir", "ann@vip.example"},
		"op": {"op-1", "op@acme.example"}, "op2": {"op-2", "op2@acme.example"}, "eve": {"e-1", "eve@evil.example"},
	}
}

// sign makes a token that is over in the year 2999.
func sign(p person, secret string, changes ...string) string {
	claims := jwt.MapClaims{"sub": p.email, "userId": p.user, "account": "acme", "exp": 32472144000}
	for pair := range slices.Chunk(changes, 2) {
		claims[pair[0]] = pair[1]
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = "k"
	text, err := token.SignedString([]byte(secret))
	if err != nil {
		panic(err)
	}
	return text
}

const (
	secret = "a secret of thirty-two bytes or more"
	other  = "another one, which the shop knows not"
)

// tokens are by a person's name; those with a word before it prove nothing.
func tokens() map[string]string {
	all := map[string]string{}
	for name, p := range people() {
		all[name] = sign(p, secret, "audience", "webstore")
		all["admin "+name] = sign(p, secret, "audience", "admin")
		all["forged "+name] = sign(p, other)
		all["forged admin "+name] = sign(p, other, "audience", "admin")
		all["foreign "+name] = sign(p, secret, "account", "other")
	}
	return all
}

// world is the native apps of one shop. They keep nothing of sessions, so a test has one for all of them.
type world struct {
	auth              *auth.Auth
	profile, trusting *profile.Profile
	store             *transform.Store
	checkout          *regions.Checkout
	rnb               *audiences.Audiences
	search            *transform.Search
	tokens            map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	keys := `{"keys":[{"kty":"oct","kid":"k","k":"` + base64.RawURLEncoding.EncodeToString([]byte(secret)) + `"}]}`
	customers := written(t, "customers.csv", customersFile)
	w := &world{tokens: tokens()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.auth, err = auth.New(auth.Options{Account: "acme", KeysFile: written(t, "shoppers.jwks", keys)})
	must(err)
	t.Cleanup(w.auth.Close)
	w.profile, err = profile.New(profile.Options{File: customers})
	must(err)
	t.Cleanup(w.profile.Close)
	w.trusting, err = profile.New(profile.Options{File: customers, TrustPublicEmail: true})
	must(err)
	t.Cleanup(w.trusting.Close)
	w.checkout, err = regions.New(regions.Options{Ranges: written(t, "regions.csv", rangesFile), Format: regions.V1})
	must(err)
	t.Cleanup(w.checkout.Close)
	w.rnb, err = audiences.New(audiences.Options{Audiences: []audiences.Audience{
		{ID: "bf", When: `public.utm_campaign == "bf"`},
		{ID: "vip", When: `profile.email endsWith "@vip.example"`},
		{ID: "gold", When: `"gold" in split(profile.priceTables, ",")`},
		{ID: "stranger", When: `not (profile.isAuthenticated == "true")`},
		{ID: "sp", When: `public.postalCode startsWith "01" and profile.isAuthenticated == "true"`},
	}})
	must(err)
	w.search, err = transform.NewSearch(transform.SearchOptions{Facets: []string{"cat", "brand"}})
	must(err)
	w.store = w.newStore(t)
	return w
}

func (w *world) newStore(t *testing.T) *transform.Store {
	t.Helper()
	rule, err := expression.Compile(vipRule)
	if err != nil {
		t.Fatal(err)
	}
	s, err := transform.NewStore(transform.StoreOptions{
		Channels: []segment.Channel{{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR"}, {ID: "2", CountryCode: "BRA"}, {ID: "b2b", CountryCode: "BRA", Private: true}},
		Member: func(_ string, in transform.Values) bool {
			holds, err := rule.Eval(in)
			return err == nil && holds
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// impersonate has operators by the same rule as person.operator, and customers of the app `profile`.
func (w *world) impersonate(t testing.TB, observe func(transform.Step)) *transform.Impersonate {
	t.Helper()
	rule, err := expression.Compile(`authentication.adminUserEmail endsWith "@acme.example"`)
	if err != nil {
		t.Fatal(err)
	}
	i, err := transform.NewImpersonate(transform.ImpersonateOptions{
		Operator: func(in transform.Values) bool {
			holds, err := rule.Eval(in)
			return err == nil && holds
		},
		Customer: w.profile.Customer, Account: "acme", Observe: observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// apps are the native ones, `trust` with profile.Options.TrustPublicEmail.
func (w *world) apps(t testing.TB, trust bool, observe func(transform.Step)) []transform.App {
	who := w.profile
	if trust {
		who = w.trusting
	}
	return []transform.App{w.auth, w.impersonate(t, observe), who, w.store, w.checkout, w.rnb, w.search}
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func key(word string) transform.Key {
	namespace, name, _ := strings.Cut(word, ".")
	return transform.Key{Namespace: namespace, Name: name}
}

// plain makes Values comparable, and readable in a diff.
func plain(v transform.Values) map[string]string {
	m := map[string]string{}
	for k, raw := range v.All() {
		m[k.String()] = string(raw)
	}
	return m
}

// texts are the texts of a namespace that are not empty.
func texts(v transform.Values, namespace string) map[string]string {
	m := map[string]string{}
	for name := range v[namespace] {
		if text := v.Text(transform.Key{Namespace: namespace, Name: name}); text != "" {
			m[name] = text
		}
	}
	return m
}
