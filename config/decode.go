package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile = 1 << 20
	// maxNodes bounds what aliases may unfold to; a file of maxFile bytes without them has fewer.
	maxNodes = 1 << 20
	// maxProblems is more than anybody reads; past it the file is some other file.
	maxProblems = 1000
)

// missing is the fault of a file that says nothing; it shows the shortest one that works.
const missing = `nothing is configured: at least one upstream is needed, as in upstreams: {storefront: {servers: ["http://127.0.0.1:9000"]}}`

// decoder collects the faults of one file and where each given key stands.
type decoder struct {
	problems Problems
	given    map[string]place
	broken   map[string]bool // paths whose value could not be read
	nulls    []string        // paths whose value is null, which keeps the default
	nodes    int
}

func newDecoder() *decoder { return &decoder{given: map[string]place{}, broken: map[string]bool{}} }

type place struct{ line, column int }

// document returns the root of the only document of a file, nil where a fault was noted.
func (d *decoder) document(text []byte) *yaml.Node {
	if len(text) > maxFile {
		d.failFile("the file has %d bytes, more than the %d allowed", len(text), maxFile)
		return nil
	}
	parser := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := parser.Decode(&doc); errors.Is(err, io.EOF) {
		d.failFile(missing)
		return nil
	} else if err != nil {
		d.failFile("not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	root := d.resolve(doc.Content[0])
	if isNull(root) {
		d.failFile(missing)
		return nil
	}
	if err := parser.Decode(&second); err == nil {
		d.note("", &second, "a second document: one file holds one configuration")
	} else if !errors.Is(err, io.EOF) {
		d.failFile("not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return root
}

// fail notes that the value at a path cannot be read.
func (d *decoder) fail(at string, n *yaml.Node, format string, args ...any) {
	d.broken[at] = true
	d.note(at, n, format, args...)
}

// note is fail for a fault that leaves the value of the path readable.
func (d *decoder) note(at string, n *yaml.Node, format string, args ...any) {
	d.add(Problem{at, fmt.Sprintf(format, args...), n.Line, n.Column})
}

func (d *decoder) add(p Problem) {
	switch n := len(d.problems); {
	case n < maxProblems:
		d.problems = append(d.problems, p)
	case n == maxProblems:
		d.problems = append(d.problems, Problem{Message: fmt.Sprintf("more than %d faults: the others are left out", maxProblems)})
	}
}

func (d *decoder) failFile(format string, args ...any) {
	d.add(Problem{Message: fmt.Sprintf(format, args...)})
}

// failAt notes a fault of a rule that sees paths alone. It stands where the path was
// given, or else the nearest path above it. What could not be read is not judged by
// the default that stands in for it.
func (d *decoder) failAt(at, format string, args ...any) {
	p := Problem{Path: at, Message: fmt.Sprintf(format, args...)}
	for up := at; ; up = above(up) {
		if d.broken[up] {
			return
		}
		if where, ok := d.given[up]; ok && p.Line == 0 {
			p.Line, p.column = where.line, where.column
		}
		if up == "" {
			break
		}
	}
	d.add(p)
}

// has says whether the file gives the key at a path, a null not counting.
func (d *decoder) has(at string) bool { _, ok := d.given[at]; return ok }

// resolve follows an alias and counts the node against what aliases may unfold to:
// without the count a short file grows without end.
func (d *decoder) resolve(n *yaml.Node) *yaml.Node {
	d.nodes++
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// exhausted says that nothing more is to be read, and notes why once.
func (d *decoder) exhausted() bool {
	if d.nodes == maxNodes {
		d.failFile("the aliases unfold to more than %d values", maxNodes)
		d.nodes++
	}
	return d.nodes > maxNodes
}

// pair is one line of a mapping.
type pair struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// pairs returns the lines of a mapping in file order. Faulty keys are noted and left
// out; the second of two equal ones is noted and read, for the faults in it.
func (d *decoder) pairs(at string, n *yaml.Node) []pair {
	if n.Kind != yaml.MappingNode {
		d.fail(at, n, "%s, not a mapping of keys", describe(n))
		return nil
	}
	lines := map[string]int{}
	all := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !d.exhausted(); i += 2 {
		key, value := d.resolve(n.Content[i]), d.resolve(n.Content[i+1])
		switch {
		case key.Kind != yaml.ScalarNode || isNull(key):
			d.note(at, key, "a key %s, not a word", describe(key))
			continue
		case key.ShortTag() == "!!merge":
			d.note(at, key, "merge keys (<<) are not supported")
			continue
		}
		if first, twice := lines[key.Value]; twice {
			d.note(under(at, key.Value), key, "duplicate key (first on line %d)", first)
		} else {
			lines[key.Value] = key.Line
		}
		all = append(all, pair{key.Value, key, value})
	}
	return all
}

// items returns the values of a list.
func (d *decoder) items(at string, n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		d.fail(at, n, "%s, not a list", describe(n))
		return nil
	}
	all := make([]*yaml.Node, 0, len(n.Content))
	for i, one := range n.Content {
		if d.exhausted() {
			break
		}
		one = d.resolve(one)
		d.given[item(at, i)] = place{one.Line, one.Column}
		all = append(all, one)
	}
	return all
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe says what a node is, for the message that it should be something else.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "is a mapping"
	case n.Kind == yaml.SequenceNode:
		return "is a list"
	case isNull(n):
		return "is null"
	default:
		return quoted(n) + " is a single value"
	}
}

// quoted is a scalar as the messages show it: texts in quotes, the rest as it stands.
func quoted(n *yaml.Node) string {
	if n.ShortTag() == "!!str" {
		return fmt.Sprintf("%q", shorten(redact(n.Value)))
	}
	return shorten(redact(n.Value))
}

// redact hides what stands between the scheme of a URL and its host: a password there
// is refused, and the refusal goes to a log.
func redact(s string) string {
	scheme, rest, found := strings.Cut(s, "://")
	if i := strings.LastIndexByte(rest, '@'); found && i >= 0 {
		return scheme + "://<secret>" + rest[i:]
	}
	return s
}

func shorten(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:77], "") + "..."
	}
	return s
}
