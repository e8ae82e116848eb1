package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// typeReplaced is the type of a refusal that asking again helps against.
const typeReplaced = "Replaced"

// gate is before what an operator has done by the admin listener: purges, revocations, reloads. While a successor begins they
// wait, and once it answers they are refused here, so that none is acknowledged that the successor does not know of. The zero
// value is open.
//
// Rejected: to close the admin listener before. A successor that fails then would leave a process behind that nobody can ask.
type gate struct {
	mu     sync.Mutex
	busy   int           // requests that are let through
	idle   chan struct{} // closed when busy is 0, while a hold waits for that
	held   chan struct{} // closed when the hold ends; nil: there is none
	closed bool
}

// maxAhead bounds what of a body is read before the gate, in bytes: a client that sends slowly must keep nobody waiting. No body that
// the handlers take is longer.
const maxAhead = 1 << 20

// guard has a handler wait before the gate.
func (g *gate) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ahead, err := io.ReadAll(io.LimitReader(r.Body, maxAhead))
		rest := io.Reader(r.Body)
		if err != nil {
			rest = failing{err}
		}
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(ahead), rest))
		if !g.enter(r.Context()) {
			refuseReplaced(w)
			return
		}
		defer g.leave()
		h.ServeHTTP(w, r)
	})
}

// failing is a body that broke off.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// refuseReplaced answers in all the shapes that the endpoints behind a gate have for errors.
func refuseReplaced(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "0")
	w.Header().Set("Connection", "close") // the next one reaches the successor
	w.WriteHeader(http.StatusServiceUnavailable)
	const message = "nothing was done: this process has just been replaced, ask again and its successor answers"
	_, _ = io.WriteString(w, `{"type":"`+typeReplaced+`","message":"`+message+`","error":"`+message+`","result":"refused","errors":["`+message+`"]}`+"\n") // the operator went
}

// enter waits until nothing is held, and tells whether the request may be done. leave must follow if it may.
func (g *gate) enter(ctx context.Context) bool {
	for {
		g.mu.Lock()
		held := g.held
		switch {
		case g.closed:
			g.mu.Unlock()
			return false
		case held == nil:
			g.busy++
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return false // whoever asked went
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy--; g.busy == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// hold keeps everything that comes waiting, until reopen or shut, and returns when what is under way is done, or with an error when
// ctx has ended before.
func (g *gate) hold(ctx context.Context) error {
	g.mu.Lock()
	g.held = make(chan struct{})
	if g.busy == 0 {
		g.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	g.idle = idle
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("an operator's request under way did not end"), context.Cause(ctx))
	}
}

// reopen ends a hold, if there is one: this process goes on.
func (g *gate) reopen() { g.end(false) }

// shut ends a hold, if there is one: this process does nothing more for operators.
func (g *gate) shut() { g.end(true) }

func (g *gate) end(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.idle = closed, nil
	if g.held != nil {
		close(g.held)
		g.held = nil
	}
}
