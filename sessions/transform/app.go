package transform

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// App is a transform: a function from declared inputs to declared outputs. A session
// system runs the affected ones in rounds until nothing changes (Engine).
//
// It must be safe for concurrent use, and give the same outputs for the same inputs as
// long as what it looks up is the same.
type App interface {
	Spec() Spec
	// Transform gets every declared input that has a value, changed or not, and gives
	// outputs: a key left out leaves what was, "" clears it. A *Refusal as error
	// refuses the whole request; any other error is a failure of the app,
	// whose last outputs stay as far as the package doc says. in is the App's only to read; the result is the Engine's.
	Transform(ctx context.Context, in Values) (Values, error)
}

// Spec is what an App declares, the same at each call.
type Spec struct {
	Name   string
	Input  Declaration
	Output Declaration
	// RunOnCreate calls it for a new session, with empty inputs, before the first round.
	RunOnCreate bool
	// Timeout bounds one call; 0 is the Engine's own.
	Timeout time.Duration
	// Refresh calls it at every request, as if an input had changed: for what is looked up
	// outside of the session, such as a key that was revoked or an audience's end.
	Refresh bool
	// Cleared shows it inputs that a request takes away, as "" while that request runs: a session has no empty values, so
	// to every other app they are as those that never were.
	Cleared bool
	// Basis names what the outputs hang on beside the inputs and what is looked up, such as a list in the configuration: with
	// another one the app is called once more for each session. "": nothing.
	Basis string
}

// Declaration names values: namespace to keys. In namespace `cookie`, which is input
// only, keys are regular expressions that match a whole cookie name (facts, part 4).
type Declaration map[string][]string

// Compile reads the regular expressions of the cookie inputs, anchored.
func (d Declaration) Compile() ([]*regexp.Regexp, error) {
	var list []*regexp.Regexp
	for _, pattern := range d[CookieNamespace] {
		// Alone first: "a)|(b" would slip out of the anchors.
		if _, err := regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("cookie %q: %w", pattern, err)
		}
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			return nil, fmt.Errorf("cookie %q: %w", pattern, err)
		}
		list = append(list, re)
	}
	return list, nil
}

// CookieNamespace holds the request's cookies that some app declares as input. It never leaves the sidecar.
const CookieNamespace = "cookie"

// PublicNamespace is what a request's body and query may write.
const PublicNamespace = "public"

// Refusal is an App's refusal of a request: nothing that it says is stored. Status is 401 or
// 403 (facts, part 4), or 413 for what is too large to be had.
type Refusal struct {
	Status int
	Reason string // for the shopper, without values of the session
	// Of is the input that the App will not have. Where it is set, the refusal counts only for a request
	// that states this very value; for any other, what the App returned beside the Refusal are its outputs, or a
	// shopper would be locked out by what they were once allowed to say. The zero value refuses the request as a whole.
	Of Key
}

// Error implements error.
func (r *Refusal) Error() string { return r.Reason }
