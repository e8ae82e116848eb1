package store_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/demo"
	"github.com/aislecache/aisle/examples/store"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func key(namespace, name string) transform.Key {
	return transform.Key{Namespace: namespace, Name: name}
}

// values makes inputs of pairs like "public.postalCode=04561000".
func values(pairs ...string) transform.Values {
	in := transform.Values{}
	for _, pair := range pairs {
		name, text, _ := strings.Cut(pair, "=")
		namespace, name, _ := strings.Cut(name, ".")
		in.Put(key(namespace, name), transform.TextValue(text))
	}
	return in
}

// TestFilesInTheBinary: what is embedded is what lies here.
func TestFilesInTheBinary(t *testing.T) {
	for _, name := range []string{"customers.csv", "regions.csv", "areas.geojson", "shoppers.jwks", "config.yaml"} {
		in, err := fs.ReadFile(store.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(in, out) {
			t.Errorf("%s: %v, or another one is in the binary", name, err)
		}
	}
}

func TestCustomers(t *testing.T) {
	p, err := profile.New(profile.Options{File: "customers.csv"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f := func(who, tables string) {
		t.Helper()
		out, err := p.Transform(t.Context(), values("authentication.storeUserEmail="+who))
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Text(key("profile", "priceTables")); got != tables || out.Text(key("profile", "firstName")) == "" {
			t.Errorf("%s: price tables %q, want %q; %s", who, got, tables, out)
		}
	}
	f("ann@gold.example", "gold")
	f("rafael@gold.example", "gold")
	f("sofia@silver.example", "silver")
	f("tom@silver.example", "silver")
	f("bruno@bronze.example", "bronze")
	f("grace@bronze.example", "bronze")
	f("marina@studio.example", "bronze,gold")
	f("vera@vip.example", "silver")
	f("leo@vip.example", "")
	f("dan@plain.example", "")
}

func parsed(t *testing.T) *regions.Table {
	t.Helper()
	open := func(name string) *os.File {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	table, err := regions.Parse(open("regions.csv"), open("areas.geojson"), regions.V2)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestRegions: four regions, and the polygons are of the sellers of the postal codes.
func TestRegions(t *testing.T) {
	table := parsed(t)
	seen := map[string]bool{}
	f := func(country, postal string, lon, lat float64, sellers ...string) {
		t.Helper()
		want := regions.V2.ID(sellers)
		seen[want] = true
		for _, place := range []regions.Place{
			{Country: country, PostalCode: postal, Channel: "1"},
			{Country: country, PostalCode: postal, Channel: "3"},
			{Country: country, Point: &regions.Point{Longitude: lon, Latitude: lat}, Channel: "2"},
		} {
			if r, ok := table.Find(place); !ok || r.ID != want {
				t.Errorf("%+v: %+v, %v; want %v", place, r, ok, sellers)
			}
		}
	}
	f("BRA", "01310100", -46.65, -23.56, "atelier-paulista", "casa-lume")
	f("BRA", "20040020", -43.18, -22.90, "casa-lume", "maresia")
	f("BRA", "30130010", -43.94, -19.92, "casa-lume")
	f("BRA", "70040010", -47.88, -15.79, "casa-lume")
	f("BRA", "40020000", -38.51, -12.97, "casa-lume")
	f("USA", "10001", -73.99, 40.75, "lume-brooklyn")
	f("USA", "94103", -122.41, 37.77, "lume-brooklyn")
	f("BRA", "69005040", -60.02, -3.12) // nobody delivers to Manaus
	if len(seen) != 5 {
		t.Errorf("%d regions with the empty one", len(seen))
	}
}

// TestKey: the key is sound, and says of itself that it is no secret.
func TestKey(t *testing.T) {
	text, err := os.ReadFile("shoppers.jwks")
	if err != nil {
		t.Fatal(err)
	}
	set, passed, err := auth.ParseKeys(text)
	if err != nil || set.Len() != 1 || passed != 0 {
		t.Errorf("%d keys, %d passed over, %v", set.Len(), passed, err)
	}
	if !strings.Contains(string(text), "EXAMPLE-never-in-production") {
		t.Error("the key does not say what it is")
	}
	a, err := auth.New(auth.Options{Account: "demo", KeysFile: "shoppers.jwks"})
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
}

// TestShopAndSidecarAgree: the log-ins that the shop signs are those that the sidecar takes, its regions are the sidecar's, and each
// audience has a promotion.
func TestShopAndSidecarAgree(t *testing.T) {
	shop := demo.New(demo.Options{})
	a, err := auth.New(auth.Options{Account: "demo", KeysFile: "shoppers.jwks"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	f := func(form, email, id, operator string) {
		t.Helper()
		out, err := a.Transform(t.Context(), logIn(t, shop, form))
		got := []string{out.Text(key("authentication", "storeUserEmail")), out.Text(key("authentication", "storeUserId")), out.Text(key("authentication", "adminUserEmail"))}
		if want := []string{email, id, operator}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", form, got, err, want)
		}
	}
	f("email=ann%40gold.example", "ann@gold.example", "c-1001", "")
	f("email=dan%40plain.example", "dan@plain.example", "c-1010", "")
	f("email=olivia%40acme.example&as=operator", "", "", "olivia@acme.example")

	table := parsed(t)
	for _, r := range shop.Catalogue().Regions() {
		if got, ok := table.ByID(r.ID); !ok || !slices.Equal(got.Sellers, r.Sellers) || r.Delivery == "" {
			t.Errorf("the shop has %+v, the sidecar %+v", r, got)
		}
	}
	for _, audience := range read(t).Sessions.Transforms.RNB.Audiences {
		seg := demo.DefaultSegment()
		seg.Campaigns = audience.ID
		if o := demo.Quote(&demo.Product{ID: 1, Base: 10000, ByCampaign: true}, 0, seg); o.Promotion == "" || o.Price >= o.List {
			t.Errorf("audience %s has no promotion: %+v", audience.ID, o)
		}
	}
}

// logIn gives the cookies that the shop sends for a form.
func logIn(t *testing.T, shop *demo.Storefront, form string) transform.Values {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	shop.Handler().ServeHTTP(w, r)
	in := transform.Values{}
	for _, c := range w.Result().Cookies() {
		if strings.HasPrefix(c.Name, "VtexIdclientAutCookie") && c.MaxAge > 0 {
			in.Put(key(transform.CookieNamespace, c.Name), transform.TextValue(c.Value))
		}
	}
	return in
}

// settings are the transforms as config.yaml has them.
type settings struct {
	Account  string
	Sessions struct {
		Transforms struct {
			Store          struct{ Members map[string]string }
			Authentication struct{ Cookie string }
			RNB            struct{ Audiences []audience }
			Impersonate    struct{ Operators string }
		}
	}
}

type audience struct {
	ID, Name, When string
	Priority       int
	From, Until    time.Time
}

func read(t *testing.T) settings {
	t.Helper()
	text, err := os.ReadFile("config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s settings
	if err := yaml.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAudiences(t *testing.T) {
	var o audiences.Options
	for _, a := range read(t).Sessions.Transforms.RNB.Audiences {
		o.Audiences = append(o.Audiences, audiences.Audience(a))
	}
	app, err := audiences.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, pairs ...string) {
		t.Helper()
		out, err := app.Transform(t.Context(), values(pairs...))
		if got := out.Text(key("rnb", "campaigns")); got != want || err != nil {
			t.Errorf("%v: %q, %v; want %q", pairs, got, err, want)
		}
	}
	rio, paulista := regions.V2.ID([]string{"casa-lume", "maresia"}), regions.V2.ID([]string{"atelier-paulista", "casa-lume"})
	f("")
	f("7f1c", "profile.email=vera@vip.example")
	f("9a2e", "public.utm_campaign=black friday")
	f("c31e", "checkout.regionId="+rio)
	f("", "checkout.regionId="+paulista)
	f("7f1c,9a2e,c31e", "profile.email=leo@vip.example", "public.utm_campaign=black friday", "checkout.regionId="+rio)
}

func TestRules(t *testing.T) {
	s := read(t)
	f := func(text string, want bool, pairs ...string) {
		t.Helper()
		c, err := expression.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Eval(values(pairs...)); got != want || err != nil {
			t.Errorf("%v: %v, %v; want %v", pairs, got, err, want)
		}
	}
	business := s.Sessions.Transforms.Store.Members["3"]
	f(business, true, "profile.isAuthenticated=true", "profile.priceTables=gold")
	f(business, true, "profile.isAuthenticated=true", "profile.priceTables=bronze,gold")
	f(business, false, "profile.isAuthenticated=true", "profile.priceTables=silver")
	f(business, false, "profile.isAuthenticated=false", "profile.priceTables=gold")
	operators := s.Sessions.Transforms.Impersonate.Operators
	f(operators, true, "authentication.adminUserEmail=olivia@acme.example")
	f(operators, false, "authentication.adminUserEmail=eve@evil.example")
	f(operators, false, "authentication.storeUserEmail=olivia@acme.example")
	if got := s.Sessions.Transforms.Authentication.Cookie; got != "VtexIdclientAutCookie_"+s.Account {
		t.Errorf("the cookie of log-ins is %q", got)
	}
}

// TestInputsAreNamed: the files that config.yaml reads beside itself are those of the store.
func TestInputsAreNamed(t *testing.T) {
	text, err := fs.ReadFile(store.Files(), "config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for word := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return strings.ContainsRune(" {},\n", r) }) {
		if strings.HasPrefix(word, "./") && !strings.HasPrefix(word, "./data") && !slices.Contains(got, word) {
			got = append(got, word)
		}
	}
	if diff := cmp.Diff([]string{"./shoppers.jwks", "./customers.csv", "./regions.csv", "./areas.geojson"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
