package obs

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// limitSource says where the memory limit comes from.
type limitSource uint8

const (
	limitFromEnvironment limitSource = iota // GOMEMLIMIT is set: the operator's word
	limitFromCgroup                         // the container leaves less than the cache would like
	limitFromCache                          // derived from cache.memory
	limitNone                               // no cache and no container: nothing to derive one from
	limitSources                            // how many there are
)

// String gives the source as it stands in logs.
func (s limitSource) String() string {
	switch s {
	case limitFromEnvironment:
		return "environment"
	case limitFromCgroup:
		return "cgroup"
	case limitFromCache:
		return "cache-memory"
	case limitNone:
		return "none"
	}
	return "unknown"
}

const (
	// processBase is what the process needs beside its cache: the binary's own heap,
	// connections and their buffers, fetches on their way.
	processBase = 64 << 20
	// cgroupShare leaves the rest of the container to what the runtime does not count:
	// the binary, kernel buffers, page tables.
	cgroupShare = 0.9
)

// SetMemoryLimit sets the soft limit of the runtime (debug.SetMemoryLimit) for a process
// with a cache of cacheBytes, 0 for none, and returns the limit in bytes and its source
// for the log: "environment", "cgroup", "cache-memory" or "none".
//
// Without a limit the collector lets the heap grow to twice what is alive. A
// GOMEMLIMIT in the environment stays as it is, "off" included. Otherwise the limit is
// 5/4 of cacheBytes and 64 MiB, or 9/10 of what the cgroup allows, whichever is less.
// BenchmarkFlood of cache/store shows that this keeps the resident memory of a cache
// of 256 MiB under 1.6 times its setting.
//
// Thousands of connections need more for their buffers: see RaiseMemoryLimit. So does a
// container smaller than its cache: the collector then runs all
// the time (up to half of the CPU) to reach what cannot be reached. The cure is
// GOMEMLIMIT, or a smaller cache.memory; a caller that gets less than cacheBytes should say so.
//
// GOGC is left as it is, and must not be off: this limit would be the only trigger
// then, and a heap that fills it would be collected for each page.
func SetMemoryLimit(cacheBytes int64) (limit int64, source string) {
	return RaiseMemoryLimit(cacheBytes, 0)
}

// RaiseMemoryLimit is SetMemoryLimit with extra bytes on top, within what the cgroup allows.
// Each call replaces the limit of the one before, and stops the world for a moment: it is for
// changes of several MiB.
func RaiseMemoryLimit(cacheBytes, extra int64) (limit int64, source string) {
	if os.Getenv("GOMEMLIMIT") != "" { // the runtime takes an empty one for none
		return debug.SetMemoryLimit(-1), limitFromEnvironment.String()
	}
	cgroup, err := memlimit.FromCgroup()
	if err != nil { // none, or not on Linux
		cgroup = math.MaxUint64
	}
	limit, from := chooseLimit(cacheBytes, extra, cgroup)
	debug.SetMemoryLimit(limit)
	return limit, from.String()
}

// chooseLimit: cgroup is the container's limit in bytes, MaxUint64 for none.
func chooseLimit(cacheBytes, extra int64, cgroup uint64) (int64, limitSource) {
	wanted, from := int64(math.MaxInt64), limitNone
	if cacheBytes > 0 && cacheBytes <= (math.MaxInt64-processBase-extra)/5*4 {
		wanted, from = cacheBytes+cacheBytes/4+processBase+extra, limitFromCache
	}
	if allowed := float64(cgroup) * cgroupShare; allowed < float64(wanted) {
		return int64(allowed), limitFromCgroup
	}
	return wanted, from
}
