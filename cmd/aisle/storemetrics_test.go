package main

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aislecache/aisle/cache/store"
)

func TestStoreSeries(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(newStoreCollector(func() store.Stats {
		return store.Stats{Entries: 1, Cost: 2, Capacity: 3, Added: 4, Evicted: 5, Expired: 6, Rejected: 7, Refused: 8, Dropped: 9}
	}))
	const want = `
# HELP aisle_store_capacity_bytes Bytes that the pages in the store may take.
# TYPE aisle_store_capacity_bytes gauge
aisle_store_capacity_bytes 3
# HELP aisle_store_cost_bytes Bytes of the pages in the store, their keys and heads.
# TYPE aisle_store_cost_bytes gauge
aisle_store_cost_bytes 2
# HELP aisle_store_entries Pages in the store.
# TYPE aisle_store_entries gauge
aisle_store_entries 1
# HELP aisle_store_removals_total Pages that left the store by themselves.
# TYPE aisle_store_removals_total counter
aisle_store_removals_total{cause="evicted"} 5
aisle_store_removals_total{cause="expired"} 6
# HELP aisle_store_sets_total Pages given to the store, by what became of them.
# TYPE aisle_store_sets_total counter
aisle_store_sets_total{result="added"} 4
aisle_store_sets_total{result="dropped"} 9
aisle_store_sets_total{result="refused"} 8
aisle_store_sets_total{result="rejected"} 7
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
