// Package profile is the app `profile`: who a customer is and which price tables they have. Customers come from a CSV or
// YAML file, which is watched, from an HTTP endpoint, or from PostgreSQL.
package profile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// Options of the app. One of File, HTTP and SQL says where the customers are.
type Options struct {
	File string // customers.csv, .yaml or .yml
	HTTP string // http or https URL that customers are asked of
	SQL  SQL
	// TrustPublicEmail has public.storeUserEmail, which any shopper may write, load that customer's price tables; nothing
	// else of them. Without it that key loads nothing.
	TrustPublicEmail bool
	// Told hears of each file that was read or could not be, the first included. It is called by one goroutine at a
	// time. nil: nobody is told.
	Told func(Load)
	// Transport carries the requests of HTTP; nil: one of the app's own, which heeds no proxy of the environment.
	Transport http.RoundTripper
	Timeout   time.Duration // of one call; 0: the Engine's own
}

// Load tells what became of a file. It holds no values of customers.
type Load struct {
	Path      string
	Customers int           // that are in use now; those of before where Err is set
	Took      time.Duration // reading it
	Err       error         // why the file was not taken; nil: it was
}

// source is where customers are looked up, by id or, where that is not found or "", by e-mail as FoldEmail gives it. No
// error holds a value of a customer.
type source interface {
	find(ctx context.Context, id, email string) (c Customer, found bool, err error)
	close()
}

// Profile is the App. It is safe for concurrent use.
type Profile struct {
	from    source
	trust   bool
	timeout time.Duration
}

// New returns the app, or why it cannot: a file has been read whole by then, a server has not been asked yet. Close
// ends what it started.
func New(o Options) (*Profile, error) {
	if o.Told == nil {
		o.Told = func(Load) {}
	}
	p := &Profile{trust: o.TrustPublicEmail, timeout: o.Timeout}
	chosen := 0
	for _, is := range []bool{o.File != "", o.HTTP != "", o.SQL != SQL{}} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		return nil, errors.New("profile.customers: want one of file, http and sql")
	}
	var err error
	switch {
	case o.File != "":
		p.from, err = newFile(o.File, o.Told)
		err = transform.AtKey("profile.customers.file: "+o.File, err)
	case o.HTTP != "":
		p.from, err = newEndpoint(o.HTTP, o.Transport)
	default:
		p.from, err = newDatabase(o.SQL)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Close stops watching and closes connections. The app is not to be called any more.
func (p *Profile) Close() { p.from.close() }

// Spec implements transform.App (facts, part 4).
func (p *Profile) Spec() transform.Spec {
	in := transform.Declaration{"authentication": {"storeUserId", "storeUserEmail"}, "impersonate": {"storeUserId", "storeUserEmail"}}
	if p.trust {
		in[transform.PublicNamespace] = []string{"storeUserEmail"}
	}
	return transform.Spec{
		Name: "profile", Input: in,
		Output:  transform.Declaration{"profile": outputs()},
		Timeout: p.timeout,
		// A price table is taken away while the session stays as it is.
		Refresh: true,
	}
}

func outputs() []string {
	return []string{"id", "email", "firstName", "lastName", "phone", "document", "priceTables", "isAuthenticated"}
}

// shopper is whom a session says that it belongs to.
type shopper struct {
	id, email string
	proven    bool // by logging in, or by an operator who may
}

func (s shopper) nobody() bool { return s.id == "" && s.email == "" }

// who finds the shopper: the customer that an operator acts as, else the one who is logged in, else the one that the
// session names without proof, where that counts.
func (p *Profile) who(in transform.Values) shopper {
	for _, namespace := range []string{"impersonate", "authentication"} {
		s := shopper{
			id:     in.Text(transform.Key{Namespace: namespace, Name: "storeUserId"}),
			email:  transform.FoldEmail(in.Text(transform.Key{Namespace: namespace, Name: "storeUserEmail"})),
			proven: true,
		}
		if !s.nobody() {
			return s
		}
	}
	if !p.trust {
		return shopper{}
	}
	return shopper{email: transform.FoldEmail(in.Text(transform.Key{Namespace: transform.PublicNamespace, Name: "storeUserEmail"}))}
}

// Transform implements transform.App. Every output is given each time, "" for what is not known, so that nothing of
// one customer stays for the next. Who is logged in and is no customer has an id, an e-mail and no price table; so has
// whose e-mail is that of a customer with another id.
func (p *Profile) Transform(ctx context.Context, in transform.Values) (transform.Values, error) {
	s := p.who(in)
	if s.nobody() {
		return give(Customer{}, false), nil
	}
	c, found, err := p.from.find(ctx, s.id, s.email)
	switch {
	case err != nil:
		return nil, fmt.Errorf("customers: %w", err)
	case found && !c.is(s.id, s.email):
		return nil, errAnother
	case c.another(s.id):
		c = Customer{}
	}
	if !s.proven { // anyone may say so: the tables alone, and nothing that tells who it is
		return give(Customer{PriceTables: c.PriceTables}, false), nil
	}
	if c.ID == "" {
		c.ID = s.id
	}
	if c.Email == "" {
		c.Email = s.email
	}
	return give(c, true), nil
}

// Customer gives the id of the customer with this e-mail, without regard to case; "" for none. A customer without an id
// has the e-mail in its place: a session with both finds them, and whoever keeps ids has something to tell them by.
func (p *Profile) Customer(ctx context.Context, email string) (id string, err error) {
	if email = transform.FoldEmail(email); email == "" {
		return "", nil
	}
	c, found, err := p.from.find(ctx, "", email)
	switch {
	case err != nil:
		return "", fmt.Errorf("customers: %w", err)
	case !found:
		return "", nil
	case !c.is("", email):
		return "", errAnother
	case c.ID == "":
		return email, nil
	}
	return c.ID, nil
}

var errAnother = errors.New("customers: the answer is about another customer than was asked for")

func give(c Customer, authenticated bool) transform.Values {
	is := "false"
	if authenticated {
		is = "true"
	}
	out := transform.Values{}
	for name, text := range map[string]string{
		"id": c.ID, "email": c.Email, "firstName": c.FirstName, "lastName": c.LastName, "phone": c.Phone,
		"document": c.Document, "priceTables": strings.Join(c.PriceTables, ","), "isAuthenticated": is,
	} {
		out.Put(transform.Key{Namespace: "profile", Name: name}, transform.TextValue(text))
	}
	return out
}
