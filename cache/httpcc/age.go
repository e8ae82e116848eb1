package httpcc

import "time"

// ParseAge reads all lines of an Age field (RFC 9111 section 5.1). Of a list the
// first member counts; where that is no delta-seconds the field is ignored and
// the result is not Set. The lines are not retained.
func ParseAge(lines ...[]byte) Delta {
	var age Delta
	eachElement(lines, func(element []byte) bool {
		if n, ok := parseSeconds(element); ok {
			age = Delta{Set: true, Seconds: n}
		}
		return false
	})
	return age
}

// InitialAge is the corrected_initial_age of RFC 9111 section 4.2.3: how old a
// response was when it arrived. requestTime and responseTime are our own clock
// before and after the fetch; date is the Date field, looked at where hasDate;
// ageValue is the Age field, 0 where there is none. The result is from 0 to
// MaxDeltaSeconds seconds, whatever the clocks say.
func InitialAge(requestTime, responseTime, date time.Time, hasDate bool, ageValue time.Duration) time.Duration {
	var apparent time.Duration
	if hasDate {
		apparent = clampDuration(responseTime.Sub(date))
	}
	delay := clampDuration(responseTime.Sub(requestTime))
	return max(apparent, clampDuration(clampDuration(ageValue)+delay))
}
