package sessions_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
)

// gather gives a counter's values by their labels, joined.
func (r *rig) gather(t *testing.T, name string) map[string]float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			got[strings.Join(labels, " ")] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}

// TestRegisterCount: the number of live sessions, and no number where the store is away.
func TestRegisterCount(t *testing.T) {
	r := newRig(t, nil)
	sessions.RegisterCount(r.registry, r.store)
	f := func(want float64) {
		t.Helper()
		families, err := r.registry.Gather()
		r.must(err)
		for _, family := range families {
			if family.GetName() != "aisle_sessions_stored" {
				continue
			}
			got := family.GetMetric()[0].GetGauge().GetValue()
			if got != want && (!math.IsNaN(got) || !math.IsNaN(want)) {
				t.Errorf("%v sessions, want %v", got, want)
			}
			return
		}
		t.Error("the series is absent")
	}
	f(0)
	r.do("POST", "/api/sessions", "{}").want(201)
	r.do("POST", "/api/sessions", "{}").want(201)
	f(2)
	r.must(r.store.Close())
	f(math.NaN())
}

// counts checks a counter's values, those that are 0 left out.
func (r *rig) counts(t *testing.T, name string, want map[string]float64) {
	t.Helper()
	got := r.gather(t, name)
	for labels, n := range got {
		if n == 0 {
			delete(got, labels)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}
