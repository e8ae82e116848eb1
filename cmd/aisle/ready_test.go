package main

import "testing"

func TestReadinessTellsTheState(t *testing.T) {
	var r readiness
	f := func(wantReady bool, want string) {
		t.Helper()
		if ready, reason := r.get(); ready != wantReady || reason != want {
			t.Errorf("got %v %q, want %v %q", ready, reason, wantReady, want)
		}
	}
	f(false, "starting")
	r.set(stateReady)
	f(true, "ready")
	r.set(stateDraining)
	f(false, "draining")
}

func TestEveryStateHasAWordOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for s := range numStates {
		if word := s.String(); word == "" || seen[word] {
			t.Errorf("state %d is %q", s, word)
		}
		seen[s.String()] = true
	}
}
