package proxy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aislecache/aisle/cache"
)

// checkRoute gives everything that is wrong with a route besides its patterns,
// each error with the key path below the route. What contradicts the scope is
// refused rather than ignored: the operator believes that it acts.
func checkRoute(r *Route) []error {
	errs := checkMethods(r.Match.Methods)
	errs = append(errs, checkScope(r)...)
	errs = append(errs, checkKeyed(r)...)
	errs = append(errs, checkTimes(r)...)
	errs = append(errs, checkResponseHeaders(r)...)
	if err := checkStripPrefix(r.StripPrefix); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, checkOwnAnswers("", r.Maintenance, r.ErrorPages)...)
	for i, name := range r.ForwardHeaders {
		if err := checkFieldName(name); err != nil {
			errs = append(errs, fmt.Errorf("forward.headers[%d]: %w", i, err))
		}
	}
	if r.SetCookie > cache.SetCookieStore {
		errs = append(errs, fmt.Errorf("set_cookie: unknown value %d", r.SetCookie))
	}
	return errs
}

func checkMethods(methods []string) (errs []error) {
	for i, m := range methods {
		if !isToken([]byte(m)) || m != strings.ToUpper(m) {
			errs = append(errs, fmt.Errorf("match.methods[%d]: %q is no method in upper case", i, m))
		}
	}
	return errs
}

func checkScope(r *Route) (errs []error) {
	if r.Scope > cache.ScopePublic {
		return []error{fmt.Errorf("scope: unknown value %d", r.Scope)}
	}
	refuse := func(has bool, key string) {
		if has {
			errs = append(errs, fmt.Errorf("%s: means nothing on %s scope", key, r.Scope))
		}
	}
	if r.Scope != cache.ScopeSegment {
		refuse(r.Segment != nil, "segment")
		refuse(r.EchoCheck, "echo_check")
		refuse(r.Downstream.Set, "downstream")
	}
	if r.Scope == cache.ScopePrivate {
		refuse(len(r.KeyHeaders) > 0, "key.headers")
		refuse(len(r.KeyCookies) > 0, "key.cookies")
		refuse(len(r.ForwardHeaders) > 0, "forward.headers")
		refuse(r.TTL.Set, "ttl")
		refuse(r.Grace.Set, "grace")
		refuse(r.Keep.Set, "keep")
		refuse(len(r.StatusTTL) > 0, "status_ttl")
		refuse(r.SetCookie != cache.SetCookieRefuse, "set_cookie")
	}
	return errs
}

func checkTimes(r *Route) (errs []error) {
	negative := func(d time.Duration, key string) {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s: %s is negative", key, d))
		}
	}
	negative(r.TTL.D, "ttl")
	negative(r.Grace.D, "grace")
	negative(r.Keep.D, "keep")
	negative(r.Downstream.Browser, "downstream.browser")
	negative(r.Downstream.CDN, "downstream.cdn")
	for status, d := range r.StatusTTL {
		key := fmt.Sprintf("status_ttl.%d", status)
		negative(d, key)
		if status < 200 || status > 599 || status == 206 || status == 304 {
			errs = append(errs, fmt.Errorf("%s: no answer of this status is ever stored", key))
		}
	}
	if r.Override && !r.TTL.Set && len(r.StatusTTL) == 0 {
		errs = append(errs, errors.New("override: there is no ttl that could win over the origin's"))
	}
	return errs
}

func checkKeyed(r *Route) (errs []error) {
	check := func(list []Keyed, key string, nameOf func(string) error, fold func(string) string) {
		seen := map[string]bool{}
		for i, k := range list {
			err := nameOf(k.Name)
			switch {
			case err != nil:
			case seen[fold(k.Name)]:
				err = fmt.Errorf("%q stands twice", k.Name)
			case len(k.Values) == 0:
				err = fmt.Errorf("%q needs the list of values that count", k.Name)
			default:
				err = checkValues(k.Values)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("key.%s[%d]: %w", key, i, err))
			}
			seen[fold(k.Name)] = true
		}
	}
	check(r.KeyHeaders, "headers", checkFieldName, strings.ToLower)
	check(r.KeyCookies, "cookies", checkCookieName, strings.Clone)
	return errs
}

// checkValues: a value goes upstream within a header line, so it may hold no
// control bytes, and nothing that ends a cookie.
func checkValues(values []string) error {
	for _, v := range values {
		for i := range len(v) {
			if c := v[i]; c < ' ' || c == 0x7f || c == ';' || c == ',' || c == '"' {
				return fmt.Errorf("value %q cannot be sent", v)
			}
		}
		if strings.TrimSpace(v) != v || v == "" {
			return fmt.Errorf("value %q is empty or has white space around it", v)
		}
	}
	return nil
}

// checkFieldName refuses what cannot be keyed or promised: fields that tell
// shoppers apart by nature, that aisle itself writes, or that ask for a part.
func checkFieldName(name string) error {
	lower := []byte(strings.ToLower(name))
	switch {
	case !isToken([]byte(name)):
		return fmt.Errorf("%q is no field name", name)
	case hopByHop(lower), forwardingField(lower), conditional(lower), ownedField(lower), string(lower) == "authorization":
		return fmt.Errorf("%s must not reach the origin of a shared page as it came", name)
	}
	return nil
}

func checkCookieName(name string) error {
	switch {
	case !isToken([]byte(name)):
		return fmt.Errorf("%q is no cookie name", name)
	case name == sealCookie || name == sessionCookie || name == "vtex_segment":
		return fmt.Errorf("%s is keyed as the segment, or not at all", name)
	}
	return nil
}
