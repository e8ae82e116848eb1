package transform_test

import (
	"cmp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// officeCall is a request: the cookies, by their short names, what is said in public, whom the session is then and what is told.
type officeCall struct{ cookies, says, customer, steps string }

const (
	silent = ""     // nothing is said of impersonation
	stop   = "stop" // "" is
)

// said is what is written for officeCall.says.
func said(says string) []string {
	switch says {
	case silent:
		return nil
	case stop:
		return []string{wishFor}
	}
	return []string{wishFor + says}
}

func shortCookies() map[string]string {
	return map[string]string{
		"op": "admin=op@acme.example", "two": "admin=two@acme.example", "evil": "admin=evil@evil.example", "carl": "store=carl@x.example",
		"ann": impersonated + "=ann%40x.example", "bob": impersonated + "=bob@x.example", "eve": impersonated + "=eve@x.example",
	}
}

func (o *office) call(c officeCall) {
	o.t.Helper()
	var cookies []string
	for word := range strings.FieldsSeq(c.cookies) {
		cookies = append(cookies, shortCookies()[word])
	}
	o.logs(cookies...).sees(c.customer, c.steps, said(c.says)...)
}

// inOffices runs requests with the app after that of the log-in, and before it.
func inOffices(t *testing.T, what string, calls ...officeCall) {
	t.Helper()
	for _, after := range []bool{false, true} {
		o := newOfficeOf(t, after)
		for _, c := range calls {
			o.call(c)
		}
		if t.Failed() {
			t.Fatal(what)
		}
	}
}

// TestImpersonateStop: "" stops, whatever customer the browser's cookie goes on naming; another cookie, and public, begin anew.
func TestImpersonateStop(t *testing.T) {
	const annMail, bobMail, eveMail = "ann@x.example", "bob@x.example", "eve@x.example"
	f := func(what string, calls ...officeCall) { t.Helper(); inOffices(t, what, calls...) }
	began := officeCall{"op ann", silent, "u-ann", "started:op:u-ann:"}
	stopped := officeCall{"op ann", stop, "", "stopped:op:u-ann:"}
	still := officeCall{"op ann", silent, "", ""}
	f("by the cookie", began, stopped, still, officeCall{"op ann", stop, "", ""}, still)
	f("by public, beside the cookie", officeCall{"op", annMail, "u-ann", "started:op:u-ann:"}, officeCall{"op ann", silent, "u-ann", ""}, stopped, still)
	f("the cookie comes with the stop, and not always", officeCall{"op", annMail, "u-ann", "started:op:u-ann:"}, stopped, officeCall{"op", silent, "", ""}, still)
	f("the same customer anew", began, stopped, officeCall{"op ann", " ANN@x.example", "u-ann", "started:op:u-ann:"}, officeCall{"op ann", silent, "u-ann", ""}, stopped, still)
	f("another customer", began, stopped, officeCall{"op ann", bobMail, "u-bob", "started:op:u-bob:"}, officeCall{"op ann", stop, "", "stopped:op:u-bob:"}, still)
	f("a customer whom nobody knows", began, stopped, officeCall{"op ann", eveMail, "", "unknown-customer:op::"}, still)
	f("another cookie", began, stopped, officeCall{"op bob", silent, "u-bob", "started:op:u-bob:"}, officeCall{"op ann", silent, "u-ann", "stopped:op:u-bob: started:op:u-ann:"})
	f("a log-out after it, and another operator", began, stopped, officeCall{"ann", silent, "", ""}, officeCall{"two ann", silent, "", ""}, officeCall{"two bob", silent, "u-bob", "started:two:u-bob:"})
	f("by the log-out's request", began, officeCall{"ann", stop, "", "stopped:op:u-ann:"}, still)
	f("by another operator's", began, officeCall{"two ann", stop, "", "stopped:op:u-ann:"}, still)
	f("by that of another cookie", began, officeCall{"op bob", stop, "", "stopped:op:u-ann:"}, officeCall{"op bob", silent, "", ""}, began)
	f("by the log-in's request", officeCall{"op ann", stop, "", ""}, still)
	f("before the log-in", officeCall{"ann", stop, "", ""}, still)
	f("by space", began, officeCall{"op ann", " ", "", "stopped:op:u-ann:"}, still, officeCall{"op bob", silent, "u-bob", "started:op:u-bob:"})
	ended := officeCall{"ann", silent, "", "ended:op:u-ann:"}
	f("by the log-out", began, ended, officeCall{"two ann", silent, "", ""}, still, officeCall{"op bob", silent, "u-bob", "started:op:u-bob:"})
	f("by the log-out, of who said it in public", officeCall{"op ann", annMail, "u-ann", "started:op:u-ann:"}, ended, still, officeCall{"two ann", annMail, "u-ann", "started:two:u-ann:"})
	f("before the session sees the cookie", officeCall{"op", annMail, "u-ann", "started:op:u-ann:"}, officeCall{"op", stop, "", "stopped:op:u-ann:"}, still)
	f("by a log-out before that", officeCall{"op", annMail, "u-ann", "started:op:u-ann:"}, officeCall{"", silent, "", "ended:op:u-ann:"}, still)
	f("by the cookie's end", began, officeCall{"op", silent, "", "stopped:op:u-ann:"}, began)
}

// TestImpersonateStopNull: null in place of "" stops too, as does what is no text.
func TestImpersonateStopNull(t *testing.T) {
	for _, value := range []string{`""`, "null", "false", `"\t"`} {
		o := newOffice(t)
		o.call(officeCall{"op ann", silent, "u-ann", "started:op:u-ann:"})
		change := transform.Change{Values: transform.Values{"public": {impersonated: []byte(value)}}, Cookies: o.cookie, Marks: o.marks}
		r, err := o.engine.Run(t.Context(), o.values, change)
		if err != nil {
			t.Fatal(err)
		}
		o.values, o.marks = r.Values, r.Marks
		o.are("", "stopped:op:u-ann:", []string{value})
		o.call(officeCall{"op ann", silent, "", ""})
		if got := o.values.Get(key("public." + impersonated)); got != nil {
			t.Errorf("%s stays as %s", value, got)
		}
	}
}

// TestImpersonateStopTellsNoEmail: whoever has the browser next can read the session.
func TestImpersonateStopTellsNoEmail(t *testing.T) {
	o := newOffice(t)
	o.call(officeCall{"op ann", silent, "u-ann", "started:op:u-ann:"})
	o.call(officeCall{"op ann", stop, "", "stopped:op:u-ann:"})
	o.call(officeCall{"", silent, "", ""})
	if text := text("%v", plain(o.values)); strings.Contains(text, "ann@") {
		t.Error(text)
	}
}

// TestImpersonateDeniedOnce: of a wish that comes to nothing one step is told, though the cookie repeats it.
func TestImpersonateDeniedOnce(t *testing.T) {
	const annMail, bobMail = "ann@x.example", "bob@x.example"
	f := func(what string, calls ...officeCall) { t.Helper(); inOffices(t, what, calls...) }
	nobody := officeCall{"ann", silent, "", "denied:::"}
	still := officeCall{"ann", silent, "", ""}
	f("each wish by public", officeCall{"", annMail, "", "denied:::"}, officeCall{"", annMail, "", "denied:::"}, officeCall{"", silent, "", ""})
	f("the cookie's", nobody, still, still, officeCall{"bob", silent, "", "denied:::"}, nobody)
	f("one that both say", officeCall{"ann", " ANN@x.example", "", "denied:::"}, still)
	f("another by public meanwhile", nobody, officeCall{"ann", bobMail, "", "denied:::"}, still)
	f("at the log-in", officeCall{"op ann", silent, "u-ann", "started:op:u-ann:"})
	f("at the log-in, by public", officeCall{"", silent, "", ""}, officeCall{"op", annMail, "u-ann", "started:op:u-ann:"})
	f("before the log-in", nobody, officeCall{"op ann", silent, "u-ann", "started:op:u-ann:"}, officeCall{"ann", silent, "", "ended:op:u-ann:"}, still, still)
	f("with the log-out", officeCall{"op", silent, "", ""}, officeCall{"", annMail, "", "denied:::"})
	f("another with the log-out", officeCall{"op", annMail, "u-ann", "started:op:u-ann:"}, officeCall{"", bobMail, "", "stopped:op:u-ann: denied:::"})
	f("who is no operator", nobody, officeCall{"carl ann", silent, "", "denied:carl::"}, still, officeCall{"carl ann", silent, "", ""}, officeCall{"evil ann", silent, "", "denied:evil::"})
	f("after an operator", officeCall{"op ann", silent, "u-ann", "started:op:u-ann:"}, officeCall{"evil ann", silent, "", "ended:op:u-ann:"})
	f("of none", officeCall{"", stop, "", ""}, officeCall{"ann", stop, "", ""}, still)
}

// told is a rough model of a session and of what was told of it.
type told struct {
	cookie, stopped     string
	operator, customer  string // who acts as whom
	denied              bool   // a denial was told since the cookie is what it is
	last                string // and who was logged in then, if anybody was at any
	mustAct, mustNotAct string // why, after the last request; "" for no reason
}

// request takes in what a request says.
func (m *told) request(who, cookie, says string) {
	if cookie != m.cookie {
		m.denied, m.last = false, ""
	}
	if cookie != "" && cookie != m.stopped {
		m.stopped = ""
	}
	if says == stop && cookie+m.customer != "" {
		m.stopped = cmp.Or(cookie, strings.TrimPrefix(m.customer, "u-"))
	}
	m.cookie, m.mustAct, m.mustNotAct = cookie, "", ""
	operates, known := who == "op" || who == "two", map[string]string{"ann": "u-ann", "bob": "u-bob"}
	email, _, _ := strings.Cut(says, "@")
	switch {
	case !operates:
		m.mustNotAct = "nobody may"
	case says == stop:
		m.mustNotAct = "they stopped"
	case says != silent && known[email] == "":
	case says != silent:
		m.mustAct = known[email]
	case m.customer == "" && cookie == m.stopped:
		m.mustNotAct = "it was stopped"
	case m.customer == "":
		m.mustAct = known[cookie]
	}
}

// hears takes in a step, and says what is wrong with it.
func (m *told) hears(step, says string) string {
	p := strings.Split(step, ":")
	kind, operator, customer := p[0], p[1], p[2]
	switch kind {
	case "started":
		if m.customer != "" {
			return "started twice"
		}
		m.operator, m.customer, m.denied, m.last = operator, customer, false, ""
		if customer == "u-"+m.stopped {
			m.stopped = "" // public said it anew
		}
	case "stopped", "ended":
		if customer == "" || m.operator != operator || m.customer != customer {
			return "over what had not begun"
		}
		m.operator, m.customer = "", ""
		if name := strings.TrimPrefix(customer, "u-"); kind == "ended" && (m.cookie == "" || m.cookie == name) {
			m.stopped = name
		}
	case "unknown-customer":
		m.denied, m.last = true, operator
	case "denied":
		if says == silent && m.denied && (operator == "" || operator == m.last) {
			return "denied once more"
		}
		m.denied, m.last = true, cmp.Or(operator, m.last)
	}
	return ""
}

// TestImpersonateSteps: whatever is said in whatever order, each request comes to rest, steps are those of a life (started, then
// stopped or ended), a stop lasts, and a denial is told once.
func TestImpersonateSteps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o, m := newOfficeOf(t, rapid.Bool().Draw(rt, "after")), told{}
		who, cookie := "", ""
		for range rapid.IntRange(1, 12).Draw(rt, "requests") {
			if rapid.IntRange(0, 2).Draw(rt, "log in or out") == 0 {
				who = rapid.SampledFrom([]string{"", "op", "op", "two", "evil", "carl"}).Draw(rt, "who")
			}
			if rapid.IntRange(0, 3).Draw(rt, "write the cookie") == 0 {
				cookie = rapid.SampledFrom([]string{"", "ann", "bob", "eve"}).Draw(rt, "cookie")
			}
			says := rapid.SampledFrom([]string{silent, silent, silent, stop, stop, "ann@x.example", "bob@x.example", "eve@x.example"}).Draw(rt, "says")
			m.request(who, cookie, says)
			o.logs()
			for _, name := range []string{who, cookie} {
				if name != "" {
					o.logs(append(pairs(o.cookie), shortCookies()[name])...)
				}
			}
			if fault := o.lives(&m, says); fault != "" {
				rt.Fatalf("%q, cookie %q, says %q: %s\n%+v\n%v", who, cookie, says, fault, m, plain(o.values))
			}
		}
	})
}

func pairs(cookies []transform.Cookie) (all []string) {
	for _, c := range cookies {
		all = append(all, c.Name+"="+c.Value)
	}
	return all
}

// lives makes a request and says what is wrong with what came of it.
func (o *office) lives(m *told, says string) string {
	r := o.does(said(says)...)
	steps := o.steps
	o.steps = nil
	for _, step := range steps {
		if fault := m.hears(step, says); fault != "" {
			return fault + ": " + strings.Join(steps, " ")
		}
	}
	got := o.values.Text(key("impersonate.storeUserId"))
	again := o.does()
	switch {
	case r.Loop != nil:
		return text("a loop: %+v", r.Loop)
	case got != m.customer:
		return text("acts as %q, told was %q", got, m.customer)
	case m.mustAct != "" && got != m.mustAct:
		return text("acts as %q, not %q", got, m.mustAct)
	case m.mustNotAct != "" && got != "":
		return text("acts as %q, though %s", got, m.mustNotAct)
	case len(again.Changed) > 0 || len(o.steps) > 0:
		return text("not at rest: %v, told %v", again.Changed, o.steps)
	}
	return ""
}
