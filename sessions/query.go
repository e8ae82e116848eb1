package sessions

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aislecache/aisle/sessions/transform"
)

// query is what the query string of a call says (facts 1.5): data for the public namespace beside parameters that
// steer the call.
type query struct {
	hasItems bool
	items    []string // lines of `items`
	public   transform.Values
	denied   int // parameters that must not become public
	broken   int // parameters without a sound name or value
}

// controls are the parameters that steer a call (facts 1.5).
func isControl(name string) bool {
	switch name {
	case "items", "an", "workspace", "session_path", "__bindingId", "supportedLocales":
		return true
	}
	return false
}

// parseQuery never fails: what is broken in a landing page's query, which clients forward as it
// stands, is dropped and counted. Of a repeated name the last counts.
func parseQuery(raw string, denied func(name string) bool, limits Limits) query {
	q := query{public: transform.Values{}}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, ok := decodePair(pair)
		switch {
		case !ok:
			q.broken++
		case name == "items":
			q.hasItems, q.items = true, append(q.items, value)
		case isControl(name):
		case denied(name):
			q.denied++
		case name == "" || len(name) > limits.Name || len(value) > limits.Value:
			q.broken++
		default:
			q.public.Put(transform.Key{Namespace: transform.PublicNamespace, Name: name}, transform.TextValue(value))
		}
	}
	return q
}

// decodePair reads a pair as forms are written: + is a space.
func decodePair(pair string) (name, value string, ok bool) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, err := url.QueryUnescape(rawName)
	if err != nil {
		return "", "", false
	}
	value, err = url.QueryUnescape(rawValue)
	if err != nil || !utf8.ValidString(name) || !utf8.ValidString(value) || strings.ContainsRune(name, 0) || strings.ContainsRune(value, 0) {
		return "", "", false
	}
	return name, value, true
}

// keep leaves at most n values, the first by name, and says how many went.
func (q *query) keep(n int) (dropped int) {
	kept := 0
	for k := range q.public.Clone().All() {
		if kept++; kept > n {
			q.public.Set(k, nil)
			dropped++
		}
	}
	return dropped
}
