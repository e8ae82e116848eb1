package obs

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBuildOf(t *testing.T) {
	f := func(version string, settings []debug.BuildSetting, want Build) {
		t.Helper()
		info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: settings}
		info.Main.Version = version
		if d := cmp.Diff(want, buildOf(info)); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	clean := debug.BuildSetting{Key: "vcs.modified", Value: "false"}
	dirty := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	f("v1.2.3", []debug.BuildSetting{revision, clean}, Build{"v1.2.3", "0123abc", "go1.26.8"})
	f("(devel)", []debug.BuildSetting{dirty, revision}, Build{"(devel)", "0123abc-dirty", "go1.26.8"})
	f("", []debug.BuildSetting{dirty}, Build{"unknown", "unknown", "go1.26.8"})
	if d := cmp.Diff(Build{"unknown", "unknown", "unknown"}, buildOf(&debug.BuildInfo{})); d != "" {
		t.Errorf("nothing known: -want +got:\n%s", d)
	}
}

func TestChooseLimit(t *testing.T) {
	const mib, none = 1 << 20, math.MaxUint64
	more := func(cache, extra int64, cgroup uint64, want int64, source limitSource) {
		t.Helper()
		got, from := chooseLimit(cache, extra, cgroup)
		if got != want || from != source {
			t.Errorf("chooseLimit(%d, %d, %d) = %d, %v; want %d, %v", cache, extra, cgroup, got, from, want, source)
		}
	}
	f := func(cache int64, cgroup uint64, want int64, source limitSource) {
		t.Helper()
		more(cache, 0, cgroup, want, source)
	}
	f(256*mib, none, 384*mib, limitFromCache)
	f(1024*mib, none, 1344*mib, limitFromCache)
	f(256*mib, 1024*mib, 384*mib, limitFromCache)
	f(256*mib, 400*mib, 360*mib, limitFromCgroup)
	f(256*mib, 100*mib, 90*mib, limitFromCgroup)
	f(0, none, math.MaxInt64, limitNone)
	f(-1, none, math.MaxInt64, limitNone)
	f(0, 100*mib, 90*mib, limitFromCgroup)
	f(math.MaxInt64, none, math.MaxInt64, limitNone)
	f(math.MaxInt64, 100*mib, 90*mib, limitFromCgroup)
	more(256*mib, 100*mib, none, 484*mib, limitFromCache)
	more(256*mib, 100*mib, 400*mib, 360*mib, limitFromCgroup)
	more(0, 100*mib, none, math.MaxInt64, limitNone)
}

// Whatever is asked for, the limit is positive, no more than the container leaves, and
// more than the cache where it stems from the cache.
func TestChooseLimitBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cache := rapid.Int64().Draw(t, "cache")
		cgroup := rapid.Uint64Range(10, math.MaxUint64).Draw(t, "cgroup")
		limit, from := chooseLimit(cache, 0, cgroup)
		if limit <= 0 || uint64(limit) > cgroup || (from == limitFromCache && limit <= cache) {
			t.Fatalf("chooseLimit(%d, %d) = %d, %v", cache, cgroup, limit, from)
		}
	})
}

func TestLimitSources(t *testing.T) {
	seen := map[string]bool{}
	for s := range limitSources {
		if s.String() == "unknown" || seen[s.String()] {
			t.Errorf("source %d is called %q", s, s)
		}
		seen[s.String()] = true
	}
	if got := limitSources.String(); got != "unknown" {
		t.Errorf("a source that does not exist is called %q", got)
	}
}

func TestSetMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })

	t.Setenv("GOMEMLIMIT", "")
	limit, source := SetMemoryLimit(8 << 20)
	if got := debug.SetMemoryLimit(-1); got != limit || limit > 74<<20 {
		t.Errorf("SetMemoryLimit = %d, %s; the runtime has %d", limit, source, got)
	}

	t.Setenv("GOMEMLIMIT", "123MiB")
	debug.SetMemoryLimit(123 << 20)
	limit, source = SetMemoryLimit(8 << 20)
	if got := debug.SetMemoryLimit(-1); got != 123<<20 || limit != got || source != "environment" {
		t.Errorf("SetMemoryLimit with GOMEMLIMIT = %d, %s; the runtime has %d", limit, source, got)
	}
}
