package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/native"
)

// transforms warns of conditions that read what nothing writes with this configuration: they would hold never, or for all. And
// of a channel that hangs on audiences which hang on the channel: they may never agree.
func (w *warner) transforms(o native.Options) {
	c := conditions{w, o.Known(), o.Written()}
	var onAudiences []string // paths
	for _, channel := range slices.Sorted(maps.Keys(o.Members)) {
		if path := under(transformsAt, "store", "members", channel); c.reads(path, o.Members[channel], "rnb") {
			onAudiences = append(onAudiences, path)
		}
	}
	onChannel := false
	if o.Audiences != nil {
		for i, a := range o.Audiences.Audiences {
			onChannel = c.reads(under(item(transformsAt+".rnb.audiences", i), "when"), a.When, "store") || onChannel
		}
	}
	if o.Operators != "" {
		c.reads(under(transformsAt, "impersonate", "operators"), o.Operators, "")
	}
	if onChannel {
		for _, path := range onAudiences {
			w.warn(path, "hangs on audiences, and an audience hangs on the channel: where they never agree, both are cleared")
		}
	}
	if o.Profile != nil && o.Profile.TrustPublicEmail {
		w.warn(under(transformsAt, "profile", "trust_public_email"), "anybody who knows a customer's e-mail gets that customer's prices")
	}
}

// conditions warns of single ones.
type conditions struct {
	*warner
	known   []transform.Declaration // that the operator's apps and backends write
	written transform.Declaration   // by whatever app there is
}

// reads warns of what nothing writes, and says whether the condition reads the namespace.
func (c conditions) reads(at, text, namespace string) (found bool) {
	condition, err := expression.Compile(text, c.known...)
	if err != nil {
		return false // an error already
	}
	for _, k := range condition.Keys() {
		found = found || k.Namespace == namespace
		if k.Namespace != transform.PublicNamespace && !slices.Contains(c.written[k.Namespace], k.Name) {
			c.warn(at, "reads %s, which nothing writes: %s", k, c.suspect(k))
		}
	}
	return found
}

// suspect is why nothing may write a key, though a condition reads it.
func (c conditions) suspect(k transform.Key) string {
	if _, native := expression.Native()[k.Namespace]; native {
		return "is an app off?"
	}
	return "only a backend can"
}

// nullTransforms are the apps among the paths that are null.
func nullTransforms(paths []string) (apps []string) {
	all := new(transformsSection).optional()
	for _, path := range paths {
		if slices.ContainsFunc(all, func(a optionalApp) bool { return path == under(transformsAt, a.name) }) {
			apps = append(apps, path)
		}
	}
	return apps
}

// heeded warns of transforms in the file of an edge that does not run them. A file that says where `aisle sessions` listens is
// that of a sidecar, which runs them in any mode.
func (w *warner) heeded(s *sessionsSection) {
	if s.mode == "embedded" || s.listen != sessionsDefaults().listen {
		return
	}
	names := s.transforms.given()
	if s.mode == "remote" {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "checkout" })
	}
	if len(names) > 0 {
		w.warn(transformsAt, "%s: an edge with sessions.mode %s does nothing with it, `aisle sessions` alone does", strings.Join(names, ", "), s.mode)
	}
}

// given are the keys of the section that have a value.
func (t *transformsSection) given() (names []string) {
	if len(t.members) > 0 {
		names = append(names, "store")
	}
	for _, app := range t.optional() {
		if app.on {
			names = append(names, app.name)
		}
	}
	if len(t.apps) > 0 {
		names = append(names, "apps")
	}
	return names
}

// optionalApp is an app that comes with aisle and is off unless it has a section.
type optionalApp struct {
	name string
	on   bool
}

// optional are all of those.
func (t *transformsSection) optional() []optionalApp {
	return []optionalApp{
		{"authentication", t.authentication != nil}, {"profile", t.profile != nil}, {"checkout", t.checkout != nil},
		{"rnb", t.rnb != nil}, {"impersonate", t.impersonate != nil}, {"search", t.search != nil},
	}
}
