package regions

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
)

// Region is a set of sellers that deliver to the same places.
type Region struct {
	ID      string   // in the Format of the Table
	Sellers []string // sorted; not to be changed
}

// Table finds regions. Nothing changes it: it is safe for concurrent use. The zero value knows only the empty region, without an id.
type Table struct {
	regions []Region // the first is the empty one
	byID    map[string]uint32
	known   map[string]bool // sellers
	lists   map[listKey]*rangeList
	lengths map[string][]int // country to how many digits its postal codes have
	areas   map[string][]area
}

type listKey struct {
	country, channel string
	digits           int
}

// builder makes a Table.
type builder struct {
	format  Format
	regions []Region
	bySet   map[string]uint32 // the text of a file's field to its region
	names   map[string]string
	spans   []span
	areas   map[string][]area
}

func newBuilder(f Format) *builder {
	return &builder{
		format: f, regions: []Region{{ID: f.ID(nil), Sellers: []string{}}},
		bySet: map[string]uint32{}, names: map[string]string{}, areas: map[string][]area{},
	}
}

// intern keeps a record's text without the record.
func (b *builder) intern(text string) string {
	if s, ok := b.names[text]; ok {
		return s
	}
	s := strings.Clone(text)
	b.names[s] = s
	return s
}

// region gives the region of a field of sellers, a new one for a new set.
func (b *builder) region(text string) (uint32, error) {
	if i, ok := b.bySet[text]; ok {
		return i, nil
	}
	sellers, err := parseSellers(strings.Clone(text))
	if err != nil {
		return 0, err
	}
	i := b.set(sellers)
	b.bySet[strings.Clone(text)] = i
	return i, nil
}

// set gives the region of sellers, which are sorted.
func (b *builder) set(sellers []string) uint32 {
	canonical := strings.Join(sellers, ";")
	if i, ok := b.bySet[canonical]; ok {
		return i
	}
	i := uint32(len(b.regions))
	b.regions = append(b.regions, Region{b.format.ID(sellers), sellers})
	b.bySet[canonical] = i
	return i
}

// table makes the Table, or says which ranges overlap.
func (b *builder) table() (*Table, error) {
	slices.SortFunc(b.spans, compareSpans)
	var f faults
	if checkOverlaps(b.spans, &f); len(f.list) > 0 {
		return nil, f.err()
	}
	t := &Table{
		regions: b.regions, byID: map[string]uint32{}, known: map[string]bool{},
		lists: map[listKey]*rangeList{}, lengths: map[string][]int{}, areas: b.areas,
	}
	for i, r := range b.regions {
		// In either form: a shop that changes its format has sessions with the other one.
		t.byID[V1.ID(r.Sellers)], t.byID[V2.ID(r.Sellers)] = uint32(i), uint32(i)
		for _, seller := range r.Sellers {
			t.known[seller] = true
		}
	}
	t.addSpans(b.spans)
	return t, nil
}

func (t *Table) addSpans(sorted []span) {
	counts := map[listKey]int{}
	for _, s := range sorted {
		counts[listKey{s.country, s.channel, s.digits}]++
	}
	for _, s := range sorted {
		key := listKey{s.country, s.channel, s.digits}
		l := t.lists[key]
		if l == nil {
			l = &rangeList{entries: make([]entry, 0, counts[key])}
			t.lists[key] = l
		}
		l.entries = append(l.entries, entry{s.from, s.to, s.region})
		if !slices.Contains(t.lengths[s.country], s.digits) {
			t.lengths[s.country] = append(t.lengths[s.country], s.digits)
		}
	}
	for _, l := range t.lists {
		l.index()
	}
}

// Parse reads a Table from the files of ranges (CSV) and of polygons (GeoJSON), each of which may be nil. It gives every fault of
// both, joined; each names its line or feature, and overlapping ranges both lines.
func Parse(ranges, polygons io.Reader, format Format) (*Table, error) {
	b := newBuilder(format)
	read := func(r io.Reader, by func([]byte) error) error {
		if r == nil {
			return nil
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return by(text)
	}
	return b.finish("ranges", read(ranges, b.readRanges), "polygons", read(polygons, b.readPolygons))
}

// finish makes the Table unless something was wrong with what it was read from: each line of that begins with the key of its part.
func (b *builder) finish(rangesKey string, ranges error, polygonsKey string, polygons error) (*Table, error) {
	t, overlaps := b.table()
	err := errors.Join(transform.AtKey(rangesKey, ranges), transform.AtKey(rangesKey, overlaps), transform.AtKey(polygonsKey, polygons))
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ByPostalCode gives the region of a postal code: digits, "-", "." and blanks. ok is false for what is no postal code of that country,
// which is known by the lengths of its ranges, and so for every one of a country without ranges: with polygons alone, or of a country
// that the shop does not know, a code says nothing of who delivers. Where nobody delivers it is the empty region. An
// empty channel is served by the ranges for all channels.
func (t *Table) ByPostalCode(country, channel, text string) (r Region, ok bool) {
	i, ok := t.byPostalCode(country, channel, text)
	return t.region(i), ok
}

func (t *Table) byPostalCode(country, channel, text string) (i uint32, ok bool) {
	c, ok := parseCode(country, text)
	if !ok || !slices.Contains(t.lengths[country], c.digits) {
		return 0, false
	}
	if i := t.lists[listKey{country, channel, c.digits}].find(c.number); i != 0 || channel == "" {
		return i, true
	}
	return t.lists[listKey{country, "", c.digits}].find(c.number), true
}

// hasCodes says whether a postal code of the country can be a place at all.
func (t *Table) hasCodes(country string) bool { return len(t.lengths[country]) > 0 }

func (t *Table) region(i uint32) Region {
	if len(t.regions) == 0 {
		return Region{}
	}
	return t.regions[i]
}

// ByID gives the region that an id names, in either Format. An id in V1 names its sellers in any order. Of one that is no region of the
// data, such as a client makes for one seller, it gives those sellers that are; ok is false for any other id that is none.
func (t *Table) ByID(id string) (r Region, ok bool) {
	if i, ok := t.byID[id]; ok {
		return t.region(i), true
	}
	named, ok := sellersOf(id)
	if !ok {
		return Region{}, false
	}
	slices.Sort(named)
	named = slices.Compact(named)
	id = V1.ID(named)
	if i, ok := t.byID[id]; ok {
		return t.region(i), true
	}
	return Region{id, slices.DeleteFunc(named, func(s string) bool { return !t.known[s] })}, true
}

// Regions gives every region but the empty one, in the order of the files. The slice is the caller's.
func (t *Table) Regions() []Region {
	if len(t.regions) == 0 {
		return nil
	}
	return slices.Clone(t.regions[1:])
}
