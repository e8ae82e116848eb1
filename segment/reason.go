package segment

// Reason says what became of the segment cookie of a request. The zero value is Absent.
type Reason uint8

// The reasons. All but OK mean that the shopper has the default segment.
const (
	Absent    Reason = iota // no cookie, or an empty one
	OK                      // decoded
	Malformed               // not base64 of one strict JSON object with well-typed fields
	Oversized               // longer than max_bytes
	Duplicate               // the request carried the cookie more than once
	numReasons
)

var reasonNames = [numReasons]string{"absent", "ok", "malformed", "oversized", "duplicate"}

// String returns the lower-case word used in logs, metrics and headers.
func (r Reason) String() string { return reasonNames[r] }

// Reasons returns every Reason, for whoever prepares one counter for each. The slice is the caller's.
func Reasons() []Reason { return all(numReasons) }

// SealState says what the seal beside a token is worth. Only SealValid proves anything. The zero value is SealAbsent.
type SealState uint8

// The seal states.
const (
	SealAbsent     SealState = iota // no seal, or no well-formed token that it could prove
	SealValid                       // made by a key of ours for this account and these token bytes, and not expired
	SealExpired                     // genuine, but its time is over
	SealForged                      // not of the form of a seal, or its MAC is wrong
	SealUnknownKey                  // made by a key that is not in the list
	SealRevoked                     // genuine, but its token was revoked after it was issued
	numSealStates
)

var sealStateNames = [numSealStates]string{"absent", "valid", "expired", "forged", "unknown-key", "revoked"}

// String returns the lower-case word used in logs, metrics and headers.
func (s SealState) String() string { return sealStateNames[s] }

// SealStates returns every SealState. The slice is the caller's.
func SealStates() []SealState { return all(numSealStates) }

// OverlayReason says what became of the query parameters that overlay the segment. Where several parameters were
// refused it is the reason of the first refused one. The zero value is OverlayNone.
type OverlayReason uint8

// The overlay reasons.
const (
	OverlayNone      OverlayReason = iota // no overlay parameter
	OverlayApplied                        // every parameter was applied
	OverlayUnlisted                       // sc names a channel that is not in segment.channels
	OverlayPrivate                        // sc names a channel listed as private
	OverlayInvalid                        // a value with control characters or invalid UTF-8
	OverlayOversized                      // more bytes than max_bytes: none was applied
	numOverlayReasons
)

var overlayReasonNames = [numOverlayReasons]string{"none", "applied", "unlisted", "private", "invalid", "oversized"}

// String returns the lower-case word used in logs, metrics and headers.
func (o OverlayReason) String() string { return overlayReasonNames[o] }

// OverlayReasons returns every OverlayReason. The slice is the caller's.
func OverlayReasons() []OverlayReason { return all(numOverlayReasons) }

func all[T ~uint8](n T) []T {
	values := make([]T, n)
	for i := range values {
		values[i] = T(i)
	}
	return values
}
