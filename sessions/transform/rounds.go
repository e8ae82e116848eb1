package transform

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"
	"time"
)

// rounds calls apps until none is affected, or the rounds or the time are used up.
func (r *run) rounds(ctx, bounded context.Context) {
	var before Values // the last round
	for range r.engine.o.Rounds {
		wave := r.affected()
		if len(wave) == 0 || ctx.Err() != nil {
			return
		}
		if bounded.Err() != nil {
			r.outOfTime()
			return
		}
		r.result.Rounds++
		before = r.state.Clone()
		if r.wave(bounded, wave, before); ctx.Err() != nil {
			return
		}
	}
	switch wave := r.affected(); {
	case len(wave) == 0:
	case bounded.Err() != nil:
		r.outOfTime()
	default:
		r.breakLoop(wave, diff(before, r.state))
	}
}

// affected are the apps that a round is to call.
func (r *run) affected() (wave []*player) {
	for _, p := range r.players {
		if p.due || !p.sameInputs(p.last, r.state) {
			wave = append(wave, p)
		}
	}
	return wave
}

// wave calls apps at once, each with its inputs from the snapshot `from`, and merges what comes back.
// Failures come first: what they clear, a success of the same round may give anew.
func (r *run) wave(ctx context.Context, wave []*player, from Values) {
	replies := make([]reply, len(wave))
	var calls sync.WaitGroup
	for i, p := range wave {
		in := r.inputs(p, from)
		calls.Go(func() { replies[i] = p.call(ctx, in) })
	}
	calls.Wait()
	if errors.Is(ctx.Err(), context.Canceled) {
		return // the client is gone: no app is to blame
	}
	for i, p := range wave {
		r.judge(p, &replies[i]) // all of them before anything is cleared: it looks at what the caller says
	}
	for i, p := range wave {
		if replies[i].failed() {
			r.fail(p, from)
		}
	}
	for i, p := range wave {
		r.settle(p, &replies[i])
		p.last, p.due, p.known = from, false, true
	}
}

// reply is what a call gave.
type reply struct {
	values  Values
	err     error
	took    time.Duration
	outcome Outcome
	refusal *Refusal
}

func (r *reply) failed() bool {
	return r.outcome == OutcomeFailed || r.outcome == OutcomeTimeout || r.outcome == OutcomePanicked
}

// call calls the app and waits for its answer, for no longer than the app may take. An app that does not heed its
// context is left behind with what is its own.
func (u *unit) call(ctx context.Context, in Values) (got reply) {
	ctx, cancel := context.WithTimeout(ctx, u.timeout)
	defer cancel()
	began := time.Now()
	done := make(chan reply, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- reply{err: panicked(v, debug.Stack())}
			}
		}()
		values, err := u.app.Transform(ctx, in)
		done <- reply{values: values, err: err}
	}()
	select {
	case got = <-done:
	case <-ctx.Done():
		got = reply{err: ctx.Err()}
	}
	got.took = time.Since(began)
	return got
}

// judge finds the outcome of a call. A refusal of what the caller does not say now is withheld. One output that is no JSON
// fails the whole call, as it does over HTTP: the value that it was meant to replace is of other inputs.
func (r *run) judge(p *player, got *reply) {
	var refusal *Refusal
	switch {
	case got.err == nil:
		got.outcome = OutcomeOK
	case !errors.As(got.err, &refusal):
		got.outcome = outcomeOf(got.err)
	case refusal.Of == Key{} || r.statedNow(refusal.Of):
		got.outcome, got.refusal = OutcomeRefused, refusal
	default:
		got.outcome = OutcomeWithheld
	}
	if (got.outcome == OutcomeOK || got.outcome == OutcomeWithheld) && !p.sound(got.values) {
		got.outcome, got.err = OutcomeFailed, errOutput
	}
}

var errOutput = errors.New("an output that is no JSON")

// sound says whether every declared output can be stored.
func (u *unit) sound(values Values) bool {
	for k, v := range values.All() {
		if u.outputs[k] && !Empty(v) && !json.Valid(v) {
			return false
		}
	}
	return true
}

// settle merges the outputs of a call that gave some, and notes the call.
func (r *run) settle(p *player, got *reply) {
	call := Call{App: p.spec.Name, Round: r.result.Rounds, Took: got.took, Err: got.err, Outcome: got.outcome}
	switch got.outcome {
	case OutcomeOK, OutcomeWithheld:
		call.Dropped = r.take(p, got.values)
		p.pending, p.refusal = got.outcome == OutcomeWithheld, nil
		if call.Dropped > 0 && got.outcome == OutcomeOK {
			call.Outcome = OutcomeDropped
		}
	case OutcomeRefused:
		p.refusal = got.refusal
	}
	r.note(call)
}

// take merges outputs: a key left out leaves what was, an empty value clears.
func (r *run) take(p *player, values Values) (dropped int) {
	for k, v := range values.All() {
		switch {
		case !p.outputs[k]:
			dropped++
		case Empty(v):
			r.state.Set(k, nil)
			delete(p.given, k)
		default:
			r.state.Set(k, v)
			p.given[k] = true
		}
	}
	return dropped
}
