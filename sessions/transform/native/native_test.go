package native_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/native"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// whole is every app, with files in a folder that is not the working directory.
func whole(t *testing.T) native.Options {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"customers.csv": "id,email,priceTables\nc1,ann@gold.example,gold\n",
		"regions.csv":   "country,from,to,channel,sellers\nBRA,01000000,19999999,,sp\n",
		"keys.jwks":     `{"keys":[{"kty":"oct","kid":"k","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return native.Options{
		Account: "acme", Dir: dir,
		Channels:       []segment.Channel{{ID: "1", CountryCode: "BRA"}, {ID: "3", Private: true}},
		Members:        map[string]string{"3": `"gold" in split(profile.priceTables, ",")`},
		Authentication: &auth.Options{KeysFile: "keys.jwks"},
		Profile:        &profile.Options{File: "customers.csv", TrustPublicEmail: true},
		Checkout:       &regions.Options{Ranges: "./regions.csv"},
		Audiences:      &audiences.Options{Audiences: []audiences.Audience{{ID: "a", When: `checkout.regionId != ""`}}},
		Operators:      `authentication.adminUserEmail endsWith "@acme.example"`,
		Search:         &transform.SearchOptions{Facets: []string{"k"}},
	}
}

func open(t *testing.T, o native.Options) (*native.Set, *transform.Engine) {
	t.Helper()
	set, err := native.Open(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	engine, err := transform.New(set.Apps(), transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set, engine
}

func public(words ...string) transform.Values {
	v := transform.Values{}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		v.Put(transform.Key{Namespace: "public", Name: name}, transform.TextValue(text))
	}
	return v
}

// TestEveryApp runs them together, on files that are found beside the configuration.
func TestEveryApp(t *testing.T) {
	_, engine := open(t, whole(t))
	if diff := cmp.Diff([]string{"store", "authentication", "profile", "impersonate", "checkout", "rnb", "search"}, engine.Names()); diff != "" {
		t.Error(diff)
	}
	f := func(change string, want map[string]string) {
		t.Helper()
		result, err := engine.Run(t.Context(), transform.Values{}, transform.Change{Created: true, Values: public(strings.Fields(change)...)})
		if err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		for name, text := range want {
			namespace, key, _ := strings.Cut(name, ".")
			if got := result.Values.Text(transform.Key{Namespace: namespace, Name: key}); got != text {
				t.Errorf("%s: %s is %q, want %q", change, name, got, text)
			}
		}
	}
	f("", map[string]string{"store.channel": "1", "profile.isAuthenticated": "false", "rnb.campaigns": "", "checkout.regionId": ""})
	f("postalCode=04561000 facets=k=1;x=2", map[string]string{"checkout.regionId": regions.V2.ID([]string{"sp"}), "rnb.campaigns": "a", "search.facets": "k=1;"})
	f("storeUserEmail=ANN@gold.example sc=3", map[string]string{"profile.priceTables": "gold", "store.channel": "3", "store.channelPrivacy": "private"})
}

// TestMember: who may not be on a private channel is refused, a stranger in another way than one who is known.
func TestMember(t *testing.T) {
	_, engine := open(t, whole(t))
	_, err := engine.Run(t.Context(), transform.Values{}, transform.Change{Created: true, Values: public("sc=3")})
	if refusal, ok := err.(*transform.Refusal); !ok || refusal.Status != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
}

// TestReplaced: an app over HTTP stands in for one of ours, for store too.
func TestReplaced(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"store":{"channel":{"value":"7"}},"profile":{"priceTables":{"value":"theirs"}}}`))
	}))
	t.Cleanup(server.Close)
	o := whole(t)
	o.Profile, o.Members, o.Operators = nil, nil, ""
	for _, name := range []string{"store", "profile"} {
		key := map[string]string{"store": "channel", "profile": "priceTables"}[name]
		o.Apps = append(o.Apps, native.App{URL: server.URL, Spec: transform.Spec{
			Name: name, Input: transform.Declaration{"public": {"a"}}, Output: transform.Declaration{name: {key}}, RunOnCreate: true,
		}})
	}
	_, engine := open(t, o)
	if diff := cmp.Diff([]string{"authentication", "checkout", "rnb", "search", "store", "profile"}, engine.Names()); diff != "" {
		t.Error(diff)
	}
	result, err := engine.Run(t.Context(), transform.Values{}, transform.Change{Created: true})
	if err != nil || result.Values.Text(transform.Key{Namespace: "store", Name: "channel"}) != "7" || result.Values.Text(transform.Key{Namespace: "profile", Name: "priceTables"}) != "theirs" {
		t.Errorf("%v, %v", result.Values, err)
	}
	server.CloseClientConnections()
}

