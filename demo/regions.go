package demo

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Region is an area served by one set of sellers.
type Region struct {
	ID      string // "v2." and 32 upper-case hex digits, a hash of the sellers (facts/sessions.md, part 5)
	Name    string
	Country string // ISO 3166-1 alpha-3
	from    string // postal codes by digits, inclusive, equally long
	to      string
}

// newRegions is the table of areas, by country and then by postal code.
func newRegions() []Region {
	table := []Region{
		{Name: "São Paulo", Country: "BRA", from: "01000000", to: "19999999"},
		{Name: "Rio de Janeiro", Country: "BRA", from: "20000000", to: "28999999"},
		{Name: "Minas Gerais", Country: "BRA", from: "29000000", to: "39999999"},
		{Name: "Nordeste", Country: "BRA", from: "40000000", to: "65999999"},
		{Name: "Norte", Country: "BRA", from: "66000000", to: "69999999"},
		{Name: "Centro-Oeste", Country: "BRA", from: "70000000", to: "79999999"},
		{Name: "Sul", Country: "BRA", from: "80000000", to: "99999999"},
		{Name: "East Coast", Country: "USA", from: "00000", to: "39999"},
		{Name: "Midwest & South", Country: "USA", from: "40000", to: "79999"},
		{Name: "West Coast", Country: "USA", from: "80000", to: "99999"},
	}
	for i, r := range table {
		sum := sha256.Sum256([]byte("sellers:" + r.Country + ":" + r.Name))
		table[i].ID = fmt.Sprintf("v2.%X", sum[:16])
	}
	return table
}

// RegionOf finds the region of a postal code, written with or without hyphen and blanks. ok is false where
// nobody delivers, and for what is no postal code of that country.
func (c *Catalogue) RegionOf(country, postal string) (r Region, ok bool) {
	code := strings.NewReplacer("-", "", " ", "", ".", "").Replace(postal)
	for _, r := range c.regions {
		if r.Country == country && len(code) == len(r.from) && isDigits(code) && r.from <= code && code <= r.to {
			return r, true
		}
	}
	return Region{}, false
}

// Regions returns all regions. The slice is the caller's.
func (c *Catalogue) Regions() []Region { return append([]Region(nil), c.regions...) }

// regionName is what a page calls a region id; for one it does not know, a short form of the id.
func (c *Catalogue) regionName(id string) string {
	for _, r := range c.regions {
		if r.ID == id {
			return r.Name
		}
	}
	if short := []rune(id); len(short) > 14 {
		return string(short[:13]) + "…"
	}
	return id
}

func isDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// stock is how many pieces of p a region has. Some regions have none of some products; a product that is made
// to order is the same everywhere.
func (p *Product) stock(region string) int {
	if p.ToOrder {
		return 99
	}
	n := int(mix(uint64(p.ID), region) % 32)
	if region == "" {
		return n + 6
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
