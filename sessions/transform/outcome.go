package transform

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Outcome says what became of one call of an App. The zero value is OutcomeOK.
type Outcome uint8

// The outcomes.
const (
	OutcomeOK       Outcome = iota // its outputs were merged
	OutcomeDropped                 // they were, but for some that it does not declare
	OutcomeWithheld                // it does not stand by an input that was stated earlier, and gave what holds instead
	OutcomeRefused                 // it refuses the request; this counts if it is its last word
	OutcomeFailed                  // it returned an error, or an output that is not JSON
	OutcomeTimeout                 // it did not answer in its time, or there was no time left to call it
	OutcomePanicked                // it panicked
	OutcomeLoop                    // it would have been called once more than Options.Rounds allows
	numOutcomes
)

var outcomeNames = [numOutcomes]string{"ok", "dropped", "withheld", "refused", "failed", "timeout", "panicked", "loop"}

// String returns the lower-case word used in logs and metrics.
func (o Outcome) String() string { return outcomeNames[o] }

// Outcomes returns every Outcome, for whoever prepares one counter for each. The slice is the caller's.
func Outcomes() []Outcome {
	all := make([]Outcome, numOutcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// Call is one call of an App, or one that there was no time or no round left for. It holds no values of the session.
type Call struct {
	App     string
	Outcome Outcome
	Round   int           // from 1; 0 is the one with empty inputs for a new session
	Took    time.Duration // 0 where it was not called
	Dropped int           // outputs that were not taken
	Err     error         // why it failed, timed out, panicked, refused or withheld; nil otherwise
}

// PanicError is the error of an App that panicked. It does not give the value that the App panicked with, which may be
// text of a session.
type PanicError struct {
	What  string // the runtime's own message, or the type of the value
	Stack []byte
}

// Error implements error.
func (p *PanicError) Error() string { return "panic: " + p.What }

// panicked makes a PanicError of what recover gave.
func panicked(v any, stack []byte) *PanicError {
	if err, ok := v.(runtime.Error); ok {
		return &PanicError{err.Error(), stack}
	}
	return &PanicError{fmt.Sprintf("a value of type %T", v), stack}
}

// outcomeOf classifies the error of a failed call.
func outcomeOf(err error) Outcome {
	var p *PanicError
	switch {
	case errors.As(err, &p):
		return OutcomePanicked
	case errors.Is(err, context.DeadlineExceeded):
		return OutcomeTimeout
	}
	return OutcomeFailed
}
