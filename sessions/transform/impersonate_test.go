package transform_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

// office is a store with operators at @acme.example, two customers, and a record of the steps.
type office struct {
	*shopper
	steps  []string
	down   atomic.Bool
	rule   func(in transform.Values) bool
	lookup map[string]string
}

// newOffice has who is logged in by cookie "login": adminUserEmail or storeUserEmail, with the id before the "@".
func newOffice(t *testing.T) *office {
	t.Helper()
	return newOfficeOf(t, false)
}

// newOfficeOf has the app after that of the log-in, or before it.
func newOfficeOf(t *testing.T, after bool) *office {
	t.Helper()
	o := &office{lookup: map[string]string{"ann@x.example": "u-ann", "bob@x.example": "u-bob"}}
	o.rule = func(in transform.Values) bool {
		return strings.HasSuffix(in.Text(key("authentication.adminUserEmail")), "@acme.example")
	}
	i, err := transform.NewImpersonate(transform.ImpersonateOptions{
		Operator: func(in transform.Values) bool {
			if len(in) != 1 || len(in["authentication"]) == 0 {
				t.Errorf("the rule sees %v", plain(in))
			}
			return o.rule(in)
		},
		Customer: func(_ context.Context, email string) (string, error) {
			if o.down.Load() {
				return "", errMood
			}
			return o.lookup[strings.ToLower(email)], nil
		},
		Account: "acme",
		Observe: func(s transform.Step) {
			text := text("%v", s)
			if strings.Contains(text, "@") {
				t.Errorf("%s tells an e-mail", text)
			}
			o.steps = append(o.steps, strings.Join([]string{s.Kind.String(), s.Operator, s.Customer, s.Operation}, ":"))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	login := app("authentication",
		"cookie.admin cookie.store -> authentication.adminUserEmail authentication.adminUserId authentication.storeUserEmail authentication.storeUserId",
		func(in transform.Values) transform.Values {
			admin, store := in.Text(key("cookie.admin")), in.Text(key("cookie.store"))
			adminID, _, _ := strings.Cut(admin, "@")
			storeID, _, _ := strings.Cut(store, "@")
			return vals("authentication.adminUserEmail="+admin, "authentication.adminUserId="+adminID,
				"authentication.storeUserEmail="+store, "authentication.storeUserId="+storeID)
		})
	apps := []transform.App{i, login}
	if after {
		slices.Reverse(apps)
	}
	e, err := transform.New(apps, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.shopper = newShopper(t, e)
	return o
}

const (
	impersonated = "vtex-impersonated-customer-email"
	wishFor      = "public." + impersonated + "="
)

// logs replaces the cookies, "name=value" each.
func (o *office) logs(cookies ...string) *office {
	o.cookie = nil
	for _, c := range cookies {
		name, value, _ := strings.Cut(c, "=")
		o.cookie = append(o.cookie, transform.Cookie{Name: name, Value: value})
	}
	return o
}

// sees makes a request, and compares whom the session is and what was told; then that another request changes nothing
// and tells nothing.
func (o *office) sees(customer, steps string, words ...string) {
	o.t.Helper()
	r := o.does(words...)
	if r.Loop != nil {
		o.t.Errorf("%q: a loop: %+v", words, r.Loop)
	}
	o.are(customer, steps, words)
	if r := o.does(); len(r.Changed) > 0 {
		o.t.Errorf("%q: not at rest: %v", words, r.Changed)
	}
	o.are(customer, "", words)
}

func (o *office) are(customer, steps string, words []string) {
	o.t.Helper()
	if got := o.values.Text(key("impersonate.storeUserId")); got != customer {
		o.t.Errorf("%q: customer %q, want %q", words, got, customer)
	}
	if got := strings.Join(o.steps, " "); got != steps {
		o.t.Errorf("%q: told %q, want %q", words, got, steps)
	}
	o.steps = nil
	if account := o.values.Text(key("impersonate.account")); (account == "acme") != (customer != "") {
		o.t.Errorf("%q: account %q", words, account)
	}
}

func (o *office) can(want string) {
	o.t.Helper()
	if got := o.values.Text(key("impersonate.canImpersonate")); got != want {
		o.t.Errorf("canImpersonate %q, want %q", got, want)
	}
}

// TestImpersonate: the whole way of an operator, whatever the order of the apps.
func TestImpersonate(t *testing.T) {
	for _, after := range []bool{false, true} {
		wholeWay(t, newOfficeOf(t, after))
	}
}

func wholeWay(t *testing.T, o *office) {
	t.Helper()
	o.sees("", "")
	o.can("")
	o.logs("admin=op@acme.example").sees("", "")
	o.can("true")
	o.sees("u-ann", "started:op:u-ann:", wishFor+"ann@x.example")
	o.sees("u-ann", "", "public.utm_source=x")
	o.sees("u-ann", "", wishFor+" ANN@x.example ") // the same customer
	o.sees("u-bob", "stopped:op:u-ann: started:op:u-bob:", wishFor+"bob@x.example")
	o.sees("", "stopped:op:u-bob:", wishFor)
	o.sees("", "unknown-customer:op::", wishFor+"eve@x.example")
	o.sees("u-ann", "started:op:u-ann:", wishFor+"ann@x.example")
	o.sees("", "stopped:op:u-ann: unknown-customer:op::", wishFor+"eve@x.example")
	o.can("true")
	if o.values.Text(key(wishFor[:len(wishFor)-1])) != "" || o.values.Text(key("impersonate.asked")) != "" {
		t.Errorf("the wish stays: %v", plain(o.values))
	}
}

// TestImpersonateEnds: a log-out, a right that is taken away and a customer who is gone end it at the next request,
// and nobody who logs in later takes it over.
func TestImpersonateEnds(t *testing.T) {
	f := func(what, steps string, end func(o *office), after ...string) {
		t.Helper()
		o := newOffice(t)
		o.logs("admin=op@acme.example").sees("u-ann", "started:op:u-ann:", wishFor+"ann@x.example")
		end(o)
		o.sees("", steps)
		o.rule = func(transform.Values) bool { return true }
		o.lookup["ann@x.example"] = "u-ann"
		o.logs(after...).sees("", "")
		if t.Failed() {
			t.Fatal(what)
		}
	}
	f("log-out", "ended:op:u-ann:", func(o *office) { o.logs() }, "admin=other@acme.example")
	f("no operator", "ended:op:u-ann:", func(o *office) { o.rule = func(transform.Values) bool { return false } }, "admin=op@acme.example")
	f("another", "ended:op:u-ann:", func(o *office) { o.logs("admin=eve@evil.example") }, "admin=op@acme.example")
	f("customer gone", "ended:op:u-ann:", func(o *office) { delete(o.lookup, "ann@x.example") }, "admin=op@acme.example")

	// Another operator at the same browser: told as theirs.
	o := newOffice(t)
	o.logs("admin=op@acme.example").sees("u-ann", "started:op:u-ann:", wishFor+"ann@x.example")
	o.logs("admin=two@acme.example").sees("u-ann", "stopped:op:u-ann: started:two:u-ann:")
}

// TestImpersonateDenied: who is no operator is denied, once, and it is forgotten.
func TestImpersonateDenied(t *testing.T) {
	o := newOffice(t)
	o.logs("store=ann@x.example").sees("", "")
	o.can("false")
	o.sees("", "denied:ann::", wishFor+"bob@x.example")
	o.logs("admin=eve@evil.example").sees("", "denied:eve::", wishFor+"bob@x.example")
	o.logs("admin=op@acme.example").sees("", "")

	// A stranger is told of as nobody, and once, whoever they turn out to be.
	o = newOffice(t)
	o.sees("", "denied:::", wishFor+"bob@x.example")
	o.can("")
	o.logs("store=ann@x.example").sees("", "")

	// No operator by what they could say.
	o = newOffice(t)
	o.sees("", "denied:::", wishFor+"bob@x.example", "public.adminUserEmail=op@acme.example", "public.canImpersonate=true")
}

// TestImpersonateNobody: a wish that is said while nobody is logged in does not wait for the operator who logs in next.
func TestImpersonateNobody(t *testing.T) {
	for _, after := range []bool{false, true} {
		o := newOfficeOf(t, after)
		o.sees("", "denied:::", wishFor+"bob@x.example")
		if got := o.values.Text(key("public." + impersonated)); got != "" {
			t.Errorf("the wish for %s stays", got)
		}
		o.logs("admin=op@acme.example").sees("", "")
		o.sees("u-bob", "started:op:u-bob:", wishFor+"bob@x.example")
	}

	// A cookie says it at the log-in too: it is the browser's own.
	o := newOffice(t)
	const cookie = impersonated + "=ann@x.example"
	o.logs(cookie).sees("", "denied::: denied:::", wishFor+"bob@x.example") // two wishes
	o.logs(cookie, "admin=op@acme.example").sees("u-ann", "started:op:u-ann:")
}

// TestImpersonateAtOnce: a log-in and a wish by one request, whoever was logged in before.
func TestImpersonateAtOnce(t *testing.T) {
	f := func(before ...string) {
		t.Helper()
		o := newOffice(t)
		o.logs(before...).sees("", "")
		o.logs("admin=op@acme.example").sees("u-ann", "started:op:u-ann:", wishFor+"ann@x.example")
	}
	f()
	f("store=bob@x.example")
	f("admin=eve@evil.example")
}

// TestImpersonateCookie: the cookie counts where public says nothing.
func TestImpersonateCookie(t *testing.T) {
	o := newOffice(t)
	o.logs("admin=op@acme.example", "vtex-impersonated-customer-email=ann%40x.example").sees("u-ann", "started:op:u-ann:")
	o.sees("u-ann", "")
	o.sees("u-bob", "stopped:op:u-ann: started:op:u-bob:", wishFor+"bob@x.example")
	o.logs("admin=op@acme.example").sees("", "stopped:op:u-bob:", wishFor)
	o.logs("store=ann@x.example", "vtex-impersonated-customer-email=carl@x.example").sees("", "denied:ann::")
	o.logs("store=bob@x.example", "vtex-impersonated-customer-email=carl@x.example").sees("", "denied:bob::")
	o.logs("admin=op@acme.example", "vtex-impersonated-customer-email=eve@x.example").sees("", "unknown-customer:op::")
	o.lookup["eve@x.example"] = "u-eve"
	o.sees("u-eve", "started:op:u-eve:")
	o.logs("store=ann@x.example", "vtex-impersonated-customer-email=ann@x.example").sees("", "stopped:op:u-eve: denied:ann::")
}

// TestImpersonateWithoutLookup: while customers cannot be found an impersonation goes on, and none begins.
func TestImpersonateWithoutLookup(t *testing.T) {
	o := newOffice(t)
	o.logs("admin=op@acme.example").sees("u-ann", "started:op:u-ann:", wishFor+"ann@x.example")
	o.down.Store(true)
	o.sees("u-ann", "")
	o.does(wishFor + "bob@x.example")
	o.are("", "stopped:op:u-ann:", nil)
	o.does()
	o.are("", "", nil)
	o.down.Store(false)
	o.sees("u-bob", "started:op:u-bob:")
	o.down.Store(true)
	o.logs().sees("", "ended:op:u-bob:")
}

// TestImpersonateStep: the request's id is told, and an id that is an e-mail is not.
func TestImpersonateStep(t *testing.T) {
	o := newOffice(t)
	o.lookup["ann@x.example"] = "ann@x.example"
	r, err := o.engine.Run(t.Context(), nil, transform.Change{
		Values: vals(wishFor + "ann@x.example"), Operation: "op-1",
		Cookies: []transform.Cookie{{Name: "admin", Value: "op@acme.example"}},
	})
	if err != nil || r.Values.Text(key("impersonate.storeUserId")) != "ann@x.example" {
		t.Errorf("%v, %v", plain(r.Values), err)
	}
	if got := strings.Join(o.steps, " "); got != "started:op::op-1" {
		t.Error(got)
	}
}

// TestImpersonateLate: of a call that nobody waits for nothing is told.
func TestImpersonateLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	i, err := transform.NewImpersonate(transform.ImpersonateOptions{
		Operator: func(transform.Values) bool { return true },
		Customer: func(context.Context, string) (string, error) { cancel(); return "u", nil },
		Observe:  func(transform.Step) { told++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	in := vals(wishFor+"a@x.example", "authentication.adminUserId=op", "impersonate.asked=?a@x.example")
	if _, err := i.Transform(ctx, in); err != nil || told != 0 {
		t.Errorf("%v, %d steps", err, told)
	}
}

func TestNewImpersonate(t *testing.T) {
	rule := func(transform.Values) bool { return true }
	lookup := func(context.Context, string) (string, error) { return "", errors.New("none") }
	for _, o := range []transform.ImpersonateOptions{{}, {Operator: rule}, {Customer: lookup}} {
		if _, err := transform.NewImpersonate(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	i, err := transform.NewImpersonate(transform.ImpersonateOptions{Operator: rule, Customer: lookup})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Spec().Validate(); err != nil || !i.Spec().Refresh {
		t.Errorf("%v", err)
	}
	if _, err := i.Transform(t.Context(), vals(wishFor+"a@x.example", "authentication.adminUserId=op", "impersonate.asked=?a@x.example")); err == nil {
		t.Error("the lookup's failure is lost")
	}
}

func TestStepNames(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range transform.StepKinds() {
		if k.String() == "" || seen[k.String()] {
			t.Errorf("%d: %q", k, k.String())
		}
		seen[k.String()] = true
	}
	if len(seen) != 5 || !seen["unknown-customer"] {
		t.Errorf("%v", seen)
	}
}
