package regions_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// relayed gives the endpoints of an app that asks another server.
func relayed(t *testing.T, rawURL string) http.Handler {
	t.Helper()
	return checkout(t, regions.Options{Origin: rawURL}).Handler("1")
}

// TestRelay: each endpoint is where the other server has it, and its answer comes as it is.
func TestRelay(t *testing.T) {
	var asked atomic.Pointer[http.Request]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r)
		w.Header().Set("Content-Type", "application/json; charset=latin1")
		w.Header().Set("Set-Cookie", "theirs=1")
		w.Header().Set("Cache-Control", "public, max-age=600")
		if strings.Contains(r.URL.RawQuery, "220500") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, `[{"id":"U1cjc3A=","sellers":[{"id":"sp","name":"São Paulo","logo":"a.png"}]}]`)
	}))
	defer server.Close()
	f := func(base, target, want string, status int) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		r.Header = http.Header{"Cookie": {"vtex_session=secret"}, "Authorization": {"secret"}, "X-Vtex-Operation-Id": {"op-1"}}
		w := httptest.NewRecorder()
		relayed(t, server.URL+base).ServeHTTP(w, r)
		got := asked.Swap(nil)
		if got == nil || got.RequestURI != want || w.Code != status {
			t.Errorf("%s at %q: %d, asked %+v, want %s", target, base, w.Code, got, want)
			return
		}
		if h := w.Header(); h.Get("Set-Cookie") != "" || h.Get("Cache-Control") != "private, no-store" || h.Get("Content-Type") != "application/json; charset=latin1" {
			t.Errorf("%v", h)
		}
		if !strings.Contains(w.Body.String(), "São Paulo") {
			t.Errorf("%s", w.Body)
		}
		if h := got.Header; h.Get("Cookie")+h.Get("Authorization") != "" || h.Get("X-Vtex-Operation-Id") != "op-1" || got.Method != http.MethodGet {
			t.Errorf("%s: asked with %v", got.Method, h)
		}
	}
	const root = "/api/checkout/pub/"
	f("", root+"regions?country=BRA&sc=2&postalCode=04561000", root+"regions/?country=BRA&sc=2&postalCode=04561000", 200)
	f("", "/br"+root+"regions/?country=BRA&geoCoordinates=-46.6;-23.5", root+"regions/?country=BRA&geoCoordinates=-46.6;-23.5&sc=1", 200)
	f("/", root+"regions?country=BRA&postalCode=220500", root+"regions/?country=BRA&postalCode=220500&sc=1", 400)
	f("", root+"regions/U1cjc3A=?country=BRA", root+"regions/U1cjc3A=?country=BRA", 200)
	f("", root+"regions/U1cj%2Fx%3F", root+"regions/U1cj%2Fx%3F", 200)
	f("", root+"postal-code/BRA/04561-000", root+"postal-code/BRA/04561-000", 200)
	f("/own?an=acme", root+"regions?country=BRA", "/own?an=acme&country=BRA&sc=1", 200)
	f("/own/", root+"regions/v2.AB", "/own/v2.AB", 200)
	f("/own", root+"postal-code/BRA/04561000", root+"postal-code/BRA/04561000", 200)
}

// TestRelayGoesNowhereElse: what can be no id, country or postal code is answered here.
func TestRelayGoesNowhereElse(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.RequestURI) }))
	defer server.Close()
	f := func(method, target string, want int) {
		t.Helper()
		if w := ask(t, relayed(t, server.URL), method, "/api/checkout/pub/"+target); w.Code != want {
			t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
	}
	f("GET", "regions/%2E%2E", 200)
	f("GET", "regions/..%2F..%2Fadmin", 200)
	f("GET", "regions/a%20b", 400)
	f("GET", "postal-code/%2E%2E/%2E%2E", 400)
	f("GET", "postal-code/BRA/%2E%2E", 400)
	f("GET", "orders", 404)
	f("POST", "regions", 405)
	f("OPTIONS", "regions", 204)
}

// TestRelayFailures: what is no sound answer is a fault of ours to tell, in the form of the others.
func TestRelayFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		h := s.app(t, nil).Handler("1")
		f := func(status int, body string, err error, takes time.Duration, via string, want int) {
			t.Helper()
			s.says(status, body, err)
			s.takes = takes
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/checkout/pub/regions?country=BRA", nil)
			r.Header.Set("Via", via)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want || want > 500 && status != want && !strings.Contains(w.Body.String(), `"error":{"code":"`) {
				t.Errorf("%d %v: %d %s, want %d", status, err, w.Code, w.Body, want)
			}
		}
		f(200, "[]", nil, 0, "1.1 aisle", 200)
		f(503, "busy", nil, 0, "", 503)
		f(302, "", nil, 0, "", 502)
		f(200, strings.Repeat("x", 4<<20+1), nil, 0, "", 502)
		f(0, "", errors.New("no route"), 0, "", 502)
		f(200, "[]", nil, time.Minute, "", 504)
		f(200, "[]", nil, 0, "1.1 aisle, 1.1 aisle-regions, 1.1 aisle", 508)
	})
}

// TestRelayIsBounded: a server that hangs keeps so many requests, and no more.
func TestRelayIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{status: 200, body: "[]", takes: time.Second}
		h := s.app(t, nil).Handler("1")
		counts := map[int]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				w := ask(t, h, "GET", "/api/checkout/pub/regions?country=BRA")
				mu.Lock()
				defer mu.Unlock()
				counts[w.Code]++
			})
		}
		all.Wait()
		if counts[200] != 64 || counts[503] != 36 {
			t.Errorf("%v", counts)
		}
		if w := ask(t, h, "GET", "/api/checkout/pub/regions?country=BRA"); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}
