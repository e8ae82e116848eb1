package config

import "slices"

// Key is one key of the file, for the documentation and its test.
type Key struct {
	Path string // such as `routes[].key.headers.*`: `[]` for each item of a list, `.*` for each key of the operator's choice
	Kind string // of its value: duration, size, list of text, ..., or `not available yet`
}

// Keys returns every key that a file may have, in the order of the effective
// configuration. The slice is the caller's.
func Keys() []Key {
	f := defaults()
	return keysOf(fileKeys(&f))
}

func keysOf(fields []field) []Key {
	var all []Key
	for _, f := range fields {
		all = append(all, Key{f.name, f.kind})
		if f.keys == nil {
			continue
		}
		for _, k := range f.keys() {
			sep := "."
			if k.Path[0] == '[' || k.Path[0] == '.' {
				sep = ""
			}
			all = append(all, Key{f.name + sep + k.Path, k.Kind})
		}
	}
	return all
}

// below gives the keys of each element of a collection; the elements themselves are no
// keys of their own.
func below(step string, keys func() []Key) func() []Key {
	if keys == nil {
		return nil
	}
	return func() []Key {
		all := slices.Clone(keys())
		for i, k := range all {
			if k.Path[0] != '[' && k.Path[0] != '.' {
				k.Path = "." + k.Path
			}
			all[i].Path = step + k.Path
		}
		return all
	}
}
