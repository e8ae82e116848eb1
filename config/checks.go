package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aislecache/aisle/segment"
)

// The functions of this file find the fault of one value, such as `is empty`, or
// return "". They see no other key.

// listenAddress accepts host:port, :port and unix:/path. Port 0 lets the system choose.
func listenAddress(s string) string {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" {
			return "names no socket, as in unix:/run/aisle.sock"
		}
		return ""
	}
	if _, port, err := net.SplitHostPort(s); err != nil || !isPort(port) {
		return "is not an address such as :8080, 127.0.0.1:8080 or unix:/run/aisle.sock"
	}
	return ""
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// hostPattern accepts `*`, `*.` and a name, and a name, each with a port or without.
func hostPattern(s string) string {
	name, port, hasPort := strings.Cut(s, ":")
	if name == "*" && (!hasPort || isPort(port)) {
		return ""
	}
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
		return literalHost(s)
	}
	if hasPort && !isPort(port) || !isHostName(strings.TrimPrefix(name, "*.")) {
		return "is not a host such as shop.example, *.shop.example, shop.example:8443 or *"
	}
	return ""
}

func literalHost(s string) string {
	inside, rest, closed := strings.Cut(strings.TrimPrefix(s, "["), "]")
	addr, err := netip.ParseAddr(inside)
	port, hasPort := strings.CutPrefix(rest, ":")
	if !closed || err != nil || !addr.Is6() || rest != "" && (!hasPort || !isPort(port)) {
		return "is not a host: an IPv6 address stands in brackets, as in [::1] or [::1]:8443"
	}
	return ""
}

func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || !plainKey(label) {
			return false
		}
	}
	return true
}

// serverURL accepts http or https, a host and a port: what stands behind it would be
// lost, since requests go upstream with the target of the shopper.
func serverURL(s string) string {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" {
			return "is not a socket such as unix:/run/shop.sock"
		}
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		return "is not a URL such as http://10.0.0.1:9000"
	case u.User != nil:
		return "holds a user name, which is not supported"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a path or a query, only scheme, host and port are allowed"
	case u.Port() != "" && !isPort(u.Port()) || u.Port() == "0":
		return "has a port out of 1..65535"
	}
	return ""
}

// pathPattern accepts a path of which `*` stands for any part of a segment and `**`, as
// a whole segment, for any number of segments.
func pathPattern(s string) string {
	if !strings.HasPrefix(s, "/") {
		return "is not a path pattern: it does not begin with /"
	}
	for part := range strings.SplitSeq(s[1:], "/") {
		if strings.Contains(part, "**") && part != "**" {
			return "is not a path pattern: ** stands for whole segments, as in /a/**/b"
		}
		if part == "." || part == ".." {
			return "is not a path pattern: dot segments never reach a route"
		}
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '?' || c == '#':
			return "is not a path pattern: a query or fragment never reaches a route"
		case c <= ' ' || c == 0x7f || c == '\\':
			return "is not a path pattern: " + strconv.QuoteRune(rune(c)) + " is never in a path"
		case c == '%' && !isEscape(s[i:]):
			return "is not a path pattern: a bad percent-encoding"
		}
	}
	return ""
}

func isEscape(s string) bool {
	if len(s) < 3 {
		return false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return err == nil && n != 0 && n != '\\'
}

// token is the grammar of methods, field names and cookie names (RFC 9110, 5.6.2).
func token(s string) string {
	for _, c := range []byte(s) {
		if !isWordByte(c) && strings.IndexByte("!#$%&'*+-.^`|~", c) < 0 {
			return "is not a name: " + strconv.QuoteRune(rune(c)) + " cannot be in it"
		}
	}
	return nonEmpty(s)
}

func method(s string) string {
	if fault := token(s); fault != "" {
		return fault
	}
	if s != strings.ToUpper(s) {
		return "is not a method: methods are written in upper case"
	}
	return ""
}

// requestField is a request field that an operator may key or forward. The others are
// aisle's own to write, or tell shoppers apart in a way that no closed list covers.
func requestField(s string) string {
	if fault := token(s); fault != "" {
		return fault
	}
	lower := strings.ToLower(s)
	switch {
	case strings.HasPrefix(lower, "x-vtex-"):
		return "is derived by aisle from the segment"
	case strings.HasPrefix(lower, "x-forwarded-") || lower == "forwarded" || lower == "host" || lower == "via":
		return "is written by aisle"
	case lower == "cookie" || lower == "cookie2" || lower == "authorization":
		return "holds a shopper's credentials"
	case connectionField(lower):
		return "belongs to the connection"
	case lower == "range" || strings.HasPrefix(lower, "if-") || strings.HasPrefix(lower, "content-"):
		return "asks for a part of the page or for it on a condition: pages are fetched whole"
	}
	return ""
}

// connectionField says that a field is hop-by-hop (RFC 9110, 7.6.1) or frames the message.
func connectionField(lower string) bool {
	switch lower {
	case "connection", "expect", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return strings.HasPrefix(lower, "proxy-")
}

// keyedValue is one value of a keyed field or cookie. It goes upstream within a line,
// so it may hold nothing that ends a value there.
func keyedValue(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s, `;,"`) || strings.TrimSpace(s) != s {
		return "cannot be sent: control characters, spaces around it, and any of ; , \" end a value"
	}
	return nonEmpty(s)
}

// cookieName is a cookie that a route may key. aisle's own stay out.
func cookieName(s string) string {
	if s == "aisle_seal" || s == "vtex_session" {
		return "is one of the cookies that aisle itself reads"
	}
	return token(s)
}

// fieldName is the name of a segment field, known or not. One that differs from a known field
// in letter case alone is refused: the page would silently lose the value.
func fieldName(s string) string {
	for _, c := range []byte(s) {
		if !isWordByte(c) {
			return "is not a segment field: letters, digits and _ alone"
		}
	}
	for _, known := range segment.Fields() {
		if s != known && strings.EqualFold(s, known) {
			return `is not a segment field (did you mean "` + known + `"?)`
		}
	}
	return nonEmpty(s)
}

// knownField is one of the fields that the public system knows.
func knownField(s string) string {
	if known := segment.Fields(); !slices.Contains(known, s) {
		return "is not a segment field" + didYouMean(s, known)
	}
	return ""
}

// word is a name that stands in logs and metrics.
func word(s string) string {
	if !plainKey(s) {
		return strconv.Quote(shorten(s)) + " is not a name of letters, digits, _ and -"
	}
	return ""
}

// inKey makes of a check of values one of keys, whose message has to quote.
func inKey(check func(string) string) func(string) string {
	return func(s string) string {
		if fault := check(s); fault != "" {
			return strconv.Quote(shorten(s)) + " " + fault
		}
		return ""
	}
}

// queryName is a parameter to drop: a name, or the beginning of names and `*`.
func queryName(s string) string {
	name := strings.TrimSuffix(s, "*")
	if name == "" || strings.ContainsAny(name, "*&=# ") {
		return "is not a parameter name, or the beginning of one and *"
	}
	return ""
}

// inLine is a text that stands in log lines, keys and seals.
func inLine(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "holds a control character"
	}
	return nonEmpty(s)
}
