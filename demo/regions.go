package demo

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Region is a set of sellers that deliver to the same places.
type Region struct {
	ID       string // "v2." and 32 upper-case hex digits, a hash of the sellers (facts/sessions.md, part 5)
	Name     string
	Delivery string   // when a parcel comes, such as "tomorrow"; "" where nobody says so
	Sellers  []string // sorted; not to be changed
}

// postalRange is a line of regions.csv.
type postalRange struct {
	country, from, to string // digits, inclusive, equally long
	channel           string // "": all
	region            int    // an index into shopData.regions
}

// regionID is the id of a set of sellers, which must be sorted.
func regionID(sellers []string) string {
	sum := sha256.Sum256([]byte("SW#" + strings.Join(sellers, ";")))
	return fmt.Sprintf("v2.%X", sum[:16])
}

// emptyRegion is the region without sellers, regionID(nil), and emptyRegionV1 its id in the older form.
const (
	emptyRegion   = "v2.FF6F4914BA56D6BD91FDA9066E3A46EA"
	emptyRegionV1 = "U1cj"
)

func delivered(region string) bool { return region != emptyRegion && region != emptyRegionV1 }

func (d *shopData) addRange(field map[string]string) error {
	r := postalRange{country: field["country"], from: field["from"], to: field["to"], channel: field["channel"]}
	sellers := sortedSet(splitList(field["sellers"]))
	switch {
	case len(r.from) != len(r.to) || r.from == "" || r.from > r.to || !isDigits(r.from+r.to):
		return fmt.Errorf("from %q and to %q: want digits, equally many", r.from, r.to)
	case len(sellers) == 0:
		return errors.New("no sellers")
	}
	r.region = d.regionOf(sellers)
	d.ranges = append(d.ranges, r)
	return nil
}

func sortedSet(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// regionOf is the place of the region of sellers, a new one for a new set.
func (d *shopData) regionOf(sellers []string) int {
	id := regionID(sellers)
	for i, r := range d.regions {
		if r.ID == id {
			return i
		}
	}
	d.regions = append(d.regions, Region{ID: id, Name: strings.Join(sellers, ", "), Sellers: sellers})
	return len(d.regions) - 1
}

// nameRegions takes names, and when a parcel comes, from the properties of the areas whose sellers are a region's.
func (d *shopData) nameRegions(files fs.FS, name string) error {
	text, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var areas struct {
		Features []struct {
			Properties struct {
				Name, Delivery string
				Sellers        []string
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &areas)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, f := range areas.Features {
		id := regionID(sortedSet(f.Properties.Sellers))
		for i := range d.regions {
			if r := &d.regions[i]; r.ID == id {
				r.Name, r.Delivery = cmp.Or(f.Properties.Name, r.Name), f.Properties.Delivery
			}
		}
	}
	return nil
}

// RegionOf finds the region of a postal code, written with or without hyphen and blanks, on the channels for which the
// file of regions has no lines of their own. ok is false where nobody delivers, and for what is no postal code of that country.
func (c *Catalogue) RegionOf(country, postal string) (r Region, ok bool) {
	return c.data.find("", country, postal)
}

func (d *shopData) find(channel, country, postal string) (r Region, ok bool) {
	code := strings.NewReplacer("-", "", " ", "", ".", "").Replace(postal)
	for _, r := range d.ranges {
		here := r.country == country && (r.channel == "" || r.channel == channel)
		if here && len(code) == len(r.from) && isDigits(code) && r.from <= code && code <= r.to {
			return d.regions[r.region], true
		}
	}
	return Region{}, false
}

// Regions returns all regions, in the order of the file of regions. The slice is the caller's.
func (c *Catalogue) Regions() []Region { return slices.Clone(c.data.regions) }

// region finds a region by its id; ok is false for one that is not the shop's.
func (c *Catalogue) region(id string) (r Region, ok bool) {
	for _, r := range c.data.regions {
		if r.ID == id {
			return r, true
		}
	}
	return Region{}, false
}

// regionName is what a page calls a region id; for one it does not know, a short form of the id.
func (c *Catalogue) regionName(id string) string {
	if r, ok := c.region(id); ok {
		return r.Name
	}
	if !delivered(id) {
		return "no delivery"
	}
	if short := []rune(id); len(short) > 14 {
		return string(short[:13]) + "…"
	}
	return id
}

func isDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// stock is how many pieces of p a region has: some regions have none of some products, and nobody delivers to the region
// without sellers. A product that is made to order is the same everywhere.
func (p *Product) stock(region string) int {
	if p.ToOrder {
		return 99
	}
	n := int(mix(uint64(p.ID), region) % 32)
	switch {
	case region == "":
		return n + 6
	case !delivered(region):
		return 0
	}
	return max(n-4, 0)
}

// mix is FNV-1a over a number and a string: the demo's only source of variety, so that all of it is repeatable.
func mix(n uint64, s string) uint64 {
	h := uint64(14695981039346656037)
	for shift := 0; shift < 64; shift += 8 {
		h = (h ^ (n >> shift & 0xff)) * 1099511628211
	}
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h ^ h>>29
}
