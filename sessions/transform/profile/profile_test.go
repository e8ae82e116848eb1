package profile_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/profile"
)

const customers = `id,email,firstName,lastName,document,phone,priceTables
c1,Ann@x.example,Ann,Ash,111,+55 11 1,gold;vip
c2,bob@x.example,Bob,Birch,222,,silver
c3,,Cy,,,,
,dee@x.example,,,,,"a; b ,a"
`

// vals makes Values of words "ns.key=text".
func vals(words ...string) transform.Values {
	v := transform.Values{}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		namespace, key, _ := strings.Cut(name, ".")
		v.Put(transform.Key{Namespace: namespace, Name: key}, transform.TextValue(text))
	}
	return v
}

// plain gives the outputs that have a value.
func plain(v transform.Values) map[string]string {
	m := map[string]string{}
	for k := range v.All() {
		if text := v.Text(k); text != "" {
			m[k.String()] = text
		}
	}
	return m
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newApp(t testing.TB, o profile.Options) *profile.Profile {
	t.Helper()
	p, err := profile.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// asked is a test of what an app gives for inputs; want are words "key=text" of namespace profile. All eight keys are
// always given.
func asked(t *testing.T, p *profile.Profile) func(in string, want ...string) {
	return func(in string, want ...string) {
		t.Helper()
		out, err := p.Transform(t.Context(), vals(strings.Fields(in)...))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			return
		}
		for i := range want {
			want[i] = "profile." + want[i]
		}
		if diff := cmp.Diff(plain(vals(want...)), plain(out)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
		if len(out) != 1 || len(out["profile"]) != 8 {
			t.Errorf("%s: not every key is given: %v", in, out)
		}
	}
}

func ann(more ...string) []string {
	return append([]string{
		"id=c1", "email=ann@x.example", "firstName=Ann", "lastName=Ash", "document=111", "phone=+55 11 1", "priceTables=gold,vip",
		"isAuthenticated=true",
	}, more...)
}

func TestTransform(t *testing.T) {
	f := asked(t, newApp(t, profile.Options{File: write(t, "customers.csv", customers)}))
	f("", "isAuthenticated=false")
	f("authentication.storeUserId=c1", ann()...)
	f("authentication.storeUserEmail=ann@x.example", ann()...)
	f("authentication.storeUserEmail=ANN@X.example", ann()...)
	f("authentication.storeUserId=c3 authentication.storeUserEmail=Cy@x.example", "id=c3", "email=cy@x.example", "firstName=Cy", "isAuthenticated=true")
	f("authentication.storeUserId=d4 authentication.storeUserEmail=dee@x.example", "id=d4", "email=dee@x.example", "priceTables=a,b", "isAuthenticated=true")

	// An e-mail that was a customer's is no proof of being the customer: the id is.
	f("authentication.storeUserId=unknown authentication.storeUserEmail=ann@x.example", "id=unknown", "email=ann@x.example", "isAuthenticated=true")
	f("impersonate.storeUserId=unknown impersonate.storeUserEmail=ann@x.example", "id=unknown", "email=ann@x.example", "isAuthenticated=true")
	// The id counts before the e-mail.
	f("authentication.storeUserId=c1 authentication.storeUserEmail=bob@x.example", ann()...)
	// Logged in, and no customer.
	f("authentication.storeUserId=new authentication.storeUserEmail=New@x.example", "id=new", "email=new@x.example", "isAuthenticated=true")
	// An operator who acts as a customer sees that customer's prices, whoever they are themselves.
	f("impersonate.storeUserId=c1 authentication.storeUserId=c2", ann()...)
	f("impersonate.storeUserEmail=ann@x.example authentication.storeUserEmail=bob@x.example", ann()...)
	f("impersonate.storeUserEmail=nobody@x.example authentication.storeUserId=c1", "email=nobody@x.example", "isAuthenticated=true")
}

// TestEmailsOfOthers: a letter whose lower case is in ASCII makes another address.
func TestEmailsOfOthers(t *testing.T) {
	p := newApp(t, profile.Options{File: write(t, "customers.csv", "id,email,priceTables\nk,Kim@x.example,gold\n"), TrustPublicEmail: true})
	f := asked(t, p)
	f("authentication.storeUserEmail=KIM@X.example", "id=k", "email=kim@x.example", "priceTables=gold", "isAuthenticated=true")
	for _, other := range []string{"\u212aim@x.example", "k\u0130m@x.example"} {
		f("authentication.storeUserEmail="+other, "email="+other, "isAuthenticated=true")
		f("public.storeUserEmail="+other, "isAuthenticated=false")
		if id, err := p.Customer(t.Context(), other); id != "" || err != nil {
			t.Errorf("%q: %q, %v", other, id, err)
		}
	}
	// Nor does the answer of a server that folds them.
	url := server(t, func(w http.ResponseWriter, _ string) {
		_, _ = io.WriteString(w, `{"id":"k","email":"kim@x.example","priceTables":["gold"]}`)
	})
	fails(t, newApp(t, profile.Options{HTTP: url}), "authentication.storeUserEmail=\u212aim@x.example", "another customer")
}

// TestPublicEmail: what anyone may write loads nothing unless trusted, and then the price tables alone.
func TestPublicEmail(t *testing.T) {
	path := write(t, "customers.csv", customers)
	f := asked(t, newApp(t, profile.Options{File: path}))
	f("public.storeUserEmail=ann@x.example", "isAuthenticated=false")
	f("public.storeUserEmail=ann@x.example authentication.storeUserId=c2",
		"id=c2", "email=bob@x.example", "firstName=Bob", "lastName=Birch", "document=222", "priceTables=silver", "isAuthenticated=true")

	f = asked(t, newApp(t, profile.Options{File: path, TrustPublicEmail: true}))
	f("public.storeUserEmail=Ann@x.example", "priceTables=gold,vip", "isAuthenticated=false")
	f("public.storeUserEmail=nobody@x.example", "isAuthenticated=false")
	f("public.storeUserEmail=c1", "isAuthenticated=false")
	f("public.storeUserEmail=bob@x.example authentication.storeUserId=c1", ann()...)
}

func TestSpec(t *testing.T) {
	path := write(t, "customers.csv", customers)
	f := func(trust bool, want transform.Declaration) {
		t.Helper()
		spec := newApp(t, profile.Options{File: path, TrustPublicEmail: trust, Timeout: 7}).Spec()
		if diff := cmp.Diff(want, spec.Input); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if err := spec.Validate(); err != nil || spec.Name != "profile" || !spec.Refresh || spec.Timeout != 7 || len(spec.Output["profile"]) != 8 {
			t.Errorf("%v, %+v", err, spec)
		}
	}
	names := []string{"storeUserId", "storeUserEmail"}
	f(false, transform.Declaration{"authentication": names, "impersonate": names})
	f(true, transform.Declaration{"authentication": names, "impersonate": names, "public": {"storeUserEmail"}})
}

// session is one shopper of an Engine with the app alone.
type session struct {
	t      *testing.T
	engine *transform.Engine
	values transform.Values
	marks  transform.Marks
}

func newSession(t *testing.T, p *profile.Profile) *session {
	t.Helper()
	e, err := transform.New([]transform.App{p}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &session{t: t, engine: e, values: transform.Values{}}
}

func (s *session) does(words ...string) transform.Result {
	s.t.Helper()
	r, err := s.engine.Run(s.t.Context(), s.values, transform.Change{Values: vals(words...), Marks: s.marks})
	if err != nil {
		s.t.Fatal(err)
	}
	s.values, s.marks = r.Values, r.Marks
	return r
}

func (s *session) tables(want string) {
	s.t.Helper()
	if got := s.values.Text(transform.Key{Namespace: "profile", Name: "priceTables"}); got != want {
		s.t.Errorf("price tables %q, want %q", got, want)
	}
}

// TestSessions: log-in, another customer, log-out, through the Engine: nothing of one stays for the next.
func TestSessions(t *testing.T) {
	s := newSession(t, newApp(t, profile.Options{File: write(t, "customers.csv", customers)}))
	s.does("public.storeUserEmail=ann@x.example")
	s.tables("")
	s.does("authentication.storeUserId=c1")
	s.tables("gold,vip")
	s.does("authentication.storeUserId=c3")
	s.tables("")
	if text := s.values.Text(transform.Key{Namespace: "profile", Name: "phone"}); text != "" {
		t.Errorf("the phone of the one before: %q", text)
	}
	s.does("impersonate.storeUserEmail=bob@x.example")
	s.tables("silver")
	s.does("impersonate.storeUserEmail=", "authentication.storeUserId=")
	if diff := cmp.Diff(map[string]string{"public.storeUserEmail": "ann@x.example", "profile.isAuthenticated": "false"}, plain(s.values)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNewRefuses(t *testing.T) {
	f := func(o profile.Options, want string) {
		t.Helper()
		p, err := profile.New(o)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("it tells a secret: %v", err)
		}
	}
	f(profile.Options{}, "want one of file, http and sql")
	f(profile.Options{File: "a.csv", HTTP: "http://x"}, "want one of file, http and sql")
	f(profile.Options{File: "customers.txt"}, "is no .csv, .yaml or .yml")
	f(profile.Options{File: filepath.Join(t.TempDir(), "none.csv")}, "none.csv: no such file")
	f(profile.Options{HTTP: "ftp://x"}, "no http or https URL")
	f(profile.Options{HTTP: "http://u:secret@"}, "no http or https URL")
	f(profile.Options{HTTP: "http://u:secret@x:y/"}, "no URL")
	f(profile.Options{SQL: profile.SQL{DSN: "host=x"}}, "want @id or @email")
	f(profile.Options{SQL: profile.SQL{DSN: "host=x password=secret port=abc", Query: "SELECT @id"}}, "dsn")
}
