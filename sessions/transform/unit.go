package transform

import (
	"bytes"
	"iter"
	"regexp"
	"slices"
	"time"
)

// unit is an App with its declaration compiled. It is not changed once made.
type unit struct {
	app     App
	spec    Spec
	timeout time.Duration
	print   string
	keys    []Key // inputs other than cookies
	cookies []*regexp.Regexp
	outputs map[Key]bool
}

// newUnit needs a Spec without faults.
func newUnit(app App, spec Spec, timeout time.Duration) (*unit, error) {
	patterns, err := spec.Input.Compile()
	if err != nil {
		return nil, err
	}
	u := &unit{app: app, spec: spec, timeout: timeout, print: fingerprint(spec), cookies: patterns, outputs: map[Key]bool{}}
	for k := range sorted(spec.Input).keys() {
		if k.Namespace != CookieNamespace {
			u.keys = append(u.keys, k)
		}
	}
	for k := range spec.Output.keys() {
		u.outputs[k] = true
	}
	return u, nil
}

func (u *unit) readsCookie(name string) bool {
	return slices.ContainsFunc(u.cookies, func(re *regexp.Regexp) bool { return re.MatchString(name) })
}

// reads says whether k is an input.
func (u *unit) reads(k Key) bool {
	if k.Namespace == CookieNamespace {
		return u.readsCookie(k.Name)
	}
	return slices.Contains(u.keys, k)
}

// inputKeys gives the keys that are inputs and may have a value in one of the states, some of them more than once.
func (u *unit) inputKeys(states ...Values) iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, k := range u.keys {
			if !yield(k) {
				return
			}
		}
		if len(u.cookies) == 0 {
			return
		}
		for _, state := range states {
			for name := range state[CookieNamespace] {
				if u.readsCookie(name) && !yield(Key{CookieNamespace, name}) {
					return
				}
			}
		}
	}
}

// inputs gives the declared inputs that have a value, in maps of their own.
func (u *unit) inputs(state Values) Values {
	in := Values{}
	for k := range u.inputKeys(state) {
		if v := state.Get(k); v != nil {
			in.put(k, v)
		}
	}
	return in
}

func (u *unit) hasInputs(state Values) bool {
	for k := range u.inputKeys(state) {
		if state.Get(k) != nil {
			return true
		}
	}
	return false
}

func (u *unit) sameInputs(a, b Values) bool {
	for k := range u.inputKeys(a, b) {
		if !bytes.Equal(a.Get(k), b.Get(k)) {
			return false
		}
	}
	return true
}

// lost says whether outputs that were made when the session was as in `was` may no longer be true of one
// as in `now`, so that they would grant what the shopper cannot get any more (the package doc, Failures).
func (u *unit) lost(was, now Values) bool {
	for k := range u.inputKeys(was) {
		before, after := was.Get(k), now.Get(k)
		if before != nil && (after == nil || identifies(k) && !bytes.Equal(before, after)) {
			return true
		}
	}
	return false
}

// identifies says whether a shopper is known by a value: by all that is proven, and by two public
// ones that stand for a customer (facts, part 4).
func identifies(k Key) bool {
	return k.Namespace != PublicNamespace || k.Name == "storeUserEmail" || k.Name == "vtex-impersonated-customer-email"
}
