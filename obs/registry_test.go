package obs_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/aislecache/aisle/obs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRegistry(t *testing.T) {
	reg := obs.NewRegistry()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	for _, want := range []string{"aisle_build_info", "go_build_info", "go_goroutines", "process_resident_memory_bytes"} {
		if !slices.Contains(names, want) {
			t.Errorf("no metric %s among %q", want, names)
		}
	}
	if n, err := testutil.GatherAndCount(reg, "aisle_build_info"); n != 1 || err != nil {
		t.Errorf("%d series of aisle_build_info, %v", n, err)
	}
}

// Two edges in one process, as in tests, share nothing.
func TestRegistriesAreIndependent(t *testing.T) {
	one, two := obs.NewRegistry(), obs.NewRegistry()
	obs.NewAccessLog(nil, 0, one)
	obs.NewAccessLog(nil, 0, two)
	if n, err := testutil.GatherAndCount(one, "aisle_access_log_dropped_total"); n != 1 || err != nil {
		t.Errorf("%d series, %v", n, err)
	}
}

func TestMetricsAreLintClean(t *testing.T) {
	reg := obs.NewRegistry()
	obs.NewAccessLog(nil, 0, reg)
	obs.NewAdmin(obs.AdminOptions{Registry: reg})
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestReadBuild(t *testing.T) {
	b := obs.ReadBuild()
	if b.Go != runtime.Version() || b.Version == "" || b.Revision == "" {
		t.Errorf("ReadBuild = %+v", b)
	}
}
