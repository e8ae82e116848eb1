package regions_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const header = "country,from,to,channel,sellers\n"

// table reads lines of ranges, without the header.
func table(t testing.TB, lines ...string) *regions.Table {
	t.Helper()
	return parsed(t, header+strings.Join(lines, "\n"), "")
}

// parsed reads both files; one that is empty is not there.
func parsed(t testing.TB, ranges, polygons string) *regions.Table {
	t.Helper()
	table, err := parse(ranges, polygons)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func parse(ranges, polygons string) (*regions.Table, error) {
	switch {
	case polygons == "":
		return regions.Parse(strings.NewReader(ranges), nil, regions.V1)
	case ranges == "":
		return regions.Parse(nil, strings.NewReader(polygons), regions.V1)
	}
	return regions.Parse(strings.NewReader(ranges), strings.NewReader(polygons), regions.V1)
}

// served is "seller seller", "nobody", or "invalid".
func served(r regions.Region, ok bool) string {
	switch {
	case !ok:
		return "invalid"
	case len(r.Sellers) == 0:
		return "nobody"
	}
	return strings.Join(r.Sellers, " ")
}
