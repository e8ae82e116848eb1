package main

import (
	"net/http"
	"sync"
)

// typeReplaced is the type of a refusal that asking again helps against.
const typeReplaced = "Replaced"

// gate is before what an operator has done by the admin listener: purges, revocations, reloads. While a successor begins they
// wait, and once it answers they are refused here, so that none is acknowledged that the successor does not know of.
//
// Rejected: to close the admin listener before. A successor that fails then would leave a process behind that nobody can ask.
type gate struct {
	mu   sync.RWMutex // held for reading by each request, for writing while a successor begins
	left bool
}

// guard has a handler wait before the gate.
func (g *gate) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.RLock()
		defer g.mu.RUnlock()
		if !g.left {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		const message = "nothing was done: this process has just been replaced, ask again and its successor answers"
		_, _ = w.Write([]byte(`{"type":"` + typeReplaced + `","message":"` + message + `","error":"` + message + `"}` + "\n")) // the operator went
	})
}

// hold waits for what is under way and keeps everything else waiting, until reopen or shut.
func (g *gate) hold() { g.mu.Lock() }

// reopen ends a hold: this process goes on.
func (g *gate) reopen(held bool) {
	if held {
		g.mu.Unlock()
	}
}

// shut ends a hold: this process does nothing more for operators.
func (g *gate) shut(held bool) {
	if !held {
		g.mu.Lock()
	}
	g.left = true
	g.mu.Unlock()
}
