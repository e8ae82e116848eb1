package nativetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// message is a request and a reply of the wire format: namespace to field to {"value":…}.
type message map[string]map[string]map[string]json.RawMessage

func (m message) text(namespace, name string) (s string) {
	_ = json.Unmarshal(m[namespace][name]["value"], &s) // what is no text counts for nothing
	return s
}

// serve is an app over HTTP that a function is.
func serve(t *testing.T, spec transform.Spec, f func(in message) message) transform.App {
	t.Helper()
	path := "/_v/" + spec.Name + "/session/transform"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in message
		if r.Method != http.MethodPost || r.URL.Path != path || json.NewDecoder(r.Body).Decode(&in) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(f(in)) // a client that is gone finds out
	}))
	t.Cleanup(server.Close)
	app, err := transform.NewHTTP(spec, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	return app
}

// shopProfile is the app `profile` as a shop would write it: it knows the customers, and nothing of aisle.
func shopProfile(in message) message {
	who := map[string]string{"isAuthenticated": "false"}
	for _, namespace := range []string{"impersonate", "authentication"} {
		id, email := in.text(namespace, "storeUserId"), strings.ToLower(in.text(namespace, "storeUserEmail"))
		if id != "" || email != "" {
			who = profileOf(id, email)
			break
		}
	}
	fields := map[string]map[string]json.RawMessage{}
	for _, name := range []string{"id", "email", "firstName", "lastName", "phone", "document", "priceTables", "isAuthenticated"} {
		fields[name] = map[string]json.RawMessage{"value": transform.TextValue(who[name])}
	}
	return message{"profile": fields}
}

// replaced compares sessions of the native apps with sessions where some are over HTTP.
func replaced(t *testing.T, w *world, checks func(rt *rapid.T) (native, other []transform.App)) {
	t.Helper()
	seen := counter{}
	rapid.Check(t, func(rt *rapid.T) {
		native, other := checks(rt)
		one, two := &clerk{}, &clerk{}
		for c, apps := range map[*clerk][]transform.App{one: native, two: other} {
			var err error
			if c.engine, err = transform.New(apps, transform.Options{Timeout: time.Minute, Deadline: 10 * time.Minute}); err != nil {
				rt.Fatal(err)
			}
		}
		for _, r := range drawRequests(rt, 5) {
			a, b := one.does(t.Context(), rt, r.change(w)), two.does(t.Context(), rt, r.change(w))
			if d := cmp.Diff(a, b); d != "" {
				rt.Fatalf("%+v (-native +HTTP):\n%s", r, d)
			}
			seen.session(one.values)
		}
	})
	seen.wants(t, 200, "tables", "impersonated", "campaign", "region", "facets")
}

// TestShopsOwnProfile: a shop's own `profile` over HTTP gives the same sessions as the native one with the same customers.
func TestShopsOwnProfile(t *testing.T) {
	w := newWorld(t)
	own := serve(t, w.profile.Spec(), shopProfile)
	replaced(t, w, func(*rapid.T) (native, other []transform.App) {
		native = w.apps(t, false, nil)
		for _, a := range native {
			if a.Spec().Name == "profile" {
				a = own
			}
			other = append(other, a)
		}
		return native, other
	})
}

// TestNativeAppsOverHTTP: whichever of the native apps are called over HTTP, sessions are the same. The store is not among
// them: a refusal has no form on the wire.
func TestNativeAppsOverHTTP(t *testing.T) {
	w := newWorld(t)
	native := w.apps(t, false, nil)
	remote := map[string]transform.App{}
	for _, a := range native {
		remote[a.Spec().Name] = serve(t, a.Spec(), overWire(t, a))
	}
	replaced(t, w, func(rt *rapid.T) (_, other []transform.App) {
		for _, a := range native {
			if name := a.Spec().Name; name != "store" && rapid.Bool().Draw(rt, name+" over HTTP") {
				a = remote[name]
			}
			other = append(other, a)
		}
		return native, other
	})
}

// overWire has a native app answer messages.
func overWire(t *testing.T, a transform.App) func(in message) message {
	return func(in message) message {
		values := transform.Values{}
		for namespace, fields := range in {
			for name, item := range fields {
				values.Put(transform.Key{Namespace: namespace, Name: name}, item["value"])
			}
		}
		result, err := a.Transform(t.Context(), values)
		if err != nil {
			t.Errorf("%s: %v", a.Spec().Name, err)
		}
		out := message{}
		for k, v := range result.All() {
			if out[k.Namespace] == nil {
				out[k.Namespace] = map[string]map[string]json.RawMessage{}
			}
			out[k.Namespace][k.Name] = map[string]json.RawMessage{"value": v}
		}
		return out
	}
}

// TestGarbageOverHTTP: what a broken `profile` says when the next customer logs in leaves nobody the tables of the last.
func TestGarbageOverHTTP(t *testing.T) {
	w := newWorld(t)
	f := func(answer http.HandlerFunc) {
		t.Helper()
		var broken atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			var in message
			if broken.Load() {
				answer(rw, r)
			} else if err := json.NewDecoder(r.Body).Decode(&in); err == nil {
				_ = json.NewEncoder(rw).Encode(shopProfile(in))
			}
		}))
		defer server.Close()
		app, err := transform.NewHTTP(w.profile.Spec(), server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		engine, err := transform.New([]transform.App{w.auth, app, w.store}, transform.Options{Timeout: time.Minute, Deadline: 10 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, next := range []string{"bob", ""} {
			broken.Store(false)
			ann, err := engine.Run(t.Context(), nil, request{shopper: "ann"}.change(w))
			if err != nil || ann.Values.Text(key("profile.priceTables")) != "gold,vip" {
				t.Fatal(err, plain(ann.Values))
			}
			broken.Store(true)
			change := request{shopper: next}.change(w)
			change.Marks = ann.Marks
			after, err := engine.Run(t.Context(), ann.Values, change)
			if err != nil || len(after.Values["profile"]) > 0 {
				t.Errorf("%q logs in: %v, %v", next, err, plain(after.Values))
			}
		}
	}
	says := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	const loot = `{"profile":{"priceTables":{"value":"stolen"}}}`
	for _, status := range []int{300, 302, 400, 401, 404, 500, 503} {
		f(says(status, loot))
	}
	for _, text := range []string{
		"", "null", "[]", "stolen", "<html>", loot[:30], loot + loot, loot + "x", `{"profile":"stolen"}`, `{"profile":{"priceTables":"stolen"}}`,
		`{"profile":{"priceTables":{"value":stolen}}}`, "{\"profile\":{\"priceTables\":{\"value\":\"\xff\"}}}", strings.Repeat("[", 1000), strings.Repeat(" ", 300<<10) + loot,
	} {
		f(says(http.StatusOK, text))
	}
	f(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	f(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, loot)
	})
}
