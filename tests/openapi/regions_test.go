package openapi_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// TestRegionsFollowTheDescription checks every 2xx answer of the regions endpoints. The array that clients are given for a place (facts 1.9) is
// checked element by element, since the description knows one region alone.
func TestRegionsFollowTheDescription(t *testing.T) {
	d := load(t, "checkout-regions.openapi.json")
	file := t.TempDir() + "/regions.csv"
	must(t, os.WriteFile(file, []byte("country,from,to,channel,sellers\nBRA,01000000,19999999,,sp;outlet\n"), 0o600))
	app, err := regions.New(regions.Options{Ranges: file})
	must(t, err)
	t.Cleanup(app.Close)
	server := httptest.NewServer(regions.NewHandler(regions.HandlerOptions{Table: app.Table, Channel: "1"}))
	t.Cleanup(server.Close)
	b := newBrowser(t, server.URL)
	const (
		ofRegion     = "/api/checkout/pub/regions/{regionId}"
		ofPostalCode = "/api/checkout/pub/postal-code/{countryCode}/{postalCode}"
	)
	f := func(described, target string, sellers int) {
		t.Helper()
		status, text := b.do("GET", target, "")
		for _, breach := range d.check(described, "GET", status, text) {
			t.Errorf("%s: %s\n%s", target, breach, text)
		}
		var region struct{ Sellers []any }
		must(t, json.Unmarshal(text, &region))
		if len(region.Sellers) != sellers {
			t.Errorf("%s: %s", target, text)
		}
	}
	id := app.Table().Regions()[0].ID
	f(ofRegion, "/api/checkout/pub/regions/"+id, 2)
	f(ofRegion, "/api/checkout/pub/regions/U1cj", 0)
	f(ofRegion, "/api/checkout/pub/regions/v2.1BB18CE648B5111D0933734ED83EC783", 0)
	f(ofPostalCode, "/api/checkout/pub/postal-code/BRA/04561000", 0)
	f(ofPostalCode, "/api/checkout/pub/postal-code/BRA/99999-999", 0)
	f(ofPostalCode, "/api/checkout/pub/postal-code/USA/10001", 0)

	for target, sellers := range map[string]int{"?country=BRA&postalCode=04561000": 2, "/?country=BRA&sc=2&geoCoordinates=-46.6;-23.5": 0} {
		status, text := b.do("GET", "/api/checkout/pub/regions"+target, "")
		var list []json.RawMessage
		must(t, json.Unmarshal(text, &list))
		if len(list) != 1 {
			t.Fatalf("%s: %s", target, text)
		}
		for _, breach := range d.check(ofRegion, "GET", status, list[0]) {
			t.Errorf("%s: %s", target, breach)
		}
		var region struct{ Sellers []any }
		must(t, json.Unmarshal(list[0], &region))
		if len(region.Sellers) != sellers {
			t.Errorf("%s: %s", target, text)
		}
	}
}
