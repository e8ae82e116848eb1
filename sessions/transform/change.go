package transform

import (
	"bytes"
	"context"
	"maps"
	"slices"
)

// Change is what a request does to a session.
type Change struct {
	// Values are what the caller may write and writes: "" and null clear. Those of namespace `cookie` are passed
	// over. They stay the caller's; the Engine keeps references to the bytes.
	Values Values
	// Cookies are all that the shopper has: one that is no longer there is gone, that is how a log-out shows. Of
	// several of one name the last counts; those that no app declares are never recorded.
	Cookies []Cookie
	// Created says that the session is new: apps with RunOnCreate get empty inputs first, and what they give
	// is written before Values are.
	Created bool
	// Marks are those of the session, from the Result that it was last stored by.
	Marks Marks
	// Operation is the id of the request for the apps over HTTP; "" has each of them get one of its own.
	Operation string
	// Hold takes what apps have to tell of their steps, until the Result is stored, or never if it is not: a change may be tried, or
	// run again. It is called by several goroutines at once, also after Run has returned. nil: it is told at once.
	Hold func(tell func())
}

// Cookie is a cookie of a request, decoded.
type Cookie struct{ Name, Value string }

// Result is what became of a session.
type Result struct {
	Values Values // maps of its own, the bytes shared
	Marks  Marks  // to be stored with Values
	// Changed are the keys that differ from the session before, sorted; cookies among them.
	Changed []Key
	// Edited says that Values or Marks differ from the session before: there is something to store.
	Edited bool
	Calls  []Call // in the order of the rounds, within one in that of the configuration
	Rounds int    // that were run; not counting that of a new session
	Loop   *Loop  // nil: the rounds came to rest
}

// Loop tells of rounds that did not come to rest: a fault of the apps, or of their configuration.
type Loop struct {
	Apps []string // that would have been called again, and those that hang on them; sorted
	Keys []Key    // that were cleared; sorted
}

// diff gives the keys of which a and b have different values, sorted.
func diff(a, b Values) []Key {
	found := map[Key]bool{}
	for namespace, keys := range a {
		for name, v := range keys {
			if !bytes.Equal(v, b[namespace][name]) {
				found[Key{namespace, name}] = true
			}
		}
	}
	for namespace, keys := range b {
		for name := range keys {
			if _, ok := a[namespace][name]; !ok {
				found[Key{namespace, name}] = true
			}
		}
	}
	return sortedKeys(found)
}

func sortedKeys(set map[Key]bool) []Key { return slices.SortedFunc(maps.Keys(set), Key.Compare) }

type holdKey struct{}

func withHold(ctx context.Context, hold func(tell func())) context.Context {
	if hold == nil {
		return ctx
	}
	return context.WithValue(ctx, holdKey{}, hold)
}

// tell tells something, or has it held.
func tell(ctx context.Context, what func()) {
	if hold, ok := ctx.Value(holdKey{}).(func(tell func())); ok {
		hold(what)
		return
	}
	what()
}
