package transform

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// Marks is what the Engine must remember of a session beside its Values: each app's Mark by the app's name. It is to
// be kept with the session as it is, and is never changed once made. nil is that of a session which no app has seen.
type Marks map[string]Mark

// Mark is what the last calls of one app left behind.
type Mark struct {
	// Spec identifies the declaration that the app was last called by. Another one makes it due: it may now read
	// what was there all along.
	Spec string `json:"s"`
	// Pending says that the last call failed, or that its outcome was withheld: the app is due at the next request.
	Pending bool `json:"p,omitempty"`
	// Outputs are the keys that the app gave and that have a value, sorted: what goes when the app can no longer
	// answer for it, or is no longer there.
	Outputs Declaration `json:"o,omitempty"`
}

// Equal says whether both hold the same.
func (m Marks) Equal(o Marks) bool { return maps.EqualFunc(m, o, Mark.equal) }

func (m Mark) equal(o Mark) bool {
	return m.Spec == o.Spec && m.Pending == o.Pending && maps.EqualFunc(m.Outputs, o.Outputs, slices.Equal[[]string])
}

// keys gives every key of a declaration.
func (d Declaration) keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, namespace := range slices.Sorted(maps.Keys(d)) {
			for _, name := range d[namespace] {
				if !yield(Key{namespace, name}) {
					return
				}
			}
		}
	}
}

// outputsOf is the declaration of the keys in given that have a value; nil for none.
func outputsOf(given map[Key]bool, state Values) Declaration {
	var d Declaration
	for k := range given {
		if state.Get(k) == nil {
			continue
		}
		if d == nil {
			d = Declaration{}
		}
		d[k.Namespace] = append(d[k.Namespace], k.Name)
	}
	for _, names := range d {
		slices.Sort(names)
	}
	return d
}

// fingerprint names what a Spec declares, whatever the order in which it does.
func fingerprint(spec Spec) string {
	parts := []any{sorted(spec.Input), sorted(spec.Output)}
	if spec.Basis != "" {
		parts = append(parts, spec.Basis)
	}
	text, err := json.Marshal(parts)
	if err != nil {
		panic("BUG: " + err.Error()) // maps of strings, and strings
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// sorted is a copy of d without repetitions.
func sorted(d Declaration) Declaration {
	c := Declaration{}
	for namespace, names := range d {
		c[namespace] = slices.Compact(slices.Sorted(slices.Values(names)))
	}
	return c
}
