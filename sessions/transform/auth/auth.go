package auth

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// Options of the app. Account, and one of KeysFile and JWKSURL, must be set.
type Options struct {
	// Account is ours: tokens of others do not count.
	Account string
	// Cookie matches the whole names of the cookies with a shopper's token. "": VtexIdclientAutCookie_<Account>.
	Cookie string
	// AdminCookie is that for an operator's token. "": VtexIdclientAutCookie.
	AdminCookie string
	// Issuer is the `iss` that tokens must have. "": any.
	Issuer string
	// KeysFile is a JWK set. It is read by New, and again within 2 s of a change, by the next call.
	KeysFile string
	// JWKSURL gives a JWK set, without keys of type oct. It is first asked by the first call with a token.
	JWKSURL string
	URL     URLOptions
	// Client fetches JWKSURL; only its transport counts. nil: connections of its own, that heed no proxy.
	Client *http.Client
	// Timeout is that of the Spec; 0: the Engine's own.
	Timeout time.Duration
	// Verdict is told of each token that was looked at, for metrics; Loaded of keys that were loaded, and of those that
	// could not be while the ones of before stay. Both are called by several goroutines at once. nil: nobody is told.
	Verdict func(Verdict)
	Loaded  func(Load)
}

// maxTokens bounds the tokens of one call that are verified.
const maxTokens = 8

// Auth is the App. It is safe for concurrent use.
type Auth struct {
	o              Options
	cookie, admins *regexp.Regexp
	source         source
}

// New returns the app, or every fault of o, joined, that of the keys file among them. Close ends it.
func New(o Options) (*Auth, error) {
	o = o.withDefaults()
	var errs []error
	if o.Account == "" {
		errs = append(errs, transform.AtKey("authentication", errors.New("no account, whose tokens are to count")))
	}
	a := &Auth{o: o}
	var err error
	if a.cookie, err = anchored("authentication.cookie", o.Cookie); err != nil {
		errs = append(errs, err)
	}
	if a.admins, err = anchored("authentication.admin_cookie", o.AdminCookie); err != nil {
		errs = append(errs, err)
	}
	switch {
	case o.KeysFile == "" && o.JWKSURL == "" || o.KeysFile != "" && o.JWKSURL != "":
		err = transform.AtKey("authentication", errors.New("want one of keys_file and jwks_url"))
	case o.KeysFile != "":
		a.source, err = given(openKeyFile(o.KeysFile, o.Loaded))
		err = transform.AtKey("authentication.keys_file: "+o.KeysFile, err)
	default:
		a.source, err = given(openKeyURL(o.JWKSURL, o.URL, o.Client, o.Loaded))
		err = transform.AtKey("authentication.jwks_url", err)
	}
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return a, nil
}

// given keeps a nil pointer from becoming a source that is not nil.
func given[S source](s S, err error) (source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Cookie == "" {
		o.Cookie = regexp.QuoteMeta("VtexIdclientAutCookie_" + o.Account)
	}
	if o.AdminCookie == "" {
		o.AdminCookie = "VtexIdclientAutCookie"
	}
	if o.Verdict == nil {
		o.Verdict = func(Verdict) {}
	}
	if o.Loaded == nil {
		o.Loaded = func(Load) {}
	}
	return o
}

// anchored compiles a pattern as transform.Declaration does.
func anchored(name, pattern string) (*regexp.Regexp, error) {
	list, err := transform.Declaration{transform.CookieNamespace: {pattern}}.Compile()
	if err != nil {
		return nil, transform.AtKey(name, err)
	}
	return list[0], nil
}

// Close ends a fetch that runs. Calls after it use what keys there are.
func (a *Auth) Close() { a.source.close() }

// Spec implements App (facts, part 4; the B2B outputs as FastStore reads them, part 3).
func (a *Auth) Spec() transform.Spec {
	return transform.Spec{
		Name:    "authentication",
		Input:   transform.Declaration{transform.CookieNamespace: {a.o.Cookie, a.o.AdminCookie}},
		Output:  transform.Declaration{namespace: slices.Sorted(maps.Keys(nobody()[namespace]))},
		Refresh: true, // tokens expire, keys are revoked
		Timeout: a.o.Timeout,
	}
}

const namespace = "authentication"

