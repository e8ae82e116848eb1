package profile_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/profile"
)

func TestCustomer(t *testing.T) {
	f := func(p *profile.Profile, email, want string) {
		t.Helper()
		if id, err := p.Customer(t.Context(), email); id != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", email, id, err, want)
		}
	}
	file := newApp(t, profile.Options{File: write(t, "customers.csv", customers)})
	f(file, "ann@x.example", "c1")
	f(file, " ANN@X.Example ", "c1")
	f(file, "Dee@x.example", "dee@x.example") // without an id
	f(file, "nobody@x.example", "")
	f(file, "c1", "") // an id is no e-mail
	f(file, "", "")
	f(file, " ", "")

	answers := func(answer string) *profile.Profile {
		return newApp(t, profile.Options{HTTP: server(t, func(w http.ResponseWriter, body string) {
			if body != `{"email":"ann@x.example"}` {
				t.Errorf("asked %s", body)
			}
			_, _ = io.WriteString(w, answer)
		})})
	}
	f(answers(`{"id":7}`), "Ann@x.example", "7")
	f(answers(`{"priceTables":["gold"]}`), "ann@x.example", "ann@x.example")
	for _, answer := range []string{`{"id":"c2","email":"bob@x.example"}`, `no`} {
		if id, err := answers(answer).Customer(t.Context(), "ann@x.example"); id != "" || err == nil {
			t.Errorf("%s: %q, %v", answer, id, err)
		}
	}
}

// TestOperator: an operator acts as customers with an id and without one, through the Engine, in whatever order the apps are.
func TestOperator(t *testing.T) {
	p := newApp(t, profile.Options{File: write(t, "customers.csv", customers)})
	i, err := transform.NewImpersonate(transform.ImpersonateOptions{
		Operator: func(in transform.Values) bool {
			return in.Text(transform.Key{Namespace: "authentication", Name: "adminUserEmail"}) == "op@acme.example"
		},
		Customer: p.Customer, Account: "acme",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, apps := range [][]transform.App{{i, p}, {p, i}} {
		e, err := transform.New(apps, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := &session{t: t, engine: e, values: transform.Values{}}
		acts := func(email, id, tables string) {
			t.Helper()
			s.does("public.vtex-impersonated-customer-email=" + email)
			s.tables(tables)
			for _, name := range []string{"impersonate.storeUserId", "profile.id"} {
				if got := plain(s.values)[name]; got != id {
					t.Errorf("%s: %s is %q, want %q", email, name, got, id)
				}
			}
			if got := plain(s.values)["profile.email"]; !strings.EqualFold(got, email) {
				t.Errorf("%s: e-mail %q", email, got)
			}
			if r := s.does(); len(r.Changed) > 0 {
				t.Errorf("%s: not at rest: %v", email, r.Changed)
			}
		}
		s.does("authentication.adminUserEmail=op@acme.example", "authentication.adminUserId=op")
		acts("Ann@x.example", "c1", "gold,vip")
		acts("Dee@x.example", "dee@x.example", "a,b")
		acts("bob@x.example", "c2", "silver")
		acts("DEE@x.example", "dee@x.example", "a,b")
		s.does("authentication.adminUserEmail=", "authentication.adminUserId=")
		s.tables("")
		if id := plain(s.values)["impersonate.storeUserId"]; id != "" {
			t.Errorf("logged out, and acts as %s", id)
		}
	}
}
