package store_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aislecache/aisle/tests/rig"
)

// from has the regions of a server instead of the files.
func from(server string) func(config string) string {
	return func(config string) string {
		return strings.Replace(config, "checkout: {regions: {file: ./regions.csv}, polygons: {file: ./areas.geojson}, format: v2}",
			"checkout: {regions: {http: \""+server+"\"}}", 1)
	}
}

// TestRegionsOfAnotherServer: the session's region and the regions API are both that server's, here another store's edge.
func TestRegionsOfAnotherServer(t *testing.T) {
	t.Parallel()
	other := start(t, nil)
	p := start(t, from(other.edge.URL)).shopper()
	p.says("postalCode=04561-000", "country=BRA")
	region := p.value("checkout.regionId")
	if region == "" {
		t.Fatal("no region")
	}
	f := func(target, want string, status int) {
		t.Helper()
		theirs := other.shopper().do("GET", target, "")
		if a := p.do("GET", target, ""); a.Status != status || a.Body != theirs.Body && status == 200 || !strings.Contains(a.Body, want) {
			t.Errorf("%s: %d %s, there %s", target, a.Status, a.Body, theirs.Body)
		}
	}
	f("/api/checkout/pub/regions/?country=BRA&sc=1&postalCode=04561000", `[{"id":"`+region+`"`, 200)
	f("/api/checkout/pub/regions/"+region, `{"id":"`+region+`"`, 200)
	f("/br/api/checkout/pub/postal-code/BRA/04561000", `"postalCode":"04561000"`, 200)
	f("/api/checkout/pub/regions?country=BRA&postalCode=220500", "O campo CEP (220500)", 400)
}

// TestRegionsThatAreAskedForInACircle: an operator may name the edge's own address.
func TestRegionsThatAreAskedForInACircle(t *testing.T) {
	t.Parallel()
	var edge atomic.Pointer[url.URL]
	door := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(edge.Load()) }})
	t.Cleanup(door.Close)
	s := start(t, from(door.URL))
	at, err := url.Parse(s.edge.URL)
	s.must(err)
	edge.Store(at)
	if a := s.shopper().do("GET", "/api/checkout/pub/regions?country=BRA&postalCode=04561000", ""); a.Status != http.StatusLoopDetected {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	p := s.shopper()
	if a := p.says("postalCode=04561-000", "country=BRA"); a.Status != http.StatusCreated || p.value("checkout.regionId") != "" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// TestAnAudienceOfABackends: a condition reads what no app writes, and follows the backend that does.
func TestAnAudienceOfABackends(t *testing.T) {
	t.Parallel()
	const credential = "erp:0123456789abcdef"
	keys := filepath.Join(t.TempDir(), "backend.keys")
	if err := os.WriteFile(keys, []byte(strings.Replace(credential, ":", " ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, func(config string) string {
		return strings.NewReplacer("  transforms: ", "  backend_keys_file: "+keys+"\n  transforms: ",
			"      audiences:\n", "      audiences:\n        - {id: credit, when: 'creditControl.deadline == \"30\"'}\n").Replace(config)
	})
	p := s.shopper()
	p.says(`creditControl.deadline=30`)
	f := func(value, want string) {
		t.Helper()
		body := `{"creditControl":{"deadline":{"value":"` + value + `"}}}`
		a, err := rig.Fetch("PATCH", s.edge.URL+"/api/sessions/"+p.jar["vtex_session"], body, "X-Aisle-Backend-Key: "+credential, "Content-Type: application/json")
		if s.must(err); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		p.says()
		if got := p.value("rnb.campaigns"); got != want {
			t.Errorf("a deadline of %q: in %q, want %q", value, got, want)
		}
	}
	f("", "")
	f("30", "credit")
	f("60", "")
	if out := s.tool("sessions", "show", p.jar["vtex_session"], "--explain"); !strings.Contains(out, `"creditControl.deadline": "60"`) {
		t.Error(out)
	}
}
