package cache_test

import (
	"strings"
	"testing"

	"github.com/aislecache/aisle/cache"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// parseFields is a small Segment-Vary reader: three fields are known.
func parseFields(lines []string) ([]string, bool) {
	fields := strings.FieldsFunc(strings.Join(lines, ","), func(r rune) bool { return r == ',' || r == ' ' })
	for _, f := range fields {
		if f != "channel" && f != "priceTables" && f != "regionId" {
			return fields, false
		}
	}
	return fields, true
}

func TestVaryRules(t *testing.T) {
	f := func(scope cache.Scope, vary string, wantVary []string, want cache.Reason, more ...string) {
		t.Helper()
		p := segmentPolicy()
		p.Scope = scope
		fields := append([]string{"Cache-Control: max-age=60"}, more...)
		if vary != "" {
			fields = append(fields, "Vary: "+vary)
		}
		m, got := cache.Admit(exchange(200, fields...), p)
		names, _, _ := m.SpecOf()
		if got != want {
			t.Errorf("%v Vary %q %q: %v, want %v", scope, vary, more, got, want)
		}
		if diff := cmp.Diff(wantVary, names); want == cache.ReasonStored && diff != "" {
			t.Errorf("%v Vary %q %q (-want +got):\n%s", scope, vary, more, diff)
		}
	}
	segment, public := cache.ScopeSegment, cache.ScopePublic
	stored := cache.ReasonStored
	f(segment, "", nil, stored)
	f(segment, "*", nil, cache.ReasonVaryAll)
	f(segment, "Accept, *", nil, cache.ReasonVaryAll)
	f(segment, "a b", nil, cache.ReasonVaryAll)
	f(segment, "Cookie", nil, cache.ReasonVaryPrivate)
	f(public, "cookie", nil, cache.ReasonVaryPrivate)
	f(segment, "X-VTEX-Session", nil, cache.ReasonVaryPrivate)
	f(public, "Authorization", nil, cache.ReasonVaryPrivate)
	f(segment, "x-vtex-segment", nil, stored)
	f(public, "x-vtex-segment", nil, cache.ReasonVarySegment)
	f(segment, "x-vtex-locale", nil, cache.ReasonVaryLocale)
	f(public, "x-vtex-locale", nil, stored)
	f(segment, "x-vtex-product, X-Forwarded-Host, Host, x-forwarded-proto", nil, stored)
	f(segment, "Accept-Language", []string{"accept-language"}, stored)
	f(segment, "User-Agent, accept-language, USER-AGENT", []string{"accept-language", "user-agent"}, stored)
	f(segment, "Accept", []string{"accept", "accept-language"}, stored, "Vary: Accept-Language")
	// A coded answer depends on Accept-Encoding whether it says so or not.
	f(segment, "", []string{"accept-encoding"}, stored, "Content-Encoding: gzip")
	f(segment, "Accept-Encoding", []string{"accept-encoding"}, stored, "content-encoding: br")
	f(segment, "", nil, stored, "Content-Encoding: identity")
	f(segment, "", []string{"accept-encoding"}, stored, "Content-Encoding: identity", "Content-Encoding: gzip")
}

func TestVaryLocaleIsMetByCulture(t *testing.T) {
	p := segmentPolicy()
	p.HasCulture = true
	if got := reasonOf(exchange(200, "Cache-Control: max-age=60", "Vary: x-vtex-locale"), p); got != cache.ReasonStored {
		t.Errorf("%v", got)
	}
}

func TestSegmentVary(t *testing.T) {
	f := func(scope cache.Scope, want []string, narrowed bool, values ...string) {
		t.Helper()
		p := segmentPolicy()
		p.Scope, p.ParseSegmentVary = scope, parseFields
		fields := []string{"Cache-Control: max-age=60"}
		for _, v := range values {
			fields = append(fields, "segment-vary: "+v)
		}
		m, reason := cache.Admit(exchange(200, fields...), p)
		_, got, segment := m.SpecOf()
		if diff := cmp.Diff(want, segment, cmpopts.EquateEmpty()); reason != cache.ReasonStored || got != narrowed || diff != "" {
			t.Errorf("%v %q: %v, narrowed %v (-want +got):\n%s", scope, values, reason, got, diff)
		}
	}
	f(cache.ScopeSegment, nil, false)
	f(cache.ScopeSegment, []string{"priceTables"}, true, "priceTables")
	f(cache.ScopeSegment, []string{"priceTables", "regionId"}, true, "regionId, priceTables")
	f(cache.ScopeSegment, []string{"priceTables", "regionId"}, true, "regionId", "priceTables, regionId")
	f(cache.ScopeSegment, nil, true, "")
	f(cache.ScopeSegment, nil, false, "priceTable") // unknown: nothing is narrowed
	f(cache.ScopePublic, nil, false, "priceTables")
}

// TestSegmentVaryKeepsTheParsersSlice: what the parser returned is not sorted in place.
func TestSegmentVaryKeepsTheParsersSlice(t *testing.T) {
	fixed := []string{"regionId", "channel"}
	p := segmentPolicy()
	p.ParseSegmentVary = func([]string) ([]string, bool) { return fixed, true }
	m, _ := cache.Admit(exchange(200, "Cache-Control: max-age=60", "Segment-Vary: x"), p)
	_, _, got := m.SpecOf()
	if diff := cmp.Diff([]string{"channel", "regionId"}, got); diff != "" {
		t.Error(diff)
	}
	if fixed[0] != "regionId" {
		t.Error("the parser's slice was sorted")
	}
}
