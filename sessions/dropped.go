package sessions

// part is what of a request was passed over. Nothing of it fails the request.
type part uint8

const (
	brokenCookie     part = iota // not a pair of a sound name and value
	brokenQuery                  // a parameter that cannot be decoded, or is longer than may be
	deniedQuery                  // a parameter that must not become public
	excessQuery                  // a parameter beyond the number of keys
	oversizedQuery               // parameters that the session or its segment has no room for
	deniedBody                   // a value that a page of another site must not make public
	foreignNamespace             // a namespace of the body that the caller may not write
	parts
)

// String returns the lower-case word used in metrics.
func (p part) String() string {
	return [...]string{"broken-cookie", "broken-query", "denied-query", "excess-query", "oversized-query", "denied-body", "foreign-namespace", "unknown"}[min(p, parts)]
}
