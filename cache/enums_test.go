package cache_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aislecache/aisle/cache"
)

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// names checks a closed enum: every value has a kebab-case name of its own,
// and one past the end is "unknown" instead of a panic.
func names[E fmt.Stringer](t *testing.T, all []E, past E) {
	t.Helper()
	seen := map[string]E{}
	for i, e := range all {
		name := e.String()
		if !kebab.MatchString(name) || name == "unknown" {
			t.Errorf("value %d is named %q", i, name)
		}
		if other, dup := seen[name]; dup {
			t.Errorf("values %v and %d share the name %q", other, i, name)
		}
		seen[name] = e
	}
	if got := past.String(); got != "unknown" {
		t.Errorf("past the end: %q", got)
	}
}

func TestReasonNames(t *testing.T) {
	all := cache.Reasons()
	names(t, all, cache.Reason(len(all)))
	if cache.Reason(255).String() != "unknown" {
		t.Error("255 has a name")
	}
	if all[0] != cache.ReasonNone || all[len(all)-1] != cache.ReasonUnresolved {
		t.Errorf("Reasons runs from %v to %v", all[0], all[len(all)-1])
	}
}

func TestOutcomeNames(t *testing.T) {
	all := cache.Outcomes()
	names(t, all, cache.Outcome(len(all)))
	if all[0] != cache.OutcomeNone || all[len(all)-1] != cache.Failed {
		t.Errorf("Outcomes runs from %v to %v", all[0], all[len(all)-1])
	}
}

// The numbers of scopes stand in keys, and an unknown scope is the safe one.
func TestScopeNames(t *testing.T) {
	f := func(s cache.Scope, number uint8, want string) {
		t.Helper()
		if uint8(s) != number || s.String() != want {
			t.Errorf("scope %d: %q, want %d %q", s, s, number, want)
		}
	}
	f(cache.ScopePrivate, 0, "private")
	f(cache.ScopeSegment, 1, "segment")
	f(cache.ScopePublic, 2, "public")
	f(cache.Scope(9), 9, "private")
}
