package cache

// Outcome says how a request was answered. It is the only source of the
// outcome in the log, in metrics and in Cache-Status.
type Outcome uint8

// The outcomes, in Varnish's and DESIGN.md's words.
const (
	// OutcomeNone is the zero value: nothing was decided.
	OutcomeNone Outcome = iota
	// Hit: from memory, fresh.
	Hit
	// Stale: from memory, past its ttl, within grace or after a failure.
	Stale
	// Revalidated: the origin said 304 to our validator.
	Revalidated
	// Miss: fetched for this request.
	Miss
	// Collapsed: served by a fetch that another request began.
	Collapsed
	// Pass: the origin answered with the shopper's own credentials.
	Pass
	// HitForMiss: a pass because a recent anonymous answer was not storable.
	HitForMiss
	// Refused: the guard, or maintenance, refused the request; nothing was forwarded.
	Refused
	// Failed: no answer could be had, and nothing stale was at hand.
	Failed

	outcomeCount
)

func (o Outcome) String() string {
	names := [outcomeCount]string{"none", "hit", "stale", "revalidated", "miss", "collapsed", "pass", "hit-for-miss", "refused", "failed"}
	if o >= outcomeCount {
		return "unknown"
	}
	return names[o]
}

// Outcomes gives every outcome, in order.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomeCount)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// Reason says why. The set is closed; it is the only source of the reason in
// header, log and metric.
type Reason uint8

// The reasons. The first group is about using what is stored, the second about
// going as a pass, the third about not storing, the fourth about failures, the
// fifth about refusals of the guard.
const (
	ReasonNone Reason = iota

	ReasonFresh            // the stored page is fresh
	ReasonLanding          // the page is whole, on its way into the store
	ReasonAbsent           // nothing is stored under this URL
	ReasonVariant          // the URL is known, this variant of it is not
	ReasonExpired          // the ttl has passed
	ReasonGrace            // stale while it is revalidated behind
	ReasonRevalidate       // stored with no-cache: each use is checked
	ReasonPurgedHard       // purged; never used again
	ReasonPurgedSoft       // purged softly; refetched without condition
	ReasonRequestDirective // the request's Cache-Control asked for it
	ReasonOnlyIfCached     // only-if-cached, and nothing usable is stored
	ReasonStaleOnError     // stale because the origin failed
	ReasonNotModified      // the origin confirmed the stored page

	ReasonPrivateRoute  // the route's scope is private
	ReasonMethod        // neither GET nor HEAD
	ReasonAuthorization // credentials on segment scope
	ReasonUnsealed      // a privileged segment without a valid seal
	ReasonMarked        // hit-for-miss: a recent answer was not storable
	ReasonRoutePassing  // the route's last anonymous answers were all unstorable
	ReasonUpgrade       // an upgrade is never cached

	ReasonStored          // admitted
	ReasonNoStore         // no-store
	ReasonPrivate         // private
	ReasonSetCookie       // Set-Cookie on a route that refuses it
	ReasonVaryAll         // Vary: * or unreadable
	ReasonVaryPrivate     // Vary on cookie, session or authorization
	ReasonVarySegment     // Vary: x-vtex-segment on public scope: a misrouted page
	ReasonVaryLocale      // Vary: x-vtex-locale where cultureInfo is not projected
	ReasonVariantLimit    // more variants of one URL than max_variants
	ReasonNoFreshness     // no explicit freshness, and no ttl of the route's own
	ReasonNoValidator     // stale at once, and nothing to revalidate it with
	ReasonStatus          // a status that is not stored
	ReasonLogin           // 401, or a redirect to log in
	ReasonSharedAuth      // RFC 9111, 3.5: Authorization without permission
	ReasonTooLarge        // larger than max_object
	ReasonEcho            // the page embeds a token of another projection
	ReasonEchoUnreadable  // the page cannot be searched for its token
	ReasonHead            // a HEAD never fills
	ReasonVariantMismatch // the answer is another variant than this request's
	ReasonPurgedInFlight  // purged while it was fetched
	ReasonAlone           // fetched alone after too many tries to share
	ReasonPart            // a part of a page is not stored

	ReasonServerError   // the origin answered 5xx
	ReasonConnect       // no connection to the origin
	ReasonTimeout       // the origin did not answer in time
	ReasonReset         // the connection broke before the head
	ReasonMalformed     // an answer that HTTP does not allow
	ReasonTruncated     // the body ended early
	ReasonNoUpstream    // no server or connection of the upstream is free
	ReasonPanic         // a fault of ours, recovered
	ReasonWaitedTooLong // a follower's own deadline passed
	ReasonBreakerOpen   // the upstream failed too often and is not asked for a while

	ReasonBadTarget     // an ambiguous or malformed target
	ReasonBadHost       // no Host, or one that cannot be
	ReasonUnknownHost   // a Host that is not on the allow-list
	ReasonBadFraming    // conflicting or unreadable framing
	ReasonBadMethod     // CONNECT, TRACE, or no method at all
	ReasonBadField      // a field name or value that cannot be forwarded
	ReasonHeadTooLarge  // the request head does not fit
	ReasonShuttingDown  // the process is draining
	ReasonMaintenance   // the route, or the site, is under maintenance
	ReasonTargetTooLong // the target is longer than 8 KiB
	ReasonBadCoding     // a transfer coding other than chunked
	ReasonUnresolved    // the segment refers to something that the sidecar does not have

	reasonCount
)

