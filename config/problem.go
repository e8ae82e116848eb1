package config

import (
	"cmp"
	"slices"
	"strings"
)

// Problem is one fault of a file. The zero value means nothing.
type Problem struct {
	Path    string // the key, such as `routes[2].ttl`; empty: the file as a whole
	Message string
	Line    int // 1-based; 0: nowhere in particular, such as a key that is missing

	column int
}

// String returns `path: message`, or the message alone where there is no path.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Problems is every fault of a file, in file order. It is the error that Parse
// returns; it is never empty then.
type Problems []Problem

// Error returns all faults, one a line.
func (p Problems) Error() string { return strings.Join(p.Errors(), "\n") }

// Errors returns each fault as `path: message`. The slice is the caller's.
func (p Problems) Errors() []string {
	all := make([]string, len(p))
	for i, one := range p {
		all[i] = one.String()
	}
	return all
}

// inFileOrder sorts by place and drops repetitions: one wrong value may break two rules
// that say the same. What has no place comes last.
func (p Problems) inFileOrder() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.column, b.column))
	})
	return slices.Compact(p)
}
