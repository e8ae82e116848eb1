package transform

import (
	"context"
	"maps"
	"slices"
)

// fail keeps the last outputs of an app that failed on the inputs in `now`, or clears them (the package
// doc, Failures). A refusal before is not lifted by a failure.
func (r *run) fail(p *player, now Values) {
	p.pending = true
	if p.lost(p.last, now) {
		r.clear(p)
	}
}

// clear takes back what an app gave, but for what the caller itself writes at this moment.
func (r *run) clear(p *player) {
	for k := range p.given {
		if !r.statedNow(k) {
			r.state.Set(k, nil)
		}
	}
	clear(p.given)
}

// outOfTime treats every app that there is no time left for as failed. What that clears may concern others, which are
// then without time too; as it only ever clears, it ends.
func (r *run) outOfTime() {
	noted := map[*player]bool{}
	for wave := r.affected(); len(wave) > 0; wave = r.affected() {
		now := r.state.Clone()
		for _, p := range wave {
			r.fail(p, now)
			p.last, p.due, p.known = now, false, true
			if !noted[p] {
				noted[p] = true
				r.note(Call{App: p.spec.Name, Outcome: OutcomeTimeout, Round: r.result.Rounds, Err: context.DeadlineExceeded})
			}
		}
	}
}

// breakLoop clears what did not come to rest: of the keys that the last round changed, moved, those that would have apps called
// again, what these apps gave, and so on with who reads that. The apps are then settled: the next request would
// find the same loop. They are called again when their inputs change.
func (r *run) breakLoop(wave []*player, moved []Key) {
	apps, keys := map[string]bool{}, map[Key]bool{}
	for _, k := range moved {
		if slices.ContainsFunc(wave, func(p *player) bool { return p.reads(k) }) {
			keys[k] = true
		}
	}
	for ; len(wave) > 0; wave = r.affected() {
		for _, p := range wave {
			maps.Copy(keys, p.given)
			clear(p.given)
			if !apps[p.spec.Name] {
				apps[p.spec.Name] = true
				r.note(Call{App: p.spec.Name, Outcome: OutcomeLoop, Round: r.result.Rounds})
			}
		}
		for k := range keys {
			r.state.Set(k, nil)
		}
		now := r.state.Clone()
		for _, p := range wave {
			p.last, p.due, p.known, p.pending = now, false, true, false
		}
	}
	r.result.Loop = &Loop{Apps: slices.Sorted(maps.Keys(apps)), Keys: sortedKeys(keys)}
}
