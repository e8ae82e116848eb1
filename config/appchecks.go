package config

import (
	"fmt"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
)

// checkApps: names are there, once; one that comes with aisle may be taken where ours is off.
func checkApps(d *decoder, t *transformsSection) {
	seen := map[string]bool{}
	for _, app := range t.optional() {
		seen[app.name] = app.on
	}
	for i := range t.apps {
		a, at := &t.apps[i], item(transformsAt+".apps", i)
		if a.name == "" {
			d.failAt(under(at, "name"), "is missing")
		} else if seen[a.name] {
			d.failAt(under(at, "name"), "%q is there already", a.name)
		}
		seen[a.name] = true
		if a.url == "" {
			d.failAt(under(at, "url"), "is missing")
		}
		checkApp(d, at, a)
	}
}

// checkApp has the transforms' own rules judge each part of a declaration by itself, so that a fault has the path of its part.
func checkApp(d *decoder, at string, a *appSection) {
	if a.name != "" {
		judge(d, under(at, "name"), transform.Spec{Name: a.name, Refresh: true})
	}
	called := a.onCreate || a.refresh
	for _, e := range a.input {
		called = called || len(e.value) > 0 || d.broken[under(at, "input", e.name)]
		judgeKeys(d, under(at, "input", e.name), e, func(declared transform.Declaration) transform.Spec { return transform.Spec{Input: declared} })
	}
	for _, e := range a.output {
		judgeKeys(d, under(at, "output", e.name), e, func(declared transform.Declaration) transform.Spec { return transform.Spec{Output: declared} })
	}
	if !called {
		d.failAt(under(at, "input"), "is missing: without one the app would never be called")
	}
}

// judgeKeys judges a namespace, then each of its keys.
func judgeKeys(d *decoder, at string, e entry[[]string], part func(transform.Declaration) transform.Spec) {
	of := func(names ...string) transform.Spec {
		spec := part(transform.Declaration{e.name: names})
		spec.Name, spec.Refresh = "app", true
		return spec
	}
	if !judge(d, at, of()) {
		return
	}
	for i, name := range e.value {
		if name != "" { // else noted when it was read
			judge(d, item(at, i), of(name))
		}
	}
}

func judge(d *decoder, at string, spec transform.Spec) (sound bool) {
	err := spec.Validate()
	if err == nil {
		return true
	}
	text := strings.TrimPrefix(oneLine(err), fmt.Sprintf("app %q: ", spec.Name))
	text = strings.TrimPrefix(strings.TrimPrefix(text, "input: "), "output: ")
	d.failAt(at, "%s", text)
	return false
}
