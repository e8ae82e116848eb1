package regions_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// ask gives the answer to a request.
func ask(t testing.TB, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

func TestHandlerRegions(t *testing.T) {
	h := regions.NewHandler(regions.HandlerOptions{Table: shop(t).Table, Channel: "1"})
	f := func(target, want string) {
		t.Helper()
		w := ask(t, h, "GET", target)
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s, want %s", target, w.Code, w.Body, want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Error(got)
		}
	}
	const (
		sp     = `{"id":"U1cjc3A=","sellers":[{"id":"sp","name":"sp","logo":""}]}`
		rio    = `{"id":"U1cjcmlv","sellers":[{"id":"rio","name":"rio","logo":""}]}`
		outlet = `{"id":"U1cjb3V0bGV0O3Jpbw==","sellers":[{"id":"outlet","name":"outlet","logo":""},{"id":"rio","name":"rio","logo":""}]}`
		nobody = `{"id":"U1cj","sellers":[]}`
		root   = "/api/checkout/pub/regions"
	)
	// FastStore's exact calls.
	f(root+"/?country=BRA&sc=2&postalCode=04561000", "["+sp+"]")
	f(root+"/?country=BRA&sc=2&geoCoordinates=-46.68;-23.6", "["+sp+"]") // net/url would drop it
	f(root+"/?country=BRA&sc=2&geoCoordinates=-46.68%3B-23.6", "["+sp+"]")
	f(root+"?country=BRA&postalCode=04561-000", "["+sp+"]")
	f("/br"+root+"?country=bra&postalCode=20000000", "["+rio+"]")
	f(root+"?country=BRA&postalCode=20000000&sc=2&individualShippingEstimates=true", "["+outlet+"]")
	f(root+"?country=BRA&postalCode=99999999", "["+nobody+"]")
	f(root+"?country=ARG&postalCode=C1425&geoCoordinates=0;0", "["+nobody+"]")
	f(root+"?country=BRA&geoCoordinates=-46.68&geoCoordinates=-23.6", "["+sp+"]") // as the description has it
	f(root+"?country=USA&country=BRA&sc=1&sc=2&postalCode=04561000&postalCode=20000000", "["+outlet+"]")
	f(root+"?country=BRA&geoCoordinates=0;0&geoCoordinates=-46.68;-23.6", "["+sp+"]")
	f(root+"?country=BRA&postalCode=220500&geoCoordinates=-46.68,-23.6", "["+sp+"]")

	f(root+"/U1cjc3A=", sp)
	f(root+"/U1cjc3A%3D/", sp)
	f(root+"/U1cjc3A?country=BRA", sp)
	f(root+"/"+regions.V1.ID([]string{"rio", "outlet", "rio"}), outlet) // the ids of equal sets are equal
	f(root+"/"+regions.V1.ID([]string{"sp", "ghost"}), `{"id":"`+regions.V1.ID([]string{"ghost", "sp"})+`","sellers":[{"id":"sp","name":"sp","logo":""}]}`)
	f(root+"/"+regions.V2.ID([]string{"outlet", "rio"}), outlet)
	f(root+"/U1cj", nobody)
	f(root+"/v2.1BB18CE648B5111D0933734ED83EC783", `{"id":"v2.1BB18CE648B5111D0933734ED83EC783","sellers":[]}`)
	f(root+"/%3Cscript%3E", `{"id":"\u003cscript\u003e","sellers":[]}`)
}

