package regions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/operation"
)

const (
	viaName = "aisle-regions" // ours in Via (RFC 9110, 7.6.3)
	// maxRelayed requests are under way at a time: one that hangs keeps a connection of the edge to its sidecar, which sessions need too.
	maxRelayed = 64
)

// relay hands a request on to the server whose regions they are, which may know more of them than their ids, and gives its answer as it
// is. Each is asked for anew: what the app keeps are ids alone. Of the request its target goes there, and nothing of the shopper.
func (a *origin) relay(w http.ResponseWriter, r *http.Request, target url.URL, id string) {
	if strings.Contains(strings.Join(r.Header.Values("Via"), ","), viaName) {
		// The server that the operator named is this edge, or one that asks it.
		fail(w, http.StatusLoopDetected, fault{"508", "the server of the regions asks for them here"}, id)
		return
	}
	select {
	case a.relayed <- struct{}{}:
		defer func() { <-a.relayed }()
	default:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, fault{"503", "too many requests for the server of the regions"}, id)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), fetchTimeout)
	defer cancel()
	status, kind, body, err := a.ask(ctx, r, target, id)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fail(w, http.StatusGatewayTimeout, fault{"504", "the server of the regions did not answer in time"}, id)
	case err != nil:
		fail(w, http.StatusBadGateway, fault{"502", "no sound answer from the server of the regions"}, id)
	default:
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body) // a client that is gone
	}
}

// relayable says whether what the path names can be what it should be: all else is answered here, as without data. A path is not to lead
// to another place of the other server.
func relayable(e endpoint, rest []string) bool {
	switch e {
	case ofID:
		up := func(part string) bool { return part == "." || part == ".." }
		return isRegionID(rest[0]) && !slices.ContainsFunc(strings.Split(rest[0], "/"), up)
	case ofPostalCode:
		_, ok := canonicalCountry(rest[0])
		return ok && plausible(rest[1])
	}
	return true
}

// target is where an endpoint is on the other server: regions where the operator says, postal codes where the public system has them.
func (a *origin) target(e endpoint, rest []string, query string) url.URL {
	u := a.base
	switch e {
	case ofID:
		u = *u.JoinPath(url.PathEscape(rest[0]))
	case ofPostalCode:
		u.Path, u.RawPath = "/", ""
		u = *u.JoinPath("api/checkout/pub/postal-code", url.PathEscape(rest[0]), url.PathEscape(rest[1]))
	}
	u.RawQuery = strings.Trim(u.RawQuery+"&"+query, "&")
	return u
}

func (a *origin) ask(ctx context.Context, of *http.Request, target url.URL, id string) (status int, kind string, body []byte, err error) {
	response, err := a.send(ctx, of.Method, target, http.Header{
		"Via": {strings.Join(append(of.Header.Values("Via"), "1.1 "+viaName), ", ")}, http.CanonicalHeaderKey(operation.Field): {id},
	})
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	if body, err = whole(response.Body); err != nil {
		return 0, "", nil, err
	}
	if response.StatusCode < 200 || response.StatusCode >= 300 && response.StatusCode < 400 {
		return 0, "", nil, fmt.Errorf("regions: status %d", response.StatusCode) // a redirect would lead the shopper there
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body, nil
}
