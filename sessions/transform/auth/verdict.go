package auth

// Verdict says what a token is worth. The zero value is VerdictValid.
type Verdict uint8

// The verdicts.
const (
	VerdictValid      Verdict = iota // it proves who its bearer is
	VerdictExpired                   // its time is over
	VerdictEarly                     // its time has not come (nbf)
	VerdictForged                    // not signed by the key that it names, or not by that key's algorithm
	VerdictUnknownKey                // names no key of the set
	VerdictForeign                   // of another account
	VerdictIssuer                    // of another issuer
	VerdictAudience                  // an operator's token in a shopper's cookie, or the other way round
	VerdictMalformed                 // no JWT with the claims of a log-in, or too long
	VerdictNoKeys                    // there are no keys to verify it by
	numVerdicts
)

var verdictNames = [numVerdicts]string{"valid", "expired", "early", "forged", "unknown-key", "foreign", "issuer", "audience", "malformed", "no-keys"}

// String returns the lower-case word used in logs and metrics.
func (v Verdict) String() string { return verdictNames[v] }

// Verdicts returns every Verdict, for whoever prepares one counter for each. The slice is the caller's.
func Verdicts() []Verdict {
	all := make([]Verdict, numVerdicts)
	for i := range all {
		all[i] = Verdict(i)
	}
	return all
}
