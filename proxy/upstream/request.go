package upstream

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/aislecache/aisle/cache"
)

// refuse says why r cannot be written as one request and nothing else. net/http
// would send a bad target or an empty Host instead of a bad one, so it cannot
// be left to it.
func refuse(r *cache.OriginRequest) error {
	fault := func(reason cache.Reason, what, value string) error {
		return &cache.OriginError{Reason: reason, Err: fmt.Errorf("%s %q cannot be sent", what, value)}
	}
	switch {
	case !isToken(r.Method) || r.Method == http.MethodConnect:
		return fault(cache.ReasonBadMethod, "method", r.Method)
	case !isTarget(r.Method, r.Target):
		return fault(cache.ReasonBadTarget, "target", r.Target)
	case !isHost(r.Host):
		return fault(cache.ReasonBadHost, "host", r.Host)
	case r.Upgrade != "" && (hasBody(r) || !isProtocol(r.Upgrade)):
		return fault(cache.ReasonBadField, "upgrade", r.Upgrade)
	}
	for _, f := range r.Fields {
		if !isToken(f.Name) {
			return fault(cache.ReasonBadField, "field name", f.Name)
		}
		if strings.ContainsFunc(f.Value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return fault(cache.ReasonBadField, "value of field", f.Name)
		}
	}
	return nil
}

// isProtocol accepts one protocol, with a version or without (RFC 9110, 7.8).
func isProtocol(s string) bool {
	name, version, versioned := strings.Cut(s, "/")
	return isToken(name) && (!versioned || isToken(version))
}

// isToken follows RFC 9110, 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isTarget accepts origin-form, and the asterisk of OPTIONS (RFC 9112, 3.2). It
// judges only what would break the request line; what a target may mean is the
// guard's.
func isTarget(method, target string) bool {
	if target == "*" {
		return method == http.MethodOptions
	}
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return false
		}
	}
	return strings.HasPrefix(target, "/")
}

// isHost accepts what net/http writes unchanged.
func isHost(host string) bool {
	for i := range len(host) {
		if !isAlnum(host[i]) && strings.IndexByte("-._~:[]!$&'()*+,;=", host[i]) < 0 {
			return false
		}
	}
	return host != ""
}

// request makes the message of net/http. The target goes as an opaque URL, the
// only form that is not encoded anew. One that begins with two slashes would
// get the scheme before it, so a byte that the connection drops again goes
// before it; dropAt is where.
func (x *exchange) request(r *cache.OriginRequest) *http.Request {
	opaque, dropAt := r.Target, 0
	if strings.HasPrefix(opaque, "//") {
		opaque, dropAt = "*"+opaque, len(r.Method)+1
	}
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			x.firstByte.Store(false)
			x.connection.Store(new([]string))
			if c, ok := info.Conn.(*conn); ok {
				c.begin(r.Method == http.MethodHead, dropAt, x.connection.Load())
				x.conn.Store(c)
			}
		},
		GotFirstResponseByte: func() { x.firstByte.Store(true) },
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			return x.interim.pass(status, http.Header(header))
		},
	}
	req := &http.Request{
		Method:     r.Method,
		URL:        &url.URL{Scheme: x.server.url.Scheme, Host: x.server.url.Host, Opaque: opaque},
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Host:       r.Host,
		Header:     requestHeader(r),
	}
	if hasBody(r) {
		req.Body, req.ContentLength = x.upload, r.Length
	}
	return req.WithContext(httptrace.WithClientTrace(x.ctx, trace))
}

func hasBody(r *cache.OriginRequest) bool { return r.Body != nil && r.Length != 0 }
