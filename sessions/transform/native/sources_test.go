package native_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/native"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// inFolder writes files and has them looked for there.
func inFolder(t *testing.T, o native.Options, files map[string]string) native.Options {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// TestFaultsOfFiles: each of several faults of one file is a line with the key and the file, and so it is when other sections
// are at fault.
func TestFaultsOfFiles(t *testing.T) {
	o := inFolder(t, whole(t), map[string]string{
		"regions.csv":     "country,from,to,channel,sellers\nBRA,09,01,,sp\nB,01,02,,sp\nBRA,01,05,,a\nBRA,03,06,,b\n",
		"areas.geojson":   `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"country":"B"}},{"type":"x"}]}`,
		"customers.csv":   "id,email,priceTables\na,x@y.example,gold\nb,x@y.example,gold\nc,x@y.example,gold\n",
		"keys.jwks":       `{"keys":[{"kty":"oct","kid":"a","k":"eA"},{"kty":"oct","kid":"b","k":"eA"}]}`,
		"customers.jsonl": "{}",
	})
	o.Checkout.Polygons = "areas.geojson"
	key := func(key, file, text string) string { return key + ": " + filepath.Join(o.Dir, file) + ": " + text }
	f := func(err error, want ...string) {
		t.Helper()
		if err == nil {
			t.Fatal("all is well")
		}
		got := strings.Split(err.Error(), "\n")
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d:\n%v", len(got), len(want), err)
		}
		for i, begin := range want {
			if !strings.HasPrefix(got[i], begin) {
				t.Errorf("line %d is %q, want %q", i, got[i], begin)
			}
		}
	}
	want := []string{
		key("authentication.keys_file", "keys.jwks", "key"), key("authentication.keys_file", "keys.jwks", "key"),
		key("profile.customers.file", "customers.csv", "line 3: "), key("profile.customers.file", "customers.csv", "line 4: "),
		key("checkout.regions.file", "regions.csv", "line 2: from 09 is after to 01"), key("checkout.regions.file", "regions.csv", `line 3: country "B"`),
		key("checkout.regions.file", "regions.csv", "lines 4 and 5: "),
		key("checkout.polygons.file", "areas.geojson", `feature 1: country "B"`), key("checkout.polygons.file", "areas.geojson", "feature 2: "),
	}
	_, err := native.Open(o, nil)
	f(err, want...)

	o.Authentication.Cookie, o.Operators, o.Search.Facets = "(", "x", []string{"="}
	f(native.CheckSources(o), want...)

	o.Authentication, o.Checkout, o.Profile = nil, &regions.Options{Polygons: "areas.geojson"}, &profile.Options{SQL: profile.SQL{DSN: "postgres://h:port/", Query: "@id"}}
	f(native.CheckSources(o), "profile.customers.sql.dsn: ", want[7], want[8])
	o.Checkout, o.Profile.SQL.Query = nil, "SELECT 1"
	f(native.CheckSources(o), "profile.customers.sql.query: ")
	o.Profile = &profile.Options{File: "customers.jsonl"}
	f(native.CheckSources(o), "profile.customers.file: ")
	o.Profile = nil
	if err := native.CheckSources(o); err != nil {
		t.Errorf("nothing is read: %v", err)
	}
}

func TestFaultsBesideFiles(t *testing.T) {
	f := func(change func(*native.Options), want string) {
		t.Helper()
		o := whole(t)
		change(&o)
		if _, err := native.Open(o, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(func(o *native.Options) { o.Authentication.Cookie = "(" }, "authentication.cookie: ")
	f(func(o *native.Options) { o.Authentication.KeysFile, o.Authentication.JWKSURL = "", "nowhere" }, "authentication.jwks_url: ")
	f(func(o *native.Options) { o.Account = "" }, "authentication: no account")
	f(func(o *native.Options) { o.Profile = &profile.Options{HTTP: "nowhere"} }, "profile.customers.http: ")
	f(func(o *native.Options) { o.Profile = &profile.Options{} }, "profile.customers: ")
	f(func(o *native.Options) { o.Checkout = &regions.Options{Origin: "nowhere"} }, "checkout.regions.http: ")
	f(func(o *native.Options) { o.Search.Facets = []string{"search: ="} }, `search.facets: "search: ="`)
}

func TestWarnings(t *testing.T) {
	o := inFolder(t, whole(t), map[string]string{
		"regions.csv":   "country,from,to,channel,sellers\nBRA,01,02,,a\nBRA,03,04,3,a\nBRA,05,06,b2b,a\n",
		"areas.geojson": `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]},"properties":{"country":"BRA","channel":9,"sellers":"a"}}]}`,
	})
	o.Checkout.Polygons = "areas.geojson"
	set, _ := open(t, o)
	want := []string{
		`checkout.polygons.file: channel "9" is no channel of segment.channels: its lines are for nobody`,
		`checkout.regions.file: channel "b2b" is no channel of segment.channels: its lines are for nobody`,
	}
	if diff := cmp.Diff(want, set.Warnings()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	o.Channels, o.Members = nil, nil
	if set, _ := open(t, o); len(set.Warnings()) > 0 {
		t.Errorf("of a store without channels: %q", set.Warnings())
	}
}

// TestConditionsReadEveryOutput: what an app that comes with aisle writes, a condition may read.
func TestConditionsReadEveryOutput(t *testing.T) {
	set, _ := open(t, whole(t))
	for _, app := range set.Apps() {
		for namespace, names := range app.Spec().Output {
			for _, name := range names {
				if _, err := expression.Compile(`$env["` + namespace + `"]["` + name + `"] == ""`); err != nil {
					t.Errorf("%s: %v", app.Spec().Name, err)
				}
			}
		}
	}
}

// TestObserve: an app that fails is told of at once, and again only after a while.
func TestObserve(t *testing.T) {
	o := whole(t)
	var log strings.Builder
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	set, _ := open(t, o)
	synctest.Test(t, func(t *testing.T) {
		log.Reset()
		f := func(app string, outcome transform.Outcome, want int) {
			t.Helper()
			set.Observe(transform.Call{App: app, Outcome: outcome, Err: errors.New("status 500")})
			if got := strings.Count(log.String(), "\n"); got != want {
				t.Errorf("%s, %v: %d lines, want %d:\n%s", app, outcome, got, want, &log)
			}
		}
		f("profile", transform.OutcomeOK, 0)
		f("store", transform.OutcomeRefused, 0)
		f("profile", transform.OutcomeFailed, 1)
		f("profile", transform.OutcomeTimeout, 1)
		f("checkout", transform.OutcomeLoop, 2)
		time.Sleep(9 * time.Second)
		f("profile", transform.OutcomePanicked, 2)
		time.Sleep(time.Second)
		f("profile", transform.OutcomeFailed, 3)
		if want := `app=profile outcome=failed error="status 500"`; !strings.Contains(log.String(), want) {
			t.Errorf("no %s in\n%s", want, &log)
		}
	})
}
