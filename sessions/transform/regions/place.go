package regions

import (
	"cmp"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
)

// Place is where a shopper is, and the sales channel that they are on.
type Place struct {
	Country    string // alpha-3, upper-case
	Channel    string // "": what serves all channels
	PostalCode string // "": unknown
	Point      *Point // nil: unknown
}

// Find gives the region of a place: that of the postal code, or where this is none or nobody delivers to it, that of the point. ok is
// false where neither is one, and the empty region is where nobody delivers.
func (t *Table) Find(p Place) (r Region, ok bool) {
	var i uint32
	if p.PostalCode != "" {
		i, ok = t.byPostalCode(p.Country, p.Channel, p.PostalCode)
	}
	if i == 0 && p.Point != nil {
		j, valid := t.byPoint(p.Country, p.Channel, *p.Point)
		i, ok = j, ok || valid
	}
	return t.region(i), ok
}

// inputs of the app, by name.
func public(name string) transform.Key {
	return transform.Key{Namespace: transform.PublicNamespace, Name: name}
}

func store(name string) transform.Key { return transform.Key{Namespace: "store", Name: name} }

// placeOf reads the place that a session tells: public.country, else the store's country, with public.postalCode or public.geoCoordinates;
// without these two public.region_id, the place of an ad (facts, part 4). The channel is the one that the store app has put the
// shopper on, who may have asked for another. public.sc counts where no app gives one.
func placeOf(in transform.Values) (p Place, ok bool) {
	p = Place{PostalCode: strings.TrimSpace(in.Scalar(public("postalCode"))), Channel: cmp.Or(in.Scalar(store("channel")), in.Scalar(public("sc")))}
	if point, ok := pointOf(in.Get(public("geoCoordinates"))); ok {
		p.Point = &point
	}
	country := cmp.Or(in.Scalar(public("country")), in.Scalar(store("countryCode")))
	if adCountry, postalCode, ok := transform.AdPlace(in); ok {
		country, p.PostalCode = adCountry, postalCode
	}
	p.Country, ok = canonicalCountry(country)
	return p, ok
}

const maxRegionID = 512 // bytes; one of 15 sellers in V1 has some 300

// isRegionID says whether text may be the id of a region, of this data or another's: printable ASCII without blanks.
func isRegionID(text string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return text != "" && len(text) <= maxRegionID && !strings.ContainsFunc(text, odd)
}
