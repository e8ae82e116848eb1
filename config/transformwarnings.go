package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/native"
)

// transforms warns of conditions that read what nothing writes with this configuration: they would hold never, or for all.
func (w *warner) transforms(o native.Options) {
	written := o.Written()
	tell := func(at, text string) {
		condition, err := expression.Compile(text, native.Written(o.Apps)...)
		if err != nil {
			return // an error already
		}
		for _, k := range condition.Keys() {
			if k.Namespace != transform.PublicNamespace && !slices.Contains(written[k.Namespace], k.Name) {
				w.warn(at, "reads %s, which nothing writes: is an app off?", k)
			}
		}
	}
	for _, channel := range slices.Sorted(maps.Keys(o.Members)) {
		tell(under(transformsAt, "store", "members", channel), o.Members[channel])
	}
	if o.Audiences != nil {
		for i, a := range o.Audiences.Audiences {
			tell(under(item(transformsAt+".rnb.audiences", i), "when"), a.When)
		}
	}
	if o.Operators != "" {
		tell(under(transformsAt, "impersonate", "operators"), o.Operators)
	}
	w.loops(o)
	if o.Profile != nil && o.Profile.TrustPublicEmail {
		w.warn(under(transformsAt, "profile", "trust_public_email"), "anybody who knows a customer's e-mail gets that customer's prices")
	}
}

// nullTransforms are the apps among the paths that are null.
func nullTransforms(paths []string) (apps []string) {
	for _, path := range paths {
		switch name, _ := strings.CutPrefix(path, transformsAt+"."); name {
		case "authentication", "profile", "checkout", "rnb", "impersonate", "search":
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
	for _, app := range []struct {
		name  string
		given bool
	}{
		{"store", len(t.members) > 0}, {"authentication", t.authentication != nil}, {"profile", t.profile != nil}, {"checkout", t.checkout != nil},
		{"rnb", t.rnb != nil}, {"impersonate", t.impersonate != nil}, {"search", t.search != nil}, {"apps", len(t.apps) > 0},
	} {
		if app.given {
			names = append(names, app.name)
		}
	}
	return names
}

// loops warns of a channel that hangs on audiences which hang on the channel: they may never agree.
func (w *warner) loops(o native.Options) {
	reads := func(text, namespace string) bool {
		condition, err := expression.Compile(text, native.Written(o.Apps)...)
		return err == nil && slices.ContainsFunc(condition.Keys(), func(k transform.Key) bool { return k.Namespace == namespace })
	}
	if o.Audiences == nil || !slices.ContainsFunc(o.Audiences.Audiences, func(a audiences.Audience) bool { return reads(a.When, "store") }) {
		return
	}
	for _, channel := range slices.Sorted(maps.Keys(o.Members)) {
		if reads(o.Members[channel], "rnb") {
			w.warn(under(transformsAt, "store", "members", channel), "hangs on audiences, and an audience hangs on the channel: where they never agree, both are cleared")
		}
	}
}