func TestHandlerPostalCode(t *testing.T) {
	h := regions.NewHandler(regions.HandlerOptions{Table: shop(t).Table})
	f := func(target, code, country string) {
		t.Helper()
		w := ask(t, h, "GET", "/api/checkout/pub/postal-code/"+target)
		want := `{"postalCode":"` + code + `","city":"","state":"","country":"` + country + `","street":"","number":"","neighborhood":"",` +
			`"complement":null,"reference":"","geoCoordinates":[]}`
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	f("BRA/04561000", "04561000", "BRA")
	f("bra/04561-000/", "04561000", "BRA")
	f("BRA/99999999", "99999999", "BRA")
	f("GBR/SW1A%201AA", "SW1A1AA", "GBR") // no ranges: it may well be one
	f("USA/12345-6789", "12345", "USA")
	f("USA/00501", "00501", "USA")
}

// TestHandlerErrors: the public system's form (facts 1.9).
func TestHandlerErrors(t *testing.T) {
	h := regions.NewHandler(regions.HandlerOptions{Table: shop(t).Table})
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	f := func(target, code, message string) {
		t.Helper()
		w := ask(t, h, "GET", "/api/checkout/pub/"+target)
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		operation, _ := body["operationId"].(string)
		delete(body, "operationId")
		want := map[string]any{"fields": map[string]any{}, "error": map[string]any{"code": code, "message": message, "exception": nil}}
		if diff := cmp.Diff(want, body); diff != "" || w.Code != 400 {
			t.Errorf("%s: %d (-want +got):\n%s", target, w.Code, diff)
		}
		if !uuid.MatchString(operation) || w.Header().Get("X-Vtex-Operation-Id") != operation {
			t.Errorf("%s: operation %q", target, operation)
		}
	}
	const (
		country = "País inválido"
		place   = "Endereços devem ter código postal ou geocoordenadas"
	)
	f("regions", "CHK0127", country)
	f("regions/?postalCode=04561000", "CHK0127", country)
	f("regions?country=BR&postalCode=04561000", "CHK0127", country)
	f("regions?country=XXX&postalCode=04561000", "CHK0127", country)
	f("regions?country=BRA", "CHK0119", place)
	f("regions?country=BRA&postalCode=", "CHK0119", place)
	f("regions?country=BRA&postalCode=+", "CHK0119", place)
	f("regions?country=BRA&geoCoordinates=-46.68", "CHK0119", place)
	f("regions?country=BRA&geoCoordinates=-146.68%3B-123", "CHK0119", place)
	f("regions?country=BRA&postalCode=220500", "001", "O campo CEP (220500) nos dados de entrega é inválido")
	f("regions?country=BRA&postalCode="+strings.Repeat("1", 50), "001", "O campo CEP ("+strings.Repeat("1", 40)+"…) nos dados de entrega é inválido")
	f("postal-code/BR/04561000", "CHK0127", country)
	f("postal-code/BRA/220500", "001", "O campo CEP (220500) nos dados de entrega é inválido")
	f("postal-code/GBR/SW1A_1AA", "001", "O campo CEP (SW1A_1AA) nos dados de entrega é inválido")
	f("regions?country=GBR&postalCode=SW1A+1AA", "CHK0119", place)
	f("regions?country=GBR&postalCode=SW1A+1AA&geoCoordinates=x", "CHK0119", place)
	f("regions?country=BRA&geoCoordinates=1&geoCoordinates=2&geoCoordinates=3", "CHK0119", place)
	const id = "no id of a region: want up to 512 characters of ASCII, without blanks"
	f("regions/"+strings.Repeat("a", 513), "400", id)
	f("regions/%20", "400", id)
	f("regions/%0A", "400", id)
	f("regions/%C3%A9", "400", id)
	f("regions//", "400", id)
	f("postal-code/BRA/x%3Cy", "001", "O campo CEP (x<y) nos dados de entrega é inválido")
}

func TestHandlerMethodsAndPaths(t *testing.T) {
	h := regions.NewHandler(regions.HandlerOptions{})
	f := func(method, target string, status int) {
		t.Helper()
		w := ask(t, h, method, target)
		if w.Code != status || w.Header().Get("Cache-Control") != "private, no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: %d %v", method, target, w.Code, w.Header())
		}
		path, _, _ := strings.Cut(target, "?")
		if regions.Matches(path) != (status != 404) {
			t.Errorf("Matches(%s)", path)
		}
		if allow := w.Header().Get("Allow"); (allow != "") != (method != "GET" && method != "HEAD") {
			t.Errorf("%s: Allow %q", method, allow)
		}
	}
	const root = "/api/checkout/pub/"
	f("GET", root+"regions/U1cj", 200)
	f("HEAD", root+"regions?country=BRA&geoCoordinates=0,0", 200)
	f("OPTIONS", root+"regions", 204)
	f("POST", root+"regions", 405)
	f("DELETE", root+"postal-code/BRA/1", 405)
	f("GET", root+"regions/a/b", 404)
	f("GET", root+"regionsx", 404)
	f("GET", root+"postal-code/BRA", 404)
	f("GET", root+"postal-code/BRA/1/2", 404)
	f("GET", root+"orderForm", 404)
	f("GET", root, 404)
	f("GET", "/api/checkout/pub", 404)
	f("GET", "/", 404)

	// Without data nobody delivers.
	if w := ask(t, h, "GET", root+"regions?country=BRA&geoCoordinates=0,0"); w.Body.String() != `[{"id":"`+regions.V2.ID(nil)+`","sellers":[]}]` {
		t.Error(w.Body)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", root+"regions", nil)
	r.Header.Set("X-Vtex-Operation-Id", "op-1")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("X-Vtex-Operation-Id") != "op-1" || !strings.Contains(w.Body.String(), `"operationId":"op-1"`) {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
}

// FuzzHandler: every path and query has JSON for an answer, and no status but those of the endpoints.
func FuzzHandler(f *testing.F) {
	f.Add("/api/checkout/pub/regions/", "country=BRA&postalCode=04561000&sc=1")
	f.Add("/api/checkout/pub/postal-code/BRA/04561-000", "")
	f.Add("/x/api/checkout/pub/regions/U1cj%2F==", "geoCoordinates=1%3B2&country=USA")
	h := regions.NewHandler(regions.HandlerOptions{Table: shop(f).Table})
	f.Fuzz(func(t *testing.T, path, query string) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, path, query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 && w.Code != 404 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
