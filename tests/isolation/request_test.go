package isolation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// request is one request of a client and all that the oracle needs to judge its answer.
type request struct {
	edge    *edge
	shopper *shopper
	route   route
	method  string
	host    string // as it stands in the key
	path    string
	query   []param
	nonce   string
	cookies []string // as they are sent, in this order
	fields  []header // all but Host and Cookie
	auth    bool
	lang    string
	device  string // X-Device; "" where there is none
	ab      string // the cookie of this name

	began    int // moment in the edge's floors
	started  time.Time
	resident *resident  // whose request it is; nil: of a shopper without a session of the native edge
	ticket   ticket     // the segment that the resident shows
	others   []*shopper // who the shopper may be as well, while a revocation is under way

	fromCache bool // a client's own copy is shown, nobody was asked: it may be of before a purge
}

// raw is the request as it is sent.
func (q *request) raw(more ...header) []byte {
	fields := append(q.fields[:len(q.fields):len(q.fields)], more...)
	if len(q.cookies) > 0 {
		fields = append(fields, header{"Cookie", strings.Join(q.cookies, "; ")})
	}
	return message(q.method, asked(q.path, q.query), spelledHost(q), fields, "")
}

// spelledHost writes the host in one of the ways that mean the same.
func spelledHost(q *request) string {
	if q.nonce[len(q.nonce)-1]%2 == 0 {
		return strings.ToUpper(q.host[:1]) + q.host[1:] + ":80"
	}
	return q.host
}

// passCookie is what the origin sees of the cookies on a pass.
func (q *request) passCookie() string {
	var kept []string
	for _, c := range q.cookies {
		if !strings.HasPrefix(c, "aisle_seal=") {
			kept = append(kept, c)
		}
	}
	if q.edge.native {
		kept = slices.DeleteFunc(kept, func(c string) bool { return strings.HasPrefix(c, "vtex_segment=") })
		if q.route.scope == segmentScope {
			kept = append(kept, "vtex_segment="+q.passToken())
		}
	}
	return strings.Join(kept, "; ")
}

// shared is the segment that the page must have been asked for where it is for everybody of that segment.
func (q *request) shared() conditions {
	_, verified := q.shopper.verified(q.query)
	return verified.projected(q.route.fields)
}

// mustPass tells whether the request goes to the origin with its own credentials, whatever the origin answers.
func (q *request) mustPass() bool {
	if q.route.scope == private || q.method == http.MethodPost || q.auth && q.route.scope == segmentScope {
		return true
	}
	return q.edge.pass && q.route.scope == segmentScope && q.shopper.privileged(q.query, q.route.fields)
}

// passToken is x-vtex-segment on a pass: as it came where it can be read, else what the edge makes of it.
func (q *request) passToken() string {
	switch {
	case q.edge.native && q.route.scope == segmentScope:
		return q.verifiedToken()
	case q.shopper.readable:
		return q.shopper.token
	case q.route.scope != segmentScope:
		return ""
	case q.auth, q.method == http.MethodPost: // the query stays with the request and overlays nothing
		return conditions{}.filled().token()
	}
	_, verified := q.shopper.verified(q.query)
	return verified.token()
}

// verifiedToken is what the origin of an edge with a sidecar gets: the segment that counts, and nothing forged.
func (q *request) verifiedToken() string {
	query := q.query
	if q.auth || q.method == http.MethodPost {
		query = nil
	}
	_, verified := q.shopper.verified(query)
	return verified.token()
}

// String describes the request in a report.
func (q *request) String() string {
	text := fmt.Sprintf("edge %s (unsealed: pass is %v)\n%s", q.edge.name, q.edge.pass, q.raw())
	stated, verified := q.shopper.verified(q.query)
	text += fmt.Sprintf("the cookie is readable: %v, proven: %v\n", q.shopper.readable, q.shopper.proven)
	text += fmt.Sprintf("stated   %s\nverified %s\nprojected %s\n", object(stated.members()), object(verified.members()), object(q.shared().members()))
	if q.resident != nil {
		text += fmt.Sprintf("its session is %+v\nit showed %+v and has now %+v\n", q.resident.states.newest(), q.ticket, q.resident.segment)
	}
	text += fmt.Sprintf("route %+v, must pass: %v, from a client's own copy: %v\n", q.route, q.mustPass(), q.fromCache)
	return text
}

// taken tells whether the anonymous request lacks something that this one says of its shopper.
func (q *request) taken() bool {
	return len(q.cookies) > 0 || q.route.scope == segmentScope && !q.shopper.bare
}

// hasCookie tells whether the request shows the origin a cookie of this name on a pass.
func (q *request) hasCookie(name string) bool {
	for _, c := range q.cookies {
		if strings.HasPrefix(c, name+"=") {
			return true
		}
	}
	return false
}

// sawShared is what the special origin must have seen for a page that is for everybody.
func (q *request) sawShared(m mode) map[string]string {
	saw := map[string]string{"host": q.host, "x-forwarded-host": q.host, "x-forwarded-proto": "http", "via": "1.1 aisle"}
	if q.route.scope == segmentScope {
		c := q.shared()
		token := c.token()
		saw["x-vtex-segment"], saw["cookie"] = token, "vtex_segment="+token
		if q.ab == "a" || q.ab == "b" {
			saw["cookie"] += "; ab=" + q.ab
		}
		if q.device == "mobile" || q.device == "desktop" {
			saw["x-device"] = q.device
		}
		if culture := c.value[cultureInfo]; (q.route.fields == nil || contains(q.route.fields, "cultureInfo")) && !strings.Contains(culture, "\n") {
			saw["x-vtex-locale"] = culture
		}
		q.sawNarrowed(m, saw, token)
	}
	if m.name == "lang" {
		saw["accept-language"] = q.lang
	}
	return saw
}

func (q *request) sawNarrowed(m mode, saw map[string]string, token string) {
	names := map[string][]string{"narrow": {"channel", "priceTables", "regionId"}, "narrower": {"priceTables"}}[m.name]
	if names == nil {
		return
	}
	for name, value := range shown(token, names) {
		saw["segment "+name] = value
	}
	delete(saw, "cookie")
	delete(saw, "x-vtex-segment")
	delete(saw, "x-vtex-locale")
}

func (q *request) specialMode() mode {
	parts := strings.Split(q.path, "/")
	for _, m := range modes() {
		if len(parts) > 3 && m.name == parts[3] {
			return m
		}
	}
	return mode{}
}

// head tells whether the answer has no content.
func (q *request) head() bool { return q.method == http.MethodHead }

// names are those under which purges of this request's page are kept, but for tags.
func (q *request) names() []string {
	target := q.route.target(q.path, q.query)
	all := allDemo
	if q.route.special {
		all = allSpecial
	}
	return []string{all, urlName(q.host, target), urlName("", target)}
}
