package obs

import (
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry makes a registry of its own, so that no import adds metrics to it,
// with the collectors of the Go runtime and of the process, and the gauge
// aisle_build_info, whose value is always 1.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
		newBuildInfo(ReadBuild()),
	)
	return reg
}

func newBuildInfo(b Build) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aisle_build_info",
		Help: "The build of aisle that runs; always 1.",
		ConstLabels: prometheus.Labels{
			"version":  b.Version,
			"revision": b.Revision,
			"go":       b.Go,
		},
	})
	g.Set(1)
	return g
}

// Build says which aisle this is. A member that the binary does not know is "unknown".
type Build struct {
	Version  string // of the module: a tag, or "(devel)"
	Revision string // of the source; with "-dirty" if it was changed
	Go       string // toolchain
}

// ReadBuild reads what the linker left in the binary.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return buildOf(&debug.BuildInfo{})
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) Build {
	b := Build{Version: info.Main.Version, Go: info.GoVersion}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty && b.Revision != "" {
		b.Revision += "-dirty"
	}
	for _, v := range []*string{&b.Version, &b.Revision, &b.Go} {
		if *v == "" {
			*v = "unknown"
		}
	}
	return b
}
