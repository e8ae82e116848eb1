package sessions_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

// officeApps are impersonation by the operator whose name is in the cookie login, and a record of the steps.
func officeApps(t *testing.T, steps *[]string) []transform.App {
	t.Helper()
	key := transform.Key{Namespace: "authentication", Name: "adminUserId"}
	staff := app{transform.Spec{
		Name: "authentication", Input: transform.Declaration{"cookie": {"login"}}, Output: transform.Declaration{"authentication": {"adminUserId"}},
	}, func(_ context.Context, in transform.Values) (transform.Values, error) {
		out := transform.Values{}
		out.Put(key, transform.TextValue(in.Text(transform.Key{Namespace: "cookie", Name: "login"})))
		return out, nil
	}}
	impersonate, err := transform.NewImpersonate(transform.ImpersonateOptions{
		Operator: func(in transform.Values) bool { return in.Text(key) == "otto" },
		Customer: func(_ context.Context, email string) (string, error) { return "u-" + strings.Split(email, "@")[0], nil },
		Observe: func(s transform.Step) {
			*steps = append(*steps, strings.Join([]string{s.Kind.String(), s.Operator, s.Customer}, ":"))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return []transform.App{staff, impersonate}
}

// office is a browser of somebody who would like to see the store as a customer.
type office struct {
	*shopper
	steps []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{}
	o.shopper = newRig(t, func(options *options) { options.apps = officeApps(t, &o.steps) }).shopper()
	return o
}

// sees is a call that leaves the session to a customer and tells steps; another one then tells none.
func (o *office) sees(method, body, customer, steps string) {
	o.t.Helper()
	o.do(method, "/api/sessions", body).want(map[string]int{"POST": 201, "PATCH": 200, "GET": 200}[method])
	if got := strings.Join(o.steps, " "); got != steps {
		o.t.Errorf("%s %s: told %q, want %q", method, body, got, steps)
	}
	o.steps = nil
	if got := o.read().value("impersonate", "storeUserId"); got != customer {
		o.t.Errorf("%s %s: customer %s, want %s", method, body, got, customer)
	}
	if len(o.steps) > 0 {
		o.t.Errorf("%s %s: then told %q", method, body, o.steps)
	}
}

const impersonated = "vtex-impersonated-customer-email"

// TestImpersonationStops by "" in public, though the browser goes on sending the cookie.
func TestImpersonationStops(t *testing.T) {
	f := func(method, stop string) {
		t.Helper()
		o := newOffice(t)
		o.jar["login"] = "otto"
		o.sees("POST", public(impersonated, "ann@x.example"), `"u-ann"`, "started:otto:u-ann")
		o.jar[impersonated] = "ann%40x.example"
		o.sees("GET", "", `"u-ann"`, "")
		o.sees(method, stop, "", "stopped:otto:u-ann")
		o.sees("GET", "", "", "")
		o.sees("PATCH", public("utm_source", "x"), "", "")
		o.sees("PATCH", public(impersonated, "ann@x.example"), `"u-ann"`, "started:otto:u-ann")
		o.sees(method, stop, "", "stopped:otto:u-ann")
		o.jar[impersonated] = "bob@x.example"
		o.sees("GET", "", `"u-bob"`, "started:otto:u-bob")
		delete(o.jar, "login")
		o.sees("GET", "", "", "ended:otto:u-bob")
	}
	for _, method := range []string{"POST", "PATCH"} {
		f(method, public(impersonated, ""))
		f(method, `{"public":{"`+impersonated+`":{"value":null}}}`)
	}
}

// TestImpersonationStopsByAServer: store-graphql stops with the session's token and the log-in alone; the cookie is in the session.
func TestImpersonationStopsByAServer(t *testing.T) {
	o := newOffice(t)
	o.jar["login"], o.jar[impersonated] = "otto", "ann@x.example"
	o.sees("POST", "{}", `"u-ann"`, "started:otto:u-ann")
	o.rig.do("POST", "/api/sessions?items=", public(impersonated, ""), "Cookie", "vtex_session="+o.jar["vtex_session"]+"; login=otto").want(201)
	o.sees("GET", "", "", "stopped:otto:u-ann")
	o.sees("PATCH", "{}", "", "")
}

// TestImpersonationDenied: a wish of nobody is told once, and not where the same call logs an operator in.
func TestImpersonationDenied(t *testing.T) {
	o := newOffice(t)
	o.sees("POST", public(impersonated, "ann@x.example"), "", "denied::")
	o.jar[impersonated] = "ann@x.example"
	o.sees("PATCH", "{}", "", "denied::")
	o.sees("PATCH", "{}", "", "")
	o.jar["login"] = "eve"
	o.sees("PATCH", "{}", "", "denied:eve:")
	o.jar["login"] = "otto"
	o.sees("PATCH", "{}", `"u-ann"`, "started:otto:u-ann")

	o = newOffice(t)
	o.jar["login"] = "otto"
	o.sees("POST", public(impersonated, "ann@x.example"), `"u-ann"`, "started:otto:u-ann")
}

// TestImpersonationToldOnce: a run that comes to nothing tells nothing.
func TestImpersonationToldOnce(t *testing.T) {
	o := newOffice(t)
	o.jar["login"] = "otto"
	o.sees("POST", "{}", "", "")
	o.conflicts(2)
	o.sees("PATCH", public(impersonated, "ann@x.example"), `"u-ann"`, "started:otto:u-ann")
	delete(o.jar, "login")
	o.do("GET", "/api/segments?utm_source=x", "").want(200)
	o.sees("GET", "", "", "ended:otto:u-ann")

	o.jar["login"] = "otto"
	o.sees("PATCH", public(impersonated, "bob@x.example"), `"u-bob"`, "started:otto:u-bob")
	delete(o.jar, "login")
	o.do("PATCH", "/api/sessions", public("sc", "3")).want(401) // refused, and a log-out all the same
	o.do("PATCH", "/api/sessions", public("sc", "3", impersonated, "ann@x.example")).want(401)
	o.sees("PATCH", "{}", "", "ended:otto:u-bob")

	o = newOffice(t) // a server asks for a segment without a session
	o.jar[impersonated] = "ann@x.example"
	o.do("GET", "/api/segments", "").want(200)
	o.do("GET", "/api/segments", "").want(200)
	o.sees("POST", "{}", "", "denied::")
}
