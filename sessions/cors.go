package sessions

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/operation"
)

// cors answers for origins that are listed; all others get no field of the protocol, and so
// their scripts no answer. A star is impossible: the cookies are the point.
type cors struct{ origins []string }

func newCORS(origins []string) (cors, error) {
	var errs []error
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || o != u.Scheme+"://"+u.Host {
			errs = append(errs, fmt.Errorf("cors: %q is not an origin such as https://shop.example", o))
		}
	}
	return cors{slices.Clone(origins)}, errors.Join(errs...)
}

// mark writes the fields that any answer carries.
func (c cors) mark(out, in http.Header) bool {
	origin := in.Get("Origin")
	if origin == "" || !slices.Contains(c.origins, origin) {
		return false
	}
	out.Set("Access-Control-Allow-Origin", origin)
	out.Set("Access-Control-Allow-Credentials", "true")
	out.Set("Access-Control-Expose-Headers", operation.Field)
	return true
}

// foreign says whether a request comes from a page of a site that is neither the request's own nor listed, as far as browsers
// tell: such a page has the shopper's cookies with it, and speaks for itself. A page of the same host under another scheme or
// port is its own: who ends TLS for us changes them. Clients that are no browsers say neither.
func (c cors) foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if slices.Contains(c.origins, origin) {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") { // no script can write it
	case "same-origin":
		return false
	case "cross-site":
		return true
	}
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	own := url.URL{Host: r.Host}
	return err != nil || u.Host == "" || !strings.EqualFold(u.Hostname(), own.Hostname()) // "null" has no host
}

// preflight writes the fields of the answer to an OPTIONS of a listed origin. The field of backends is not
// among those allowed: a credential has no business in a page.
func (c cors) preflight(out http.Header, allow string) {
	out.Set("Access-Control-Allow-Methods", allow)
	out.Set("Access-Control-Allow-Headers", "Content-Type, "+operation.Field)
	out.Set("Access-Control-Max-Age", "600")
}
