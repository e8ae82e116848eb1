package httpcc

import "time"

// MaxDeltaSeconds is where every number of seconds in this package saturates:
// 2^31, the value that RFC 9111 section 1.2.2 names for what is too large.
const MaxDeltaSeconds = 1 << 31

// maxDelta is MaxDeltaSeconds as a duration, about 68 years.
const maxDelta = MaxDeltaSeconds * time.Second

// Delta is an optional number of seconds, the delta-seconds of RFC 9111 section
// 1.2.2. The zero value means that nothing was said; {Set: true} means zero
// seconds, which is a very different thing.
type Delta struct {
	Set     bool
	Seconds int64 // from 0 to MaxDeltaSeconds
}

// Duration gives the seconds as a duration, 0 where the Delta is not set.
func (d Delta) Duration() time.Duration {
	if !d.Set {
		return 0
	}
	return time.Duration(d.Seconds) * time.Second
}

// atMost and atLeast resolve duplicates of one directive to the most
// restrictive one, RFC 9111 section 4.2.1.
func (d *Delta) atMost(seconds int64) {
	if !d.Set || seconds < d.Seconds {
		*d = Delta{Set: true, Seconds: seconds}
	}
}

func (d *Delta) atLeast(seconds int64) {
	if !d.Set || seconds > d.Seconds {
		*d = Delta{Set: true, Seconds: seconds}
	}
}

// parseSeconds reads 1*DIGIT, saturating however long it is. Leading zeros are
// digits; a sign, a fraction or an exponent are not.
func parseSeconds(b []byte) (seconds int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		seconds = clampSeconds(seconds*10 + int64(c-'0'))
	}
	return seconds, len(b) > 0
}

func clampSeconds(n int64) int64 {
	return min(max(n, 0), MaxDeltaSeconds)
}

func clampDuration(d time.Duration) time.Duration {
	return min(max(d, 0), maxDelta)
}
