package proxy

import (
	"testing"

	"github.com/aislecache/aisle/cache"
)

// TestStripPrefixIsInTheKey: a page that was fetched under another prefix, before a
// reload, is the page of another target.
func TestStripPrefixIsInTheKey(t *testing.T) {
	rules := func(prefix string) string {
		return new(generation).rulesOf(&route{Route: Route{Scope: cache.ScopePublic, StripPrefix: prefix}})
	}
	if first := rules("/a"); first != rules("/a") {
		t.Error("the same rules differ")
	}
	if rules("/a") == rules("/b") || rules("") == rules("/a") {
		t.Error("rules with another prefix are the same")
	}
}
