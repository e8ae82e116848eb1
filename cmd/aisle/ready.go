package main

import "sync/atomic"

// state is where the process is in its life. The zero value is stateStarting.
type state int32

const (
	stateStarting state = iota
	stateReady
	stateDraining
	numStates
)

var stateNames = [numStates]string{"starting", "ready", "draining"}

// String returns the word of /readyz.
func (s state) String() string { return stateNames[s] }

// readiness is what /readyz tells. It is safe for concurrent use.
type readiness struct{ now atomic.Int32 }

func (r *readiness) set(s state) { r.now.Store(int32(s)) }

func (r *readiness) get() (ready bool, reason string) {
	s := state(r.now.Load())
	return s == stateReady, s.String()
}
