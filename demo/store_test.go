package demo_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aislecache/aisle/demo"
)

// folder is a store's folder with what differs from a small sound one; a file of "" is not there.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	all := map[string]string{
		"customers.csv": "email,id,priceTables\nzoe@x.example,z1,silver\n,z2,gold\n",
		"regions.csv":   "country,from,to,channel,sellers\nBRA,01000000,01999999,,b;a\nBRA,02000000,02999999,2,c\n",
		"shoppers.jwks": `{"keys":[{"kty":"RSA"},{"kty":"oct","kid":"k","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}]}`,
	}
	for name, text := range files {
		all[name] = text
	}
	dir := t.TempDir()
	for name, text := range all {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAStoreOfOnesOwn(t *testing.T) {
	s := newShop(t, demo.Options{Store: folder(t, nil)})
	f := func(country, code, name string) {
		t.Helper()
		if r, ok := s.Catalogue().RegionOf(country, code); r.Name != name || ok != (name != "") {
			t.Errorf("%s %s: %+v, %v; want %q", country, code, r, ok, name)
		}
	}
	f("BRA", "01000-000", "a, b")
	f("BRA", "02000-000", "") // of channel 2 alone
	f("BRA", "04561-000", "")
	b := newBrowser(s)
	b.form(t, "/login", "email", "zoe@x.example")
	b.send(t, "PATCH", "/api/sessions?sc=2&country=BRA&postalCode=02000000", "")
	if seg := b.segment(t); seg.PriceTables != "silver" || seg.RegionID != s.Catalogue().Regions()[1].ID {
		t.Errorf("segment %+v", seg)
	}
}

func TestUnsoundStoresAreRefused(t *testing.T) {
	f := func(name, text, says string) {
		t.Helper()
		ready := errors.New("it listened")
		err := ready
		if e := demo.Serve(t.Context(), demo.Options{Listen: "127.0.0.1:0", Store: folder(t, map[string]string{name: text})}, func(string) { t.Error(ready) }); e != nil {
			err = e
		}
		if !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s %q: %v; want %q", name, text, err, says)
		}
	}
	f("customers.csv", "", "no such file")
	f("customers.csv", "id\nc1\n", "no column email")
	f("customers.csv", "email\na@b,c\n", "line 2")
	f("regions.csv", "country,from,to\n", "no column sellers")
	f("regions.csv", "country,from,to,sellers\nBRA,1,22,a\n", "line 2: from")
	f("regions.csv", "country,from,to,sellers\nBRA,1,x,a\n", "line 2: from")
	f("regions.csv", "country,from,to,sellers\nBRA,1,2,;\n", "line 2: no sellers")
	f("areas.geojson", "{", "unexpected end")
	f("shoppers.jwks", "[", "not a JWK set")
	f("shoppers.jwks", `{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}`, "no key")
}
