package transform

import (
	"bytes"
	"context"
	"fmt"
)

// player is a unit in one run.
type player struct {
	*unit
	last    Values       // the session as it was at its last call; before one in this run, the stored one
	due     bool         // to be called though its inputs are as they were at the last call
	pending bool         // its last call failed or was withheld
	known   bool         // it was called, in this run or before
	given   map[Key]bool // outputs that it gave
	refusal *Refusal     // its last word, if that is a refusal
}

// run is one Run. It belongs to one goroutine; the calls that it starts see their own inputs alone.
type run struct {
	engine  *Engine
	stated  Values // what the caller writes
	applied bool   // it is written
	state   Values
	players []*player
	result  Result
}

// Run applies a change to a session, which it leaves as it is, and calls the apps that it concerns until nothing
// changes any more. It fails with a *Refusal where an app refuses the change, and with the error of ctx where
// that ends first; then nothing is to be stored. It never fails by failures of apps: Result.Calls tells of them.
func (e *Engine) Run(ctx context.Context, state Values, change Change) (Result, error) {
	told := withHold(withOperation(ctx, change.Operation), change.Hold)
	bounded, cancel := context.WithTimeout(told, e.o.Deadline)
	defer cancel()
	r := e.begin(state, change)
	if change.Created {
		r.create(bounded)
	}
	r.apply(change)
	r.markDue()
	r.rounds(ctx, bounded)
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("transforms: %w", err)
	}
	for _, p := range r.players {
		if p.refusal != nil {
			return Result{}, p.refusal
		}
	}
	return r.finish(state, change.Marks), nil
}

func (e *Engine) begin(state Values, change Change) *run {
	r := &run{engine: e, stated: change.Values, state: state.Clone()}
	held := map[Key]bool{}
	for _, u := range e.units {
		mark, known := change.Marks[u.spec.Name]
		p := &player{unit: u, last: state, known: known, given: map[Key]bool{}}
		p.pending = known && (mark.Pending || mark.Spec != u.print)
		for k := range mark.Outputs.keys() {
			if u.outputs[k] {
				p.given[k], held[k] = true, true
			}
		}
		r.players = append(r.players, p)
	}
	r.dropOrphans(change.Marks, held)
	return r
}

// dropOrphans clears what apps gave that are no longer there, or no longer write it: nobody would ever take it back.
func (r *run) dropOrphans(marks Marks, held map[Key]bool) {
	for _, mark := range marks {
		for k := range mark.Outputs.keys() {
			if !held[k] {
				r.state.Set(k, nil)
			}
		}
	}
}

// create calls the apps that a new session starts with, on empty inputs.
func (r *run) create(ctx context.Context) {
	var wave []*player
	for _, p := range r.players {
		if p.spec.RunOnCreate {
			wave = append(wave, p)
		}
	}
	r.wave(ctx, wave, Values{})
}

// apply writes what the caller says.
func (r *run) apply(change Change) {
	r.applied = true
	for k, v := range change.Values.All() {
		r.state.Set(k, v)
	}
	delete(r.state, CookieNamespace) // whatever the caller wrote there, too
	for _, c := range change.Cookies {
		if c.Name != "" && r.engine.readsCookie(c.Name) {
			r.state.Set(Key{CookieNamespace, c.Name}, TextValue(c.Value))
		}
	}
}

// markDue finds whom the first round calls whatever has changed.
func (r *run) markDue() {
	for _, p := range r.players {
		switch {
		case p.pending:
			p.due = true
		case !p.known: // the app is new to this session
			p.due = p.spec.RunOnCreate || p.spec.Refresh || p.hasInputs(r.state)
		default:
			p.due = p.spec.Refresh
		}
	}
}

// statedNow says whether the caller itself wrote the value that k has.
func (r *run) statedNow(k Key) bool {
	v := r.stated.Get(k)
	return !Empty(v) && bytes.Equal(v, r.state.Get(k))
}

// inputs are those that an app is called with.
func (r *run) inputs(p *player, from Values) Values {
	in := p.inputs(from)
	if !p.spec.Cleared || !r.applied {
		return in
	}
	for k, v := range r.stated.All() {
		if k.Namespace != CookieNamespace && Empty(v) && from.Get(k) == nil && p.reads(k) {
			in.put(k, TextValue(""))
		}
	}
	return in
}

func (r *run) finish(before Values, marks Marks) Result {
	r.result.Values = r.state
	r.result.Marks = Marks{}
	for _, p := range r.players {
		if p.known {
			r.result.Marks[p.spec.Name] = Mark{Spec: p.print, Pending: p.pending, Outputs: outputsOf(p.given, r.state)}
		}
	}
	r.result.Changed = diff(before, r.state)
	r.result.Edited = len(r.result.Changed) > 0 || !r.result.Marks.Equal(marks)
	return r.result
}

func (r *run) note(c Call) {
	r.result.Calls = append(r.result.Calls, c)
	r.engine.o.Observe(c)
}
