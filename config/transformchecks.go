package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/native"
)

const transformsAt = "sessions.transforms"

// checkTransforms finds the contradictions within the section, and what is wrong with its expressions. The files that it names
// are for whoever opens them: native.Open.
func checkTransforms(d *decoder, f *file) {
	t := &f.sessions.transforms
	o := t.option(f.account, channelsOf(&f.segment))
	checkApps(d, t)
	for i, m := range t.members {
		if replaced(t, "store") {
			d.failAt(under(transformsAt, "store", "members"), "is not heeded: an app of that name stands in for store")
			break
		}
		if _, err := native.Member(m.name, m.value, o.Channels, native.Written(o.Apps)); err != nil {
			d.failAt(under(transformsAt, "store", "members", t.members[i].name), "%s", oneLine(err))
		}
	}
	checkSources(d, t)
	if t.rnb != nil {
		checkAudiences(d, t.rnb, o)
	}
	if t.impersonate != nil {
		checkImpersonate(d, t)
	}
}

// checkApps: names are there, once; one that comes with aisle may be taken where ours is off.
func checkApps(d *decoder, t *transformsSection) {
	seen := map[string]bool{
		"authentication": t.authentication != nil, "profile": t.profile != nil, "checkout": t.checkout != nil, "rnb": t.rnb != nil,
		"impersonate": t.impersonate != nil, "search": t.search != nil,
	}
	for i := range t.apps {
		at := under(item(transformsAt+".apps", i), "name")
		if t.apps[i].name == "" {
			d.failAt(at, "is missing")
		} else if seen[t.apps[i].name] {
			d.failAt(at, "%q is there already", t.apps[i].name)
		}
		seen[t.apps[i].name] = true
	}
}

func replaced(t *transformsSection, name string) bool {
	for i := range t.apps {
		if t.apps[i].name == name {
			return true
		}
	}
	return false
}

func given(texts ...string) (n int) {
	for _, text := range texts {
		if text != "" {
			n++
		}
	}
	return n
}

// checkSources: where keys, customers and regions come from is said once.
func checkSources(d *decoder, t *transformsSection) {
	if a := t.authentication; a != nil && given(a.keysFile, a.jwksURL) != 1 {
		d.failAt(under(transformsAt, "authentication"), "wants one of keys_file and jwks_url")
	}
	if p := t.profile; p != nil {
		if given(p.file, p.http, p.dsn+p.query) != 1 {
			d.failAt(under(transformsAt, "profile", "customers"), "wants one of file, http and sql")
		}
		if p.dsn+p.query != "" && p.query == "" {
			d.failAt(under(transformsAt, "profile", "customers", "sql", "query"), "is missing")
		}
	}
	if c := t.checkout; c != nil && c.http != "" && given(c.ranges, c.polygons) > 0 {
		d.failAt(under(transformsAt, "checkout", "regions"), "names files and a server")
	}
}

func checkAudiences(d *decoder, r *rnbSection, o native.Options) {
	seen := map[string]bool{}
	for i := range r.audiences {
		at, a := item(transformsAt+".rnb.audiences", i), r.audiences[i].option()
		switch {
		case a.ID == "":
			d.failAt(under(at, "id"), "is missing")
		case a.When == "":
			d.failAt(under(at, "when"), "is missing: who is in the audience?")
		case seen[a.ID]:
			d.failAt(under(at, "id"), "%q is there already", a.ID)
		default:
			if _, err := audiences.New(audiences.Options{Audiences: []audiences.Audience{a}, Known: native.Written(o.Apps)}); err != nil {
				d.failAt(at, "%s", strings.ReplaceAll(oneLine(err), fmt.Sprintf("audience %q: ", a.ID), ""))
			}
		}
		seen[a.ID] = true
	}
}

func checkImpersonate(d *decoder, t *transformsSection) {
	at := under(transformsAt, "impersonate")
	if t.profile == nil && !replaced(t, "profile") {
		d.failAt(at, "needs customers: the section profile, or an app of that name")
	}
	if t.impersonate.operators == "" {
		d.failAt(under(at, "operators"), "is missing: who may act as a customer?")
		return
	}
	if _, err := native.Operators(t.impersonate.operators); err != nil {
		d.failAt(under(at, "operators"), "%s", oneLine(err))
	}
}

// oneLine: each problem is a line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

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
	if o.Profile != nil && o.Profile.TrustPublicEmail {
		w.warn(under(transformsAt, "profile", "trust_public_email"), "anybody who knows a customer's e-mail gets that customer's prices")
	}
}
