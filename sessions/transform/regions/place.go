package regions

import (
	"encoding/base64"
	"encoding/json"
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
// without these two public.region_id, the place of an ad. The channel is public.sc, else the store's (facts, part 4).
func placeOf(in transform.Values) (p Place, ok bool) {
	p = Place{PostalCode: strings.TrimSpace(scalar(in.Get(public("postalCode"))))}
	if point, ok := pointOf(in.Get(public("geoCoordinates"))); ok {
		p.Point = &point
	}
	country := scalar(in.Get(public("country")))
	if p.PostalCode == "" && p.Point == nil {
		country, p.PostalCode = parseAdRegion(in.Text(public("region_id")))
	} else if country == "" {
		country = scalar(in.Get(store("countryCode")))
	}
	if p.Channel = scalar(in.Get(public("sc"))); p.Channel == "" {
		p.Channel = scalar(in.Get(store("channel")))
	}
	p.Country, ok = canonicalCountry(country)
	return p, ok
}

// parseAdRegion reads what Google's ads put into a link: base64 of vtex:BRA:04561000 (facts, part 4). Anything else is
// nowhere.
func parseAdRegion(text string) (country, postalCode string) {
	text = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(text, "="))
	plain, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", ""
	}
	parts := strings.Split(string(plain), ":")
	if len(parts) != 3 || parts[0] != "vtex" {
		return "", ""
	}
	return parts[1], parts[2]
}

// scalar is the text of a string or a number: clients send postal codes and channels both ways. "" for all else.
func scalar(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(value, &number) != nil {
		return ""
	}
	return number.String()
}

const maxRegionID = 512 // bytes; one of 15 sellers in V1 has some 300

// isRegionID says whether text may be the id of a region, of this data or another's: printable ASCII without blanks.
func isRegionID(text string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return text != "" && len(text) <= maxRegionID && !strings.ContainsFunc(text, odd)
}
