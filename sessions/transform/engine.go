package transform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Options of an Engine. The zero value is valid and has every default.
type Options struct {
	Rounds   int           // after which apps that still change what they read are a loop; 0: 8
	Timeout  time.Duration // of one call, unless the app's Spec has its own; 0: 500 ms
	Deadline time.Duration // of one Run, all its rounds together; 0: 3 s
	// Observe is told of each call, once its outcome is known, for metrics. It is called by
	// several Runs at once. nil: nobody is told.
	Observe func(Call)
}

func (o Options) withDefaults() Options {
	if o.Rounds == 0 {
		o.Rounds = 8
	}
	if o.Timeout == 0 {
		o.Timeout = 500 * time.Millisecond
	}
	if o.Deadline == 0 {
		o.Deadline = 3 * time.Second
	}
	if o.Observe == nil {
		o.Observe = func(Call) {}
	}
	return o
}

// Engine runs apps over sessions. It keeps nothing of them, and is safe for concurrent use.
type Engine struct {
	units []*unit // in the order of the configuration
	o     Options
}

// New returns an Engine of apps in the order of the configuration, or every fault of theirs and of o, joined. No app
// at all is a valid Engine too.
func New(apps []App, o Options) (*Engine, error) {
	errs := o.check()
	e := &Engine{o: o.withDefaults()}
	seen := map[string]bool{}
	for _, app := range apps {
		spec := app.Spec()
		if err := spec.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		if seen[spec.Name] {
			errs = append(errs, fmt.Errorf("app %q: the name is there twice", spec.Name))
			continue
		}
		seen[spec.Name] = true
		timeout := spec.Timeout
		if timeout == 0 {
			timeout = e.o.Timeout
		}
		u, err := newUnit(app, spec, timeout)
		if err != nil {
			errs = append(errs, fmt.Errorf("app %q: %w", spec.Name, err))
			continue
		}
		e.units = append(e.units, u)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return e, nil
}

// Names gives the names of the apps in the order of the configuration. The slice is the caller's.
func (e *Engine) Names() []string {
	names := make([]string, 0, len(e.units))
	for _, u := range e.units {
		names = append(names, u.spec.Name)
	}
	return names
}

// Namespaces gives every namespace that an app declares, sorted, `cookie` among them if one reads cookies. The slice
// is the caller's.
func (e *Engine) Namespaces() []string {
	all := map[string]bool{}
	for _, u := range e.units {
		for namespace := range u.spec.Input {
			all[namespace] = true
		}
		for namespace := range u.spec.Output {
			all[namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Overlap is a key that several apps write.
type Overlap struct {
	Key  Key
	Apps []string // in the order of the configuration: in one round the last of them wins
}

// Overlaps gives the keys that several apps write, sorted: allowed, and seldom meant. The slice is the caller's.
func (e *Engine) Overlaps() []Overlap {
	writers := map[Key][]string{}
	for _, u := range e.units {
		for k := range u.outputs {
			writers[k] = append(writers[k], u.spec.Name)
		}
	}
	var list []Overlap
	for k, apps := range writers {
		if len(apps) > 1 {
			list = append(list, Overlap{k, apps})
		}
	}
	slices.SortFunc(list, func(a, b Overlap) int { return a.Key.Compare(b.Key) })
	return list
}

// Compare orders keys by namespace, then by name.
func (k Key) Compare(other Key) int {
	if c := strings.Compare(k.Namespace, other.Namespace); c != 0 {
		return c
	}
	return strings.Compare(k.Name, other.Name)
}

// readsCookie says whether some app declares the cookie.
func (e *Engine) readsCookie(name string) bool {
	return slices.ContainsFunc(e.units, func(u *unit) bool { return u.readsCookie(name) })
}
