package sessions

// internalPrefix begins the paths that edges alone may call. It is not under /api, so no edge hands a shopper's
// request on to it.
const internalPrefix = "/_aisle/"

// recovered is the answer to an edge whose shopper has lost vtex_segment or its seal.
type recovered struct {
	Segment string   `json:"segmentToken"`
	Seal    string   `json:"seal"`
	Cookies []string `json:"cookies"` // Set-Cookie lines for the shopper
}

// resolved is the answer to an edge that has a reference in a segment.
type resolved struct {
	Facets string `json:"facets"`
}
