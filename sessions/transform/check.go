package transform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AccountNamespace says whose the session is. The sidecar writes it, no app does.
const AccountNamespace = "account"

const maxName = 128 // bytes of the name of an app, a namespace or a key

func (o Options) check() (errs []error) {
	if o.Rounds < 0 {
		errs = append(errs, fmt.Errorf("transforms: %d rounds", o.Rounds))
	}
	if o.Timeout < 0 || o.Deadline < 0 {
		errs = append(errs, fmt.Errorf("transforms: a timeout of %v and a deadline of %v", o.Timeout, o.Deadline))
	}
	return errs
}

// Validate returns every fault of a declaration, joined, each with the app's name.
func (s Spec) Validate() error {
	errs := checkAppName(s.Name)
	if s.Timeout < 0 {
		errs = append(errs, fmt.Errorf("app %q: a timeout of %v", s.Name, s.Timeout))
	}
	errs = append(errs, s.checkNames("input", s.Input)...)
	errs = append(errs, s.checkNames("output", s.Output)...)
	for _, namespace := range []string{CookieNamespace, AccountNamespace} {
		if _, ok := s.Output[namespace]; ok {
			errs = append(errs, fmt.Errorf("app %q: output: no app may write the namespace %s", s.Name, namespace))
		}
	}
	if _, err := s.Input.Compile(); err != nil {
		errs = append(errs, fmt.Errorf("app %q: input: %w", s.Name, err))
	}
	inputs := 0
	for _, names := range s.Input {
		inputs += len(names)
	}
	if inputs == 0 && !s.RunOnCreate && !s.Refresh {
		errs = append(errs, fmt.Errorf("app %q: without an input it would never be called", s.Name))
	}
	return errors.Join(errs...)
}

// checkAppName: a name is a metric's label, and often a namespace and part of a URL.
func checkAppName(name string) []error {
	switch name {
	case CookieNamespace, PublicNamespace, AccountNamespace:
		return []error{fmt.Errorf("app %q: the name is reserved", name)}
	}
	if !PlainID(name, maxName) {
		return []error{fmt.Errorf(`app %q: want a name of letters, digits, "-", "_", "."`, name)}
	}
	return nil
}

func (s Spec) checkNames(side string, d Declaration) (errs []error) {
	for _, namespace := range slices.Sorted(maps.Keys(d)) {
		if namespace == "" || len(namespace) > maxName {
			errs = append(errs, fmt.Errorf("app %q: %s: %q is no name of a namespace", s.Name, side, namespace))
		}
		for _, name := range d[namespace] {
			if name == "" || len(name) > maxName {
				errs = append(errs, fmt.Errorf("app %q: %s: %q is no key of %s", s.Name, side, name, namespace))
			}
		}
	}
	return errs
}

// PlainID says whether text is an id of 1 to limit ASCII letters, digits, "-", "_" and ".": one that may stand in a URL, a
// label of a metric and a log line.
func PlainID(text string, limit int) bool {
	odd := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	}
	return text != "" && len(text) <= limit && !strings.ContainsFunc(text, odd)
}
