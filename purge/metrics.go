package purge

import "github.com/prometheus/client_golang/prometheus"

// Kind is what a purge names. The zero value is KindURL.
type Kind uint8

// The kinds.
const (
	KindURL Kind = iota
	KindTag
	KindAll
	numKinds
)

var kindNames = [numKinds]string{"url", "tag", "all"}

// String returns the word of the metric.
func (k Kind) String() string { return kindNames[k] }

// metrics counts what was named, not the calls: a call may name many.
type metrics struct {
	purges  [numKinds][2]prometheus.Counter // by hard and soft
	refused prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	purges := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aisle_purges_total", Help: "URLs, tags and whole caches purged over the admin interface.",
	}, []string{"kind", "mode"})
	m := &metrics{refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "aisle_purges_refused_total", Help: "Calls of the purge interface that were refused and purged nothing.",
	})}
	for k := range numKinds {
		m.purges[k] = [2]prometheus.Counter{purges.WithLabelValues(k.String(), "hard"), purges.WithLabelValues(k.String(), "soft")}
	}
	reg.MustRegister(purges, m.refused)
	return m
}

func (m *metrics) count(r *request) {
	mode := 0
	if r.Soft {
		mode = 1
	}
	m.purges[KindURL][mode].Add(float64(len(r.URLs)))
	m.purges[KindTag][mode].Add(float64(len(r.Tags)))
	if r.All {
		m.purges[KindAll][mode].Inc()
	}
}
