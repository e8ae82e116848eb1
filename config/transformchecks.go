package config

import (
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/native"
)

const transformsAt = "sessions.transforms"

// cookiePattern is a regular expression of whole names of cookies.
func cookiePattern(s string) string {
	_, err := transform.Declaration{transform.CookieNamespace: {s}}.Compile()
	if err == nil {
		return nonEmpty(s)
	}
	_, why, _ := strings.Cut(err.Error(), "error parsing regexp: ")
	return "is no regular expression: " + why
}

func facetKey(s string) string {
	if _, err := transform.NewSearch(transform.SearchOptions{Facets: []string{s}}); err != nil {
		return "is no key of a facet"
	}
	return ""
}

// checkTransforms finds the contradictions within the section, and what is wrong with its expressions. The files that it names
// are for whoever opens them: native.Open, or checkSources.
func checkTransforms(d *decoder, f *file) {
	t := &f.sessions.transforms
	o := f.sessions.transformOptions(f.account, channelsOf(&f.segment))
	checkApps(d, t)
	for i, m := range t.members {
		if replaced(t, "store") {
			d.failAt(under(transformsAt, "store", "members"), "is not heeded: an app of that name stands in for store")
			break
		}
		if _, err := native.Member(m.name, m.value, o.Channels, o.Known()); err != nil {
			d.failAt(under(transformsAt, "store", "members", t.members[i].name), "%s", oneLine(err))
		}
	}
	checkOrigins(d, t)
	if t.search != nil {
		checkRepeated(d, under(transformsAt, "search", "facets"), t.search.facets)
	}
	if t.rnb != nil {
		checkAudiences(d, t.rnb, o)
	}
	if t.impersonate != nil {
		checkImpersonate(d, t)
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

// checkSources is about the files that the section names. They are opened here only where the rest is at fault already, so
// that all is told at once: whoever runs by a sound configuration opens them anyway.
func checkSources(d *decoder, f *file, dir string) {
	o := f.sessions.transformOptions(f.account, nil)
	o.Dir = dir
	d.failLines(transformsAt, native.CheckSources(o))
}

// checkOrigins: where keys, customers and regions come from is said once, be it in a way that is refused.
func checkOrigins(d *decoder, t *transformsSection) {
	gives := func(at string, keys ...string) (n int) {
		for _, key := range keys {
			if d.has(at + "." + key) {
				n++
			}
		}
		return n
	}
	if at := under(transformsAt, "authentication"); t.authentication != nil && gives(at, "keys_file", "jwks_url") != 1 {
		d.failAt(at, "wants one of keys_file and jwks_url")
	}
	if at := under(transformsAt, "profile"); t.profile != nil {
		databases := []string{under(at, "customers", "sql"), under(at, "sql")}
		databases = slices.DeleteFunc(databases, func(sql string) bool { return gives(sql, "dsn", "query") == 0 })
		if gives(at, "customers.file", "customers.http", "http")+len(databases) != 1 {
			d.failAt(under(at, "customers"), "wants one of file, http and sql")
		}
		for _, sql := range databases {
			checkDatabase(d, sql, t.profile)
		}
	}
	switch at := under(transformsAt, "checkout"); {
	case gives(at, "regions.http", "http") > 0 && gives(at, "regions.file", "polygons.file") > 0:
		d.failAt(under(at, "regions"), "names files and a server")
	case gives(at, "regions.http", "http") > 1:
		d.failAt(under(at, "http"), "is there already, as regions.http")
	}
}

func checkDatabase(d *decoder, at string, p *profileSection) {
	if p.query == "" {
		d.failAt(under(at, "query"), "is missing: how is a customer asked for?")
	}
	if p.dsn == "" && d.has(under(at, "dsn")) {
		d.failAt(under(at, "dsn"), "is empty: leave it out to go by PGHOST and its kin")
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
			d.failLines(at, audiences.Check(a, o.Known()))
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
