package upstream

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aislecache/aisle/cache"
)

// requestHeader gives the end-to-end fields of r as net/http takes them. Lines
// of one name keep their order and the spelling of the first; the names are
// written in order of the alphabet, which RFC 9110, 5.3 leaves free.
func requestHeader(r *cache.OriginRequest) http.Header {
	var options []string
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, "Connection") {
			options = append(options, f.Value)
		}
	}
	listed := connectionOptions(options)
	h := make(http.Header, len(r.Fields)+1)
	spelled := make(map[string]string, len(r.Fields))
	for _, f := range r.Fields {
		name := strings.ToLower(f.Name)
		if name == "te" && hasMember(f.Value, "trailers") {
			h["Te"], h["Connection"] = []string{"trailers"}, []string{"TE"} // RFC 9110, 10.1.4
		}
		if !travels(name, listed) || strings.HasPrefix(name, "proxy-") || name == "host" {
			continue
		}
		if name == "expect" && !hasBody(r) {
			continue // RFC 9110, 10.1.1: nothing will be continued
		}
		if spelled[name] == "" {
			spelled[name] = spelling(f.Name, name)
		}
		h[spelled[name]] = append(h[spelled[name]], f.Value)
	}
	if r.Upgrade != "" {
		h["Upgrade"], h["Connection"] = []string{r.Upgrade}, append([]string{"Upgrade"}, h["Connection"]...)
	}
	h["User-Agent"] = nil // else net/http sends its own
	return h
}

// spelling is f's name as it came, but for those that mean something to net/http
// under their canonical name: it writes only one User-Agent, and none that is
// empty; it sends a POST again for the sake of an Idempotency-Key; it waits
// after `Expect`, which is wanted.
func spelling(name, lower string) string {
	switch lower {
	case "user-agent", "idempotency-key", "x-idempotency-key":
		return lower
	case "expect":
		return "Expect"
	}
	return name
}

// answerFields gives the end-to-end fields of an answer: names in order of the
// alphabet, lines of one name in their own. Trailers and Content-Length are not
// among them. connection holds the lines of Connection as they came: those in h
// are gone where one of them says `close`.
func answerFields(h http.Header, connection []string) []cache.Field {
	listed := connectionOptions(connection)
	fields := make([]cache.Field, 0, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !travels(strings.ToLower(name), listed) {
			continue
		}
		for _, v := range h[name] {
			fields = append(fields, cache.Field{Name: name, Value: v})
		}
	}
	return fields
}

// travels says whether a field (lower-case name) goes past the next hop: RFC
// 9110, 7.6.1, and what is framing. Proxy-Status (RFC 9209) does.
func travels(name string, listed map[string]bool) bool {
	switch name {
	case "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "content-length",
		"proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info":
		return false
	}
	return !listed[name] || forEverybody(name)
}

// forEverybody names fields that no Connection may take away. RFC 9110, 7.6.1
// forbids to list fields that are meant for all recipients. To obey such a list
// would let an answer shed its `no-store` before it is stored, and a request the
// segment that it is keyed by.
func forEverybody(name string) bool {
	switch name {
	case "cookie", "authorization", "via", "forwarded", "vary", "set-cookie", "expires", "pragma", "age", "date", "etag", "last-modified", "location",
		"surrogate-control", "segment-vary":
		return true
	}
	return strings.HasPrefix(name, "x-vtex-") || strings.HasPrefix(name, "x-forwarded-") || strings.HasPrefix(name, "content-") ||
		strings.HasSuffix(name, "cache-control")
}

// connectionOptions gives the names that lines of Connection list, in lower case.
func connectionOptions(lines []string) map[string]bool {
	var listed map[string]bool
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			if listed == nil {
				listed = make(map[string]bool)
			}
			listed[strings.ToLower(strings.Trim(option, " \t"))] = true
		}
	}
	return listed
}

// hasMember says whether a comma-separated list has a member, parameters aside.
func hasMember(list, member string) bool {
	for m := range strings.SplitSeq(list, ",") {
		m, _, _ = strings.Cut(m, ";")
		if strings.EqualFold(strings.Trim(m, " \t"), member) {
			return true
		}
	}
	return false
}

// trailerFields gives the trailer fields that may go on: those that are no framing, no routing, and nothing
// that a recipient must know before the content (RFC 9110, 6.5.1).
func trailerFields(h http.Header) []cache.Field {
	var fields []cache.Field
	for _, f := range answerFields(h, nil) {
		if !forEverybody(strings.ToLower(f.Name)) && !modifies(strings.ToLower(f.Name)) {
			fields = append(fields, f)
		}
	}
	return fields
}

// modifies names fields that frame, route, authenticate or steer beyond those of forEverybody.
func modifies(name string) bool {
	switch name {
	case "host", "expect", "max-forwards", "range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
		"www-authenticate", "authentication-info", "retry-after", "accept-ranges", "warning", "allow", "refresh", "cache-status":
		return true
	}
	return strings.HasPrefix(name, "access-control-") || strings.HasPrefix(name, "sec-")
}
