package transform

import (
	"encoding/base64"
	"regexp"
	"strings"
)

var adRegion = regexp.MustCompile(`^vtex:([A-Za-z]{3}):([0-9A-Za-z -]{2,12})$`)

const maxAdRegion = 64 // bytes of public.region_id

// AdPlace reads public.region_id, which ads of a search engine link: base64, in either alphabet, of vtex:BRA:04561000 (facts, part 4).
// What the shopper or an app has said takes precedence: ok is false where public has a postal code or coordinates, or another country.
func AdPlace(in Values) (country, postalCode string, ok bool) {
	for _, name := range []string{"postalCode", "geoCoordinates"} {
		if !Empty(in.Get(Key{PublicNamespace, name})) {
			return "", "", false
		}
	}
	country, postalCode = parseAdRegion(in.Text(Key{PublicNamespace, "region_id"}))
	stated := in.Scalar(Key{PublicNamespace, "country"})
	if postalCode == "" || stated != "" && !strings.EqualFold(stated, country) {
		return "", "", false
	}
	return country, postalCode, true
}

func parseAdRegion(text string) (country, postalCode string) {
	if len(text) > maxAdRegion {
		return "", ""
	}
	// A query turns + into a blank.
	text = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(text, "="))
	plain, err := base64.RawStdEncoding.DecodeString(text)
	parts := adRegion.FindStringSubmatch(string(plain))
	if err != nil || parts == nil {
		return "", ""
	}
	return strings.ToUpper(parts[1]), parts[2]
}
