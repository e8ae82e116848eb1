package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/proxy"
)

// restartKeys are the keys that a running edge cannot follow, each with all below it: its sockets, its
// store, its logs, and the account, which every seal and every stored page is bound to.
func restartKeys() []string {
	return []string{"listen", "admin", "account", "cache.memory", "purge", "log", "sessions"}
}

// NeedsRestart returns the key paths, in file order, in which next differs from c and which an
// edge that runs by c takes only from its start. None: a reload can change to next.
func (c *Config) NeedsRestart(next *Config) []string {
	var paths []string
	before, after := fileKeys(&c.f), fileKeys(&next.f)
	for _, path := range restartKeys() {
		if path == "listen" {
			paths = append(paths, changedListeners(c.f.listen, next.f.listen)...)
			continue
		}
		paths = append(paths, changedBelow(path, valueAt(path, before), valueAt(path, after))...)
	}
	// Transforms are followed: an audience that has ended must not wait for a restart.
	return slices.DeleteFunc(paths, func(path string) bool { return path == transformsAt || strings.HasPrefix(path, transformsAt+".") })
}

// changedListeners: the number of sockets and what each is. What the files of certificates
// hold is none of it: a running edge reads them again when they change.
func changedListeners(before, after []listener) (paths []string) {
	if len(before) != len(after) {
		return []string{"listen"}
	}
	for i := range after {
		one, other := writeFields(listenerKeys(&before[i])), writeFields(listenerKeys(&after[i]))
		paths = append(paths, changedBelow(item("listen", i), one, other)...)
	}
	return paths
}

// valueAt is the effective value of a path of sections and a key.
func valueAt(path string, fields []field) *yaml.Node {
	node := writeFields(fields)
	for name := range bytes.SplitSeq([]byte(path), []byte(".")) {
		if node = member(node, string(name)); node == nil {
			return nil
		}
	}
	return node
}

func member(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// changedBelow compares two effective values and names the deepest keys that differ.
func changedBelow(path string, before, after *yaml.Node) []string {
	if before == nil || after == nil || before.Kind != yaml.MappingNode || after.Kind != yaml.MappingNode {
		if textOf(before) == textOf(after) {
			return nil
		}
		return []string{path}
	}
	var paths []string
	for _, name := range memberNames(before, after) {
		paths = append(paths, changedBelow(under(path, name), member(before, name), member(after, name))...)
	}
	return paths
}

func memberNames(maps ...*yaml.Node) (names []string) {
	for _, m := range maps {
		for i := 0; i+1 < len(m.Content); i += 2 {
			if name := m.Content[i].Value; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func textOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		return fmt.Sprint(err) // never of a node that was made here
	}
	return string(text)
}

// Files returns the paths of the other files that a running edge reads because the
// configuration names them, or would make: what they hold is a part of the configuration.
// Those of certificates are not among them: they are watched by themselves.
func (c *Config) Files() []string {
	o := c.Proxy()
	all := []string{c.f.segment.keysFile}
	pages := func(m *proxy.Maintenance, errors map[int]string) {
		if m != nil && m.BodyFile != "" {
			all = append(all, m.BodyFile)
		}
		all = slices.AppendSeq(all, maps.Values(errors))
	}
	pages(o.Maintenance, o.ErrorPages)
	for _, r := range o.Routes {
		pages(r.Maintenance, r.ErrorPages)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
