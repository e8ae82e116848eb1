package regions

import "slices"

// area is a polygon that a region's sellers deliver to.
type area struct {
	channel string // "": all
	region  uint32
	low     Point // the corners of a box around it
	high    Point
	rings   []ring // the outer one, then holes
}

// ring is closed: its last point is the first.
type ring []Point

func newArea(channel string, region uint32, rings []ring) area {
	a := area{channel: channel, region: region, low: rings[0][0], high: rings[0][0], rings: rings}
	for _, p := range rings[0] {
		a.low = Point{min(a.low.Longitude, p.Longitude), min(a.low.Latitude, p.Latitude)}
		a.high = Point{max(a.high.Longitude, p.Longitude), max(a.high.Latitude, p.Latitude)}
	}
	return a
}

// contains says whether p is inside of the outer ring, and of no hole. Edges count with their lower and not their upper end, so
// that of two areas that share a border one alone has a point on it.
func (a *area) contains(p Point) bool {
	if p.Longitude < a.low.Longitude || p.Longitude > a.high.Longitude || p.Latitude < a.low.Latitude || p.Latitude > a.high.Latitude {
		return false
	}
	return a.rings[0].contains(p) && !slices.ContainsFunc(a.rings[1:], func(hole ring) bool { return hole.contains(p) })
}

// contains goes by the even-odd rule.
func (r ring) contains(p Point) bool {
	inside := false
	for i := 1; i < len(r); i++ {
		if crosses(r[i-1], r[i], p) {
			inside = !inside
		}
	}
	return inside
}

// crosses says whether the edge from a to b is east of p, at its latitude.
func crosses(a, b, p Point) bool {
	if (a.Latitude > p.Latitude) == (b.Latitude > p.Latitude) {
		return false
	}
	// From the lower end always: an edge that two areas share is the same edge to both, to the last bit.
	if a.Latitude > b.Latitude {
		a, b = b, a
	}
	return p.Longitude < a.Longitude+(p.Latitude-a.Latitude)/(b.Latitude-a.Latitude)*(b.Longitude-a.Longitude)
}

// ByPoint gives the region of a point; ok is false for what is no point. Where areas overlap the first of the file counts.
// Where nobody delivers it is the empty region.
func (t *Table) ByPoint(country, channel string, p Point) (r Region, ok bool) {
	i, ok := t.byPoint(country, channel, p)
	return t.region(i), ok
}

func (t *Table) byPoint(country, channel string, p Point) (i uint32, ok bool) {
	areas := t.areas[country]
	for i := range areas {
		a := &areas[i]
		if (a.channel == "" || a.channel == channel) && a.contains(p) {
			return a.region, true
		}
	}
	return 0, p.valid()
}