// outputs gives all outputs, of a shopper and of an operator: each may be nobody.
func outputs(shopper, operator identity) transform.Values {
	out := transform.Values{}
	for name, text := range map[string]string{
		"storeUserId": shopper.user, "storeUserEmail": shopper.email,
		"customerId": shopper.customer, "unitId": shopper.unit, "isRepresentative": shopper.agent,
		"adminUserId": operator.user, "adminUserEmail": operator.email,
	} {
		out.Put(transform.Key{Namespace: namespace, Name: name}, transform.TextValue(text))
	}
	return out
}

func nobody() transform.Values { return outputs(identity{}, identity{}) }

// Transform implements App. Its only error is that there are no keys.
func (a *Auth) Transform(ctx context.Context, in transform.Values) (transform.Values, error) {
	cookies := slices.Sorted(maps.Keys(in[transform.CookieNamespace]))
	if len(cookies) == 0 {
		return nobody(), nil
	}
	tokens := make([]shown, 0, len(cookies))
	for _, name := range cookies {
		tokens = append(tokens, shown{name, in.Text(transform.Key{Namespace: transform.CookieNamespace, Name: name})})
	}
	ctx, cancel := halved(ctx)
	defer cancel()
	set, err := a.source.keys(ctx)
	if err != nil {
		return a.unverified(tokens, err)
	}
	return a.verified(ctx, set, a.hopeful(tokens)), nil
}

// hopeful are the tokens that are verified. Of more than may be, those come first that say of themselves what a token must, so that
// no number of stale cookies hides the one that counts. To see that costs no more than reading the request did.
func (a *Auth) hopeful(tokens []shown) []shown {
	if len(tokens) <= maxTokens {
		return tokens
	}
	now := time.Now()
	var hopeful, others []shown
	for _, t := range tokens {
		if stated(now, t.token, a.rules()) == VerdictValid {
			hopeful = append(hopeful, t)
		} else {
			others = append(others, t)
		}
	}
	return append(hopeful, others...)[:maxTokens]
}

func (a *Auth) rules() rules { return rules{a.o.Account, a.o.Issuer} }

// halved leaves time to answer after a wait for keys that do not come: by a call that ran out of time the Engine would
// keep who is logged in by a token that is over, or a key that is gone.
func halved(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithTimeout(ctx, time.Second)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// shown is a token in a cookie.
type shown struct{ cookie, token string }

// verified finds who the tokens prove. A key that is not in the set may have been published since: then they are all
// looked at once more.
func (a *Auth) verified(ctx context.Context, set *KeySet, tokens []shown) transform.Values {
	out, verdicts := a.look(set, tokens)
	if slices.Contains(verdicts, VerdictUnknownKey) {
		if newer := a.source.renewed(ctx, set); newer != nil {
			out, verdicts = a.look(newer, tokens)
		}
	}
	for _, v := range verdicts {
		a.o.Verdict(v)
	}
	return out
}

func (a *Auth) look(set *KeySet, tokens []shown) (transform.Values, []Verdict) {
	var shopper, operator identity
	now := time.Now()
	verdicts := make([]Verdict, len(tokens))
	for i, t := range tokens {
		var id identity
		id, verdicts[i] = set.verify(now, t.token, a.rules())
		if verdicts[i] != VerdictValid {
			continue
		}
		of := &shopper
		switch a.roleOf(t.cookie, id.role) {
		case roleUnsaid:
			verdicts[i] = VerdictAudience
			continue
		case roleOperator:
			of = &operator
		}
		if of.user == "" {
			*of = id
		}
	}
	return outputs(shopper, operator), verdicts
}

// roleOf is whom a token in a cookie proves: whom it was issued for, if that is whom the cookie is for. Of a token that does not say
// the cookie does, a shopper where it may be both.
func (a *Auth) roleOf(cookie string, issued role) role {
	switch {
	case issued != roleOperator && a.cookie.MatchString(cookie):
		return roleShopper
	case issued != roleShopper && a.admins.MatchString(cookie):
		return roleOperator
	}
	return roleUnsaid
}

// unverified is what may be said without keys: nothing, so that the Engine keeps what the same cookies proved
// before; but that nobody is logged in, once one of them is over.
func (a *Auth) unverified(tokens []shown, err error) (transform.Values, error) {
	now := time.Now()
	over := false
	for _, t := range tokens {
		if expired(now, t.token) {
			over = true
			a.o.Verdict(VerdictExpired)
			continue
		}
		a.o.Verdict(VerdictNoKeys)
	}
	if over {
		return nobody(), nil
	}
	return nil, err
}
