package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache/store"
)

// storeCollector shows what the store holds. It reads at the scrape, since the store
// counts anyway and a second set of counters would have to be kept in step.
type storeCollector struct {
	stats                   func() store.Stats
	entries, cost, capacity *prometheus.Desc
	sets, gone              *prometheus.Desc
}

func newStoreCollector(stats func() store.Stats) *storeCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("aisle_store_"+name, help, labels, nil)
	}
	return &storeCollector{
		stats:    stats,
		entries:  desc("entries", "Pages in the store."),
		cost:     desc("cost_bytes", "Bytes of the pages in the store, their keys and heads."),
		capacity: desc("capacity_bytes", "Bytes that the pages in the store may take."),
		sets:     desc("sets_total", "Pages given to the store, by what became of them.", "result"),
		gone:     desc("removals_total", "Pages that left the store by themselves.", "cause"),
	}
}

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.entries, c.cost, c.capacity, c.sets, c.gone} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *storeCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stats()
	gauge := func(d *prometheus.Desc, v int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	count := func(d *prometheus.Desc, v uint64, label string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), label)
	}
	gauge(c.entries, s.Entries)
	gauge(c.cost, s.Cost)
	gauge(c.capacity, s.Capacity)
	count(c.sets, s.Added, "added")
	count(c.sets, s.Rejected, "rejected")
	count(c.sets, s.Refused, "refused")
	count(c.sets, s.Dropped, "dropped")
	count(c.gone, s.Evicted, "evicted")
	count(c.gone, s.Expired, "expired")
}
