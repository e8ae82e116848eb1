package sessions

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	out.Set("Access-Control-Expose-Headers", operationField)
	return true
}

// preflight writes the fields of the answer to an OPTIONS of a listed origin. The field of backends is not
// among those allowed: a credential has no business in a page.
func (c cors) preflight(out http.Header, allow string) {
	out.Set("Access-Control-Allow-Methods", allow)
	out.Set("Access-Control-Allow-Headers", "Content-Type, "+operationField)
	out.Set("Access-Control-Max-Age", "600")
}
