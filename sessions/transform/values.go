package transform

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// Values is session state: namespace to key to value. A value is compact JSON of any
// type. In a session there are no empty values and no empty namespaces; in a
// change, "" clears (facts, part 4), and so does null.
type Values map[string]map[string]json.RawMessage

// Key names one value.
type Key struct{ Namespace, Name string }

// String is namespace.name, as in `items`.
func (k Key) String() string { return k.Namespace + "." + k.Name }

// Get gives a value, nil where there is none. The bytes are not to be changed.
func (v Values) Get(k Key) json.RawMessage { return v[k.Namespace][k.Name] }

// Text gives a value that is a JSON string, decoded; "" for any other and for none.
func (v Values) Text(k Key) string {
	var s string
	if json.Unmarshal(v.Get(k), &s) != nil {
		return ""
	}
	return s
}

// Scalar gives the text of a string, a number or a boolean: clients send channels and postal codes either way. "" for all else.
func (v Values) Scalar(k Key) string {
	value := v.Get(k)
	if len(value) == 0 || value[0] == '{' || value[0] == '[' || value[0] == 'n' {
		return ""
	}
	if value[0] == '"' {
		return v.Text(k)
	}
	return string(value)
}

// Set sets a value, or deletes it where Empty says so. It keeps a reference to value.
func (v Values) Set(k Key, value json.RawMessage) {
	if Empty(value) {
		delete(v[k.Namespace], k.Name)
		if len(v[k.Namespace]) == 0 {
			delete(v, k.Namespace)
		}
		return
	}
	v.put(k, value)
}

// Put is Set without the deletion: for changes, where "" means to clear.
func (v Values) Put(k Key, value json.RawMessage) { v.put(k, value) }

func (v Values) put(k Key, value json.RawMessage) {
	if v[k.Namespace] == nil {
		v[k.Namespace] = map[string]json.RawMessage{}
	}
	v[k.Namespace][k.Name] = value
}

// TextValue is text as a JSON value.
func TextValue(s string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // of a string it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Empty says whether a value clears: no bytes, "" or null.
func Empty(value json.RawMessage) bool {
	return len(value) == 0 || string(value) == `""` || string(value) == "null"
}

// All gives every value, in the order of the keys.
func (v Values) All() iter.Seq2[Key, json.RawMessage] {
	return func(yield func(Key, json.RawMessage) bool) {
		for _, ns := range slices.Sorted(maps.Keys(v)) {
			for _, name := range slices.Sorted(maps.Keys(v[ns])) {
				if !yield(Key{ns, name}, v[ns][name]) {
					return
				}
			}
		}
	}
}

// Clone gives a copy that shares the bytes of the values.
func (v Values) Clone() Values {
	c := make(Values, len(v))
	for ns, keys := range v {
		c[ns] = maps.Clone(keys)
	}
	return c
}
