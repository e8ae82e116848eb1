package audiences

import (
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// Reason says why a shopper is in an audience or is not. The zero value is Matched.
type Reason uint8

// The reasons.
const (
	Matched    Reason = iota // the shopper is in it
	Unmet                    // its condition does not hold
	NotBegun                 // its From is not yet
	Ended                    // its Until is past
	Unreadable               // its condition cannot be evaluated: a value is too long or of another form
	Limited                  // it holds, but so many of a higher priority do that Options.Limit is reached
	numReasons
)

var reasonNames = [numReasons]string{"matched", "unmet", "not-begun", "ended", "unreadable", "limited"}

// String returns the lower-case word shown to people.
func (r Reason) String() string { return reasonNames[r] }

// MarshalText implements encoding.TextMarshaler by String.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Reasons returns every Reason. The slice is the caller's.
func Reasons() []Reason {
	all := make([]Reason, numReasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// Explanation tells about one audience and one session.
type Explanation struct {
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`
	Priority int       `json:"priority,omitempty"`
	From     time.Time `json:"from,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	Reason   Reason    `json:"reason"`
	When     string    `json:"when"`
	// Read are the values that the condition read, by namespace.key; "" is what was absent, as it is to the condition. They
	// are the shopper's own: for the operator who asks, not for logs.
	Read map[string]string `json:"read,omitempty"`
}

// Explain tells of every audience, in the order in which they count, whether the shopper with this session is in it
// at this time, and why. Those that Matched are what Transform gives.
func (a *Audiences) Explain(in transform.Values, now time.Time) []Explanation {
	list := make([]Explanation, 0, len(a.list))
	matched := 0
	for i := range a.list {
		one := &a.list[i]
		reason := one.judge(in, now)
		if reason == Matched && matched == a.limit {
			reason = Limited
		}
		if reason == Matched {
			matched++
		}
		list = append(list, Explanation{
			ID: one.ID, Name: one.Name, Priority: one.Priority, From: one.From, Until: one.Until,
			Reason: reason, When: one.When, Read: one.read(in),
		})
	}
	return list
}

// read gives what the condition read, as JSON where it is no text.
func (a *audience) read(in transform.Values) map[string]string {
	found := map[string]string{}
	for _, k := range a.condition.Keys() {
		value := in.Get(k)
		text := in.Text(k)
		if len(value) > 0 && value[0] != '"' {
			text = string(value)
		}
		found[k.String()] = text
	}
	return found
}