// TestOpenTellsEveryFault of all apps at once, by their keys, and leaves nothing behind.
func TestOpenTellsEveryFault(t *testing.T) {
	o := whole(t)
	o.Authentication.KeysFile, o.Profile.File, o.Checkout.Ranges = "none.jwks", "none.csv", "none.csv"
	o.Members["1"] = "true"
	o.Audiences.Audiences[0].When = "public.x =="
	o.Operators = `public.x == "y"`
	o.Search.Facets = []string{"a;b"}
	o.Apps = []native.App{{URL: "nowhere", Spec: transform.Spec{Name: "mine", RunOnCreate: true}}}
	_, err := native.Open(o, nil)
	if err == nil {
		t.Fatal("all is well")
	}
	for _, want := range []string{
		"store.members.1: is a public channel", "authentication.keys_file: none.jwks: no such file", "profile.customers.file: none.csv: no such file",
		"checkout.regions.file: none.csv: no such file", "rnb.audiences[0].when: unexpected token EOF (1:11);", "impersonate.operators: reads public.x",
		"search.facets: ", "apps[0]: ",
	} {
		if !strings.Contains("\n"+err.Error(), "\n"+want) {
			t.Errorf("no line begins with %q:\n%v", want, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	set, _ := open(t, whole(t))
	w := httptest.NewRecorder()
	set.Endpoints().ServeHTTP(w, httptest.NewRequest("GET", "/api/checkout/pub/regions/?country=BRA&postalCode=04561000", nil))
	if !strings.Contains(w.Body.String(), `"id":"sp"`) {
		t.Errorf("%s", w.Body)
	}
	o := whole(t)
	o.Checkout = &regions.Options{}
	if set, _ := open(t, o); set.Endpoints() != nil {
		t.Error("regions are told where there are none")
	}
}

func TestExplain(t *testing.T) {
	set, _ := open(t, whole(t))
	in := transform.Values{"checkout": {"regionId": transform.TextValue("r")}}
	list := set.Explain(in, time.Now())
	if len(list) != 1 || list[0].Reason != audiences.Matched || list[0].Read["checkout.regionId"] != "r" {
		t.Errorf("%+v", list)
	}
	o := whole(t)
	o.Audiences = nil
	if set, _ := open(t, o); set.Explain(in, time.Now()) != nil {
		t.Error("audiences that there are not")
	}
}

// TestTold: loads and log-ins are counted, and nothing of a customer is logged.
func TestTold(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := native.NewMetrics(registry)
	o := whole(t)
	var log strings.Builder
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	set, err := native.Open(o, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	engine, err := transform.New(set.Apps(), transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Run(context.Background(), transform.Values{}, transform.Change{
		Created: true, Values: public("facets=x=1;"), Cookies: []transform.Cookie{{Name: "VtexIdclientAutCookie_acme", Value: "junk"}},
	}); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP aisle_sessions_customers Customers of the file that is in use.
# TYPE aisle_sessions_customers gauge
aisle_sessions_customers 1
# HELP aisle_sessions_facets_dropped_total Facets that did not enter the segment.
# TYPE aisle_sessions_facets_dropped_total counter
aisle_sessions_facets_dropped_total 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "aisle_sessions_customers", "aisle_sessions_facets_dropped_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "aisle_sessions_loads_total"); err != nil || n < 2 {
		t.Errorf("%d loads, %v", n, err)
	}
	if strings.Contains(log.String(), "ann@") || !strings.Contains(log.String(), "customers=1") {
		t.Errorf("the log:\n%s", &log)
	}
}
