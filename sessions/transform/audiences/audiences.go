// Package audiences is the app `rnb`: the audiences that a shopper is in, as campaigns of the segment. An audience is a
// condition over the session (package expression) with a time in which it counts.
package audiences

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/expression"
)

const (
	namespace = "rnb"
	maxID     = 64   // bytes: the ids of a shopper's audiences go into a cookie
	maxCount  = 1000 // audiences: each is evaluated at each request of the sessions API
)

// MaxLimit is how many campaigns a segment takes: more would be cut off when it is issued, after the app has told that they count.
const MaxLimit = 16

// Audience is a group of shoppers that a campaign is for.
type Audience struct {
	ID       string // in the segment; letters, digits, "-", "_" and "."
	Name     string // for people; may be empty
	When     string // the condition, in the language of package expression
	Priority int    // a higher one comes first in the segment, and is the last to fall to Options.Limit
	// From and Until bound the time in which it counts: at From it does, at Until it no longer does. The
	// zero Time is no bound.
	From, Until time.Time
}

// Options of the app.
type Options struct {
	Audiences []Audience // those of one priority count in this order
	// Limit is how many audiences a shopper can be in; 0: MaxLimit, which is the most. Each combination is a segment of its own,
	// with pages of its own, and the public system applies no promotion to a segment with two (known issue 1207746).
	Limit int
	// Known are namespaces and keys that the operator's own apps write, which conditions may read.
	Known []transform.Declaration
}

// audience is an Audience, compiled.
type audience struct {
	Audience
	condition *expression.Condition
}

// Audiences is the App `rnb`. It is never changed, and is safe for concurrent use.
type Audiences struct {
	list  []audience // by priority
	spec  transform.Spec
	limit int
}

// New compiles the audiences, or gives every fault of them: joined, each one line that begins with the key, such as
// "rnb.audiences[2].when: ".
func New(o Options) (*Audiences, error) {
	var errs []error
	if o.Limit < 0 || o.Limit > MaxLimit {
		errs = append(errs, fmt.Errorf("rnb.limit: %d is not between 0 and %d, which is what a segment takes", o.Limit, MaxLimit))
	}
	if len(o.Audiences) > maxCount {
		errs = append(errs, fmt.Errorf("rnb.audiences: %d of them, %d are allowed", len(o.Audiences), maxCount))
	}
	a := &Audiences{limit: cmp.Or(o.Limit, MaxLimit)}
	seen := map[string]bool{}
	var conditions []*expression.Condition
	for i, one := range o.Audiences {
		condition, faults := check(one, o.Known)
		if seen[one.ID] {
			faults = append(faults, fmt.Errorf("id: %q is there twice", one.ID))
		}
		seen[one.ID] = true
		for _, err := range faults {
			errs = append(errs, fmt.Errorf("rnb.audiences[%d].%w", i, err))
		}
		conditions = append(conditions, condition)
		a.list = append(a.list, audience{one, condition})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortStableFunc(a.list, func(x, y audience) int { return cmp.Compare(y.Priority, x.Priority) })
	a.spec = transform.Spec{
		Name: namespace, Input: expression.Inputs(conditions...),
		Output: transform.Declaration{namespace: {"campaigns"}},
		// An audience begins and ends, and others come with a new configuration, while the session stays as it is.
		Refresh: true,
	}
	return a, nil
}

// Check says what is wrong with one audience by itself: every fault, joined, each one line that begins with the key at fault. known is
// that of Options.
func Check(a Audience, known []transform.Declaration) error {
	_, faults := check(a, known)
	return errors.Join(faults...)
}

// check gives errors of one line that begin with the key at fault.
func check(a Audience, known []transform.Declaration) (*expression.Condition, []error) {
	var errs []error
	if !transform.PlainID(a.ID, maxID) {
		errs = append(errs, fmt.Errorf(`id: %q: want at most %d letters, digits, "-", "_", "."`, a.ID, maxID))
	}
	if !a.From.IsZero() && !a.Until.IsZero() && !a.From.Before(a.Until) {
		errs = append(errs, fmt.Errorf("until: %s is not after from, %s", a.Until.Format(time.RFC3339), a.From.Format(time.RFC3339)))
	}
	condition, err := expression.Compile(a.When, known...)
	if err != nil {
		return nil, append(errs, fmt.Errorf("when: %w", transform.OneLine(err)))
	}
	for _, k := range condition.Keys() {
		if k.Namespace == namespace {
			errs = append(errs, fmt.Errorf("when: %s is what audiences make, none can hang on it", k))
		}
	}
	return condition, errs
}

// Spec implements transform.App. The inputs are what the conditions read.
func (a *Audiences) Spec() transform.Spec { return a.spec }

// Transform implements transform.App: the ids of the audiences that the shopper is in at this time, joined by commas,
// or "" for none. An audience whose condition cannot be evaluated is one that the shopper is not in.
func (a *Audiences) Transform(_ context.Context, in transform.Values) (transform.Values, error) {
	now := time.Now()
	var ids []string
	for i := range a.list {
		if len(ids) == a.limit {
			break
		}
		if a.list[i].judge(in, now) == Matched {
			ids = append(ids, a.list[i].ID)
		}
	}
	return transform.Values{namespace: {"campaigns": transform.TextValue(strings.Join(ids, ","))}}, nil
}

// judge says whether a shopper is in the audience, its limit aside.
func (a *audience) judge(in transform.Values, now time.Time) Reason {
	if !a.From.IsZero() && now.Before(a.From) {
		return NotBegun
	}
	if !a.Until.IsZero() && !now.Before(a.Until) {
		return Ended
	}
	holds, err := a.condition.Eval(in)
	switch {
	case err != nil:
		return Unreadable
	case !holds:
		return Unmet
	}
	return Matched
}
