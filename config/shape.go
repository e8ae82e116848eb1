package config

import (
	"go.yaml.in/yaml/v3"
)

// shape is how one kind of value is read from a file, written back and described. All
// of the table of keys is put together from a few of them, so what is accepted, what
// `aisle check` prints and what the documentation lists cannot drift apart.
type shape[T any] struct {
	kind  string // as the documentation says it
	fresh func() T
	read  func(d *decoder, at string, n *yaml.Node, into *T)
	write func(T) *yaml.Node // nil: unset, and left out
	keys  func() []Key       // below it, with paths that go on from its own
}

// field is one key of a mapping, bound to the value that it sets.
type field struct {
	name  string
	kind  string
	read  func(d *decoder, at string, n *yaml.Node)
	write func() *yaml.Node
	keys  func() []Key
}

func key[T any](name string, into *T, s shape[T]) field {
	return field{
		name: name, kind: s.kind, keys: s.keys,
		read:  func(d *decoder, at string, n *yaml.Node) { s.read(d, at, n, into) },
		write: func() *yaml.Node { return s.write(*into) },
	}
}

// later is a key of the operator's interface that this version knows and refuses: an
// operator who sets it would otherwise believe that it works.
func later(name string) field {
	return field{
		name: name, kind: "not available yet",
		read:  func(d *decoder, at string, n *yaml.Node) { d.fail(at, n, "not available yet") },
		write: func() *yaml.Node { return nil },
	}
}

// short is a second, shorter place of a key that the operator's interface leaves open. The effective configuration has the long one.
func short(f field) field {
	f.write = func() *yaml.Node { return nil }
	return f
}

// object is a mapping of known keys. A key that is null keeps its default.
func object[T any](fresh func() T, fields func(*T) []field) shape[T] {
	return shape[T]{
		kind: "mapping", fresh: fresh,
		read:  func(d *decoder, at string, n *yaml.Node, into *T) { readFields(d, at, n, fields(into)) },
		write: func(v T) *yaml.Node { return writeFields(fields(&v)) },
		keys: func() []Key {
			v := fresh()
			return keysOf(fields(&v))
		},
	}
}

func readFields(d *decoder, at string, n *yaml.Node, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for _, p := range d.pairs(at, n) {
		f, known := findField(fields, p.name)
		path := under(at, p.name)
		if !known {
			d.note(path, p.key, "unknown key%s", didYouMean(p.name, names))
			continue
		}
		if isNull(p.value) {
			d.nulls = append(d.nulls, path)
			continue
		}
		d.given[path] = place{p.key.Line, p.key.Column}
		f.read(d, path, p.value)
	}
}

func findField(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// writeFields returns the mapping of all fields that have a value, nil where none has.
func writeFields(fields []field) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		if v := f.write(); v != nil {
			m.Content = append(m.Content, textNode(f.name), v)
		}
	}
	if len(m.Content) == 0 {
		return nil
	}
	return m
}

// listOf is a list of values of one shape; unset while it is nil.
func listOf[T any](one shape[T]) shape[[]T] {
	return shape[[]T]{
		kind: "list of " + one.kind,
		read: func(d *decoder, at string, n *yaml.Node, into *[]T) {
			*into = readItems(d, at, n, one)
		},
		write: func(list []T) *yaml.Node {
			if list == nil {
				return nil
			}
			n := &yaml.Node{Kind: yaml.SequenceNode}
			for _, v := range list {
				n.Content = append(n.Content, one.write(v))
			}
			flowIfScalars(n)
			return n
		},
		keys: below("[]", one.keys),
	}
}

// entry is one line of a mapping whose keys the operator chooses. Order is kept: the
// first channel and the first upstream are the defaults.
type entry[T any] struct {
	name  string
	value T
}

// mapOf is a mapping with keys of the operator's choice. name tells what is wrong with
// a key, or returns "".
func mapOf[T any](name func(string) string, one shape[T]) shape[[]entry[T]] {
	return shape[[]entry[T]]{
		kind: "mapping of " + one.kind,
		read: func(d *decoder, at string, n *yaml.Node, into *[]entry[T]) {
			*into = readEntries(d, at, n, name, one)
		},
		write: func(entries []entry[T]) *yaml.Node {
			if entries == nil {
				return nil
			}
			m := &yaml.Node{Kind: yaml.MappingNode}
			for _, e := range entries {
				m.Content = append(m.Content, textNode(e.name), one.write(e.value))
			}
			if len(entries) == 0 {
				m.Style = yaml.FlowStyle
			}
			return m
		},
		keys: below(".*", one.keys),
	}
}

func readEntries[T any](d *decoder, at string, n *yaml.Node, name func(string) string, one shape[T]) []entry[T] {
	entries := []entry[T]{}
	for _, p := range d.pairs(at, n) {
		path := under(at, p.name)
		if fault := name(p.name); fault != "" {
			d.fail(path, p.key, "%s", fault)
		}
		d.given[path] = place{p.key.Line, p.key.Column}
		e := entry[T]{name: p.name, value: start(one)}
		if isNull(p.value) && one.fresh == nil {
			d.fail(path, p.value, "has no value")
		} else if !isNull(p.value) {
			one.read(d, path, p.value, &e.value)
		}
		entries = append(entries, e)
	}
	return entries
}

func readItems[T any](d *decoder, at string, n *yaml.Node, one shape[T]) []T {
	list := []T{}
	for i, node := range d.items(at, n) {
		v := start(one)
		one.read(d, item(at, i), node, &v)
		list = append(list, v)
	}
	return list
}

// start is the value that an element is read into.
func start[T any](s shape[T]) T {
	if s.fresh != nil {
		return s.fresh()
	}
	var zero T
	return zero
}

// optional is a value that may be unset, which is nil and has no default.
func optional[T any](s shape[T]) shape[*T] {
	return shape[*T]{
		kind: s.kind, keys: s.keys,
		read: func(d *decoder, at string, n *yaml.Node, into **T) {
			v := start(s)
			s.read(d, at, n, &v)
			*into = &v
		},
		write: func(v *T) *yaml.Node {
			if v == nil {
				return nil
			}
			if n := s.write(*v); n != nil {
				return n
			}
			return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		},
	}
}
