package proxy

import (
	"net/netip"
	"time"

	"github.com/aislecache/aisle/cache"
)

// Options is what the edge is built from. It is read once, by New.
type Options struct {
	Account string
	// Hosts is the Host allow-list: exact names, `*.shop.example`, or `*`. A host
	// that matches none gets 421. Empty allows nothing.
	Hosts []string
	// TrustedProxies are the peers whose Forwarded and X-Forwarded-* are believed.
	TrustedProxies []netip.Prefix
	// DebugFrom are the client addresses that see every member of Cache-Status.
	DebugFrom []netip.Prefix
	// HonourFrom are the client addresses whose Cache-Control requests count.
	HonourFrom []netip.Prefix

	SegmentCookie string // name of the cookie; `vtex_segment` unless configured
	SealTTL       time.Duration
	// Sidecar says, to Describe alone, that there will be Parts.Sessions, whose routes come first.
	Sidecar bool
	// SidecarRegions says that the sidecar answers the regions API as well.
	SidecarRegions bool
	QueryDrop      []string // query parameters that leave the target, exact or with a trailing `*`
	QuerySort      bool

	Routes []Route // the operator's, in order; the built-in ones follow
	// Site is what every route's policy takes where the route says nothing.
	Site Site

	// Maintenance is that of every route that has none of its own; nil: none.
	Maintenance *Maintenance
	// ErrorPages are the site's; see Route.
	ErrorPages map[int]string

	// Wait bounds how long a request waits for the head of a fetch, its own or
	// another's; it is the connect and first-byte timeouts of the upstream.
	Wait time.Duration
}

// Site is the policy of the cache section.
type Site struct {
	Grace, Keep       time.Duration
	HeuristicFraction float64
	HeuristicMax      time.Duration
	Targeted          []string
	MaxObject         int64
	MaxVariants       int
	HitForMiss        time.Duration
}

// Route is one line of the route table.
type Route struct {
	// Name is the route in logs, metrics and `aisle check`: the operator's path
	// pattern, or `builtin:` and the class.
	Name  string
	Match Match
	Scope cache.Scope
	// Segment is the projection: nil for all fields, empty for none.
	Segment []string
	// KeyHeaders and KeyCookies are forwarded because they are keyed; any value
	// outside the closed list counts as absent.
	KeyHeaders []Keyed
	KeyCookies []Keyed
	// ForwardHeaders reach the origin though they are not keyed: the operator's promise.
	ForwardHeaders []string

	TTL, Grace, Keep cache.Span
	Override         bool
	StatusTTL        map[int]time.Duration
	SetCookie        cache.SetCookie
	EchoCheck        bool
	Downstream       Downstream
	Upstream         string

	// StripPrefix leaves the beginning of the path on the way upstream; empty: nothing
	// does. It is canonical, and does not end with a slash.
	StripPrefix string
	// ResponseHeaders are set, or removed, on every answer of the route.
	ResponseHeaders []ResponseHeader
	// Maintenance, where it is not nil, is the answer to every request of the route;
	// nil: the site's.
	Maintenance *Maintenance
	// ErrorPages are files by status, for answers that aisle itself has to give; a status
	// that is not there has the site's.
	ErrorPages map[int]string
}

// ResponseHeader is a field of a route's answers; an empty Value removes it.
type ResponseHeader struct{ Name, Value string }

// Maintenance answers requests without asking the origin.
type Maintenance struct {
	Status     int           // 400 to 599
	BodyFile   string        // empty: one line that says so
	RetryAfter time.Duration // 0: not said
}

// Match is what a route matches on; a zero member matches everything.
type Match struct {
	Host    string   // exact, or with a leading `*.`
	Path    string   // glob: `*` within a path segment, `**` across them; `/x/**` matches `/x` too
	Methods []string // upper case
}

// Keyed is a header or cookie of a route's key and the values that count.
type Keyed struct {
	Name   string
	Values []string
}

// Downstream is how long others may keep a segment page. The zero value: not at all.
type Downstream struct {
	Set     bool
	Browser time.Duration
	CDN     time.Duration // 0: no shared cache may keep it
}
