// Package native puts together the apps that a configuration names: those that come with aisle, and those of the
// operator's own on other servers.
package native

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/expression"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// App is a transform on another server. One that is called as an app that comes with aisle stands in for it.
type App struct {
	Spec transform.Spec
	URL  string
}

// Options say which apps there are. The zero value has the store app alone. What the options of an app tell others of, Set
// counts and logs; a func of theirs that is set is not called.
type Options struct {
	Account  string
	Channels []segment.Channel // as in segment.Options
	Members  map[string]string // by private channel: the condition by which a shopper may be on it
	// A nil app is off.
	Authentication *auth.Options
	Profile        *profile.Options
	Checkout       *regions.Options
	Audiences      *audiences.Options
	Search         *transform.SearchOptions
	Operators      string // the condition by which somebody may impersonate customers; "": nobody may
	Apps           []App
	Backends       bool // there are backends, which write namespaces that no app does

	// Dir is where a file is looked for that has a relative path and is not in the working directory: that of the
	// configuration file. "": nowhere.
	Dir    string
	Logger *slog.Logger // nil: discarded
}

// replaced says whether an app of the operator's own stands in for one of ours.
func (o Options) replaced(name string) bool {
	for _, a := range o.Apps {
		if a.Spec.Name == name {
			return true
		}
	}
	return false
}

// locate finds a file as Dir says. What is nowhere keeps its name, for the error to tell.
func (o Options) locate(path string) string {
	if path == "" || o.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	if beside := filepath.Join(o.Dir, path); !exists(path) && exists(beside) {
		return beside
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Written gives what the apps that are on write, by namespace, beside what requests may write to public.
func (o Options) Written() transform.Declaration {
	all := transform.Declaration{transform.AccountNamespace: {"id", "accountName"}}
	ours := expression.Native()
	for namespace, on := range map[string]bool{
		"store": !o.replaced("store"), "authentication": o.Authentication != nil, "profile": o.Profile != nil, "checkout": o.Checkout != nil,
		"rnb": o.Audiences != nil, "impersonate": o.Operators != "", "search": o.Search != nil,
	} {
		if on {
			all[namespace] = ours[namespace]
		}
	}
	for _, a := range o.Apps {
		for namespace, names := range a.Spec.Output {
			all[namespace] = slices.Concat(all[namespace], names)
		}
	}
	return all
}

// Known gives what others than the apps that come with aisle write, for conditions to read. The slice is the caller's.
func (o Options) Known() []transform.Declaration {
	var list []transform.Declaration
	for _, a := range o.Apps {
		list = append(list, a.Spec.Output)
	}
	if o.Backends {
		list = append(list, expression.Backends())
	}
	return list
}
