package cache_test

import (
	"fmt"
	"testing"

	"github.com/aislecache/aisle/cache"
)

var segmentFields = []string{"segment-channel", "segment-priceTables", "segment-regionId"}

// TestNarrowed: shoppers who agree in what the page depends on share it; others do not.
func TestNarrowed(t *testing.T) {
	f := func(segmentVary string, a, b *dims, share bool) {
		t.Helper()
		fields := []string{"Segment-Vary: " + segmentVary}
		if segmentVary == "none" {
			fields = nil
		}
		inBubble(t, echoing(segmentFields, 0, fields...), func(r *rig) {
			first := r.getAs(a, "/p")
			settle()
			second := r.getAs(b, "/p")
			if hit := second.Outcome == cache.Hit; hit != share {
				t.Errorf("Segment-Vary %q, %v and %v: %v after %v", segmentVary, a.segment, b.segment, second, first)
			}
			if share && second.body != first.body {
				t.Errorf("%v after %v", second, first)
			}
		})
	}
	gold, silver := shopper("1", "gold", "r1"), shopper("1", "silver", "r1")
	elsewhere, other := shopper("1", "gold", "r2"), shopper("2", "gold", "r1")
	f("none", gold, gold, true)
	f("none", gold, elsewhere, false)
	f("none", gold, silver, false)
	f("priceTables", gold, elsewhere, true)
	f("priceTables", gold, other, true)
	f("priceTables", gold, silver, false)
	f("priceTables, regionId", gold, other, true)
	f("priceTables, regionId", gold, elsewhere, false)
	f("channel, priceTables, regionId", gold, gold, true)
	f("channel, priceTables, regionId", gold, other, false)
	f("", gold, silver, true)
	f("", gold, other, true)
	f("nonsense", gold, elsewhere, false)
	f("priceTables, nonsense", gold, elsewhere, false)
	f("priceTables", shopper("1", "", ""), shopper("1", "", "r1"), true)
}

// TestNarrowedFlight: a thousand shoppers of ten regions and two price tables come at once;
// the page depends on the table: once that is known each table is fetched once more at most.
func TestNarrowedFlight(t *testing.T) {
	inBubble(t, echoing([]string{"segment-priceTables"}, sec, "Segment-Vary: priceTables"), func(r *rig) {
		// The first page of the URL tells what it depends on.
		r.getAs(shopper("9", "none", ""), "/p")
		settle()
		all := r.crowd(thousand, func(i int) *cache.Request {
			return r.requestOf(shopper(fmt.Sprint(i%3), fmt.Sprint("t", i%2), fmt.Sprint("r", i%10)), "/p")
		})
		for i, a := range all {
			if want := fmt.Sprint("t", i%2, "|"); a.body != want || a.bodyErr != nil {
				t.Errorf("request %d: %v, want %q", i, a, want)
			}
		}
		r.wantFetches(3)
	})
}

// TestUnknownNarrowing: those who come while the first page is fetched do not know yet that
// they could share; each gets its own, right one, and what lands is one page per table.
func TestUnknownNarrowing(t *testing.T) {
	inBubble(t, echoing([]string{"segment-priceTables"}, sec, "Segment-Vary: priceTables"), func(r *rig) {
		all := r.crowd(100, func(i int) *cache.Request {
			return r.requestOf(shopper("1", fmt.Sprint("t", i%2), fmt.Sprint("r", i%10)), "/p")
		})
		for i, a := range all {
			if want := fmt.Sprint("t", i%2, "|"); a.body != want || a.bodyErr != nil {
				t.Errorf("request %d: %v, want %q", i, a, want)
			}
		}
		settle()
		if n := len(r.store.entries()); n != 2 {
			t.Errorf("%d entries", n)
		}
		if n := r.origin.fetches(); n > 10 {
			t.Errorf("%d fetches for 10 segments", n)
		}
	})
}

// TestAnswersThatDisagree: each page says for itself what it depends on, as an origin does
// that notes what it looked at: without a table it looks at the region too. A page is only
// served to those who agree in what that page depends on.
func TestAnswersThatDisagree(t *testing.T) {
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		if asks(q, "segment-priceTables") == "" {
			return echoing([]string{"segment-priceTables", "segment-regionId"}, 0, "Segment-Vary: priceTables, regionId")(n, q)
		}
		return echoing([]string{"segment-priceTables"}, 0, "Segment-Vary: priceTables")(n, q)
	}, func(r *rig) {
		for range 2 {
			for _, c := range []struct{ table, region, want string }{
				{"gold", "r1", "gold|"}, {"", "r1", "|r1|"}, {"gold", "r2", "gold|"}, {"", "r2", "|r2|"}, {"silver", "r1", "silver|"}, {"", "r1", "|r1|"}, {"gold", "r3", "gold|"},
			} {
				a := r.getAs(shopper("1", c.table, c.region), "/p")
				if a.body != c.want || a.bodyErr != nil {
					t.Errorf("%q in %q: %v, want %q", c.table, c.region, a, c.want)
				}
				settle()
			}
		}
		r.wantFetches(4)
	})
}

// TestWideAfterNarrow: once the origin says that the page depends on more, those who differ in
// that fetch their own.
func TestWideAfterNarrow(t *testing.T) {
	wide := false
	inBubble(t, func(n int, q *cache.OriginRequest) reply {
		if wide {
			return echoing(segmentFields, 0)(n, q)
		}
		return echoing([]string{"segment-channel"}, 0, "Segment-Vary: channel")(n, q)
	}, func(r *rig) {
		r.getAs(shopper("1", "gold", "r1"), "/p")
		settle()
		r.want(r.getAs(shopper("1", "silver", "r1"), "/p"), cache.Hit, cache.ReasonFresh, "1|")
		wide = true
		r.engine.Purge(false, cache.URLLabel(host, "/p"))
		r.want(r.getAs(shopper("1", "gold", "r1"), "/p"), cache.Miss, cache.ReasonPurgedHard, "1|gold|r1|")
		settle()
		r.want(r.getAs(shopper("1", "silver", "r1"), "/p"), cache.Miss, cache.ReasonPurgedHard, "1|silver|r1|")
		settle()
		r.want(r.getAs(shopper("1", "gold", "r1"), "/p"), cache.Hit, cache.ReasonFresh, "1|gold|r1|")
		r.want(r.getAs(shopper("1", "gold", "r2"), "/p"), cache.Miss, cache.ReasonPurgedHard, "1|gold|r2|")
	})
}