func (r Reason) String() string {
	if int(r) >= len(reasonNames) {
		return "unknown"
	}
	return reasonNames[r]
}

// reasonNames is read only; the array type makes a missing name a test failure
// and an extra one a compile error.
var reasonNames = [reasonCount]string{
	ReasonNone: "none", ReasonFresh: "fresh", ReasonLanding: "landing", ReasonAbsent: "absent", ReasonVariant: "variant-absent",
	ReasonExpired: "expired", ReasonGrace: "grace", ReasonRevalidate: "no-cache", ReasonPurgedHard: "purged-hard",
	ReasonPurgedSoft: "purged-soft", ReasonRequestDirective: "request-directive", ReasonOnlyIfCached: "only-if-cached",
	ReasonStaleOnError: "stale-on-error", ReasonNotModified: "not-modified",
	ReasonPrivateRoute: "private-route", ReasonMethod: "method", ReasonAuthorization: "authorization", ReasonUnsealed: "unsealed",
	ReasonMarked: "marked", ReasonRoutePassing: "route-passing", ReasonUpgrade: "upgrade",
	ReasonStored: "stored", ReasonNoStore: "no-store", ReasonPrivate: "private", ReasonSetCookie: "set-cookie",
	ReasonVaryAll: "vary-all", ReasonVaryPrivate: "vary-private", ReasonVarySegment: "vary-segment-on-public", ReasonVaryLocale: "vary-locale",
	ReasonVariantLimit: "variant-limit", ReasonNoFreshness: "no-freshness", ReasonNoValidator: "no-validator", ReasonStatus: "status",
	ReasonLogin: "login", ReasonSharedAuth: "shared-authorization", ReasonTooLarge: "too-large", ReasonEcho: "echo-mismatch",
	ReasonEchoUnreadable: "echo-unreadable", ReasonHead: "head", ReasonVariantMismatch: "variant-mismatch",
	ReasonPurgedInFlight: "purged-in-flight", ReasonAlone: "alone", ReasonPart: "part",
	ReasonServerError: "origin-5xx", ReasonConnect: "connect", ReasonTimeout: "timeout", ReasonReset: "reset", ReasonMalformed: "malformed",
	ReasonTruncated: "truncated", ReasonNoUpstream: "no-upstream", ReasonPanic: "panic", ReasonWaitedTooLong: "waited-too-long",
	ReasonBreakerOpen: "breaker-open",
	ReasonBadTarget:   "bad-target", ReasonBadHost: "bad-host", ReasonUnknownHost: "unknown-host", ReasonBadFraming: "bad-framing",
	ReasonBadMethod: "bad-method", ReasonBadField: "bad-field", ReasonHeadTooLarge: "head-too-large", ReasonShuttingDown: "shutting-down", ReasonMaintenance: "maintenance",
	ReasonTargetTooLong: "target-too-long", ReasonBadCoding: "bad-coding", ReasonUnresolved: "unresolved",
}

// Reasons gives every reason, in order.
func Reasons() []Reason {
	all := make([]Reason, reasonCount)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}
