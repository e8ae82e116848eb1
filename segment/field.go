package segment

import (
	"strings"
	"unicode"
)

// field numbers the known fields in the byte order in which the public system writes them
// (shared/facts/sessions.md 1.1 and 2.1).
type field uint8

const (
	fieldCampaigns field = iota
	fieldChannel
	fieldPriceTables
	fieldRegionID
	fieldUTMCampaign
	fieldUTMSource
	fieldUTMICampaign
	fieldCurrencyCode
	fieldCurrencySymbol
	fieldCountryCode
	fieldCultureInfo
	fieldAdminCultureInfo
	fieldChannelPrivacy
	fieldFacets
	numFields
)

// fieldNames is read only; its index is the field.
var fieldNames = [numFields]string{
	"campaigns", "channel", "priceTables", "regionId", "utm_campaign", "utm_source", "utmi_campaign",
	"currencyCode", "currencySymbol", "countryCode", "cultureInfo", "admin_cultureInfo", "channelPrivacy", "facets",
}

// groupFields are the fields that a sales channel decides.
var groupFields = [...]field{fieldCurrencyCode, fieldCurrencySymbol, fieldCountryCode, fieldCultureInfo, fieldChannelPrivacy}

// Fields returns the names of the known segment fields in the order of the public system. The slice is the caller's.
func Fields() []string { return append([]string(nil), fieldNames[:]...) }

func (f field) String() string { return fieldNames[f] }

// optional tells the fields that are written only when they have a value; the others are written as null.
func (f field) optional() bool { return f == fieldAdminCultureInfo || f == fieldFacets }

func lookupField(name string) (field, bool) {
	for f, known := range fieldNames {
		if known == name {
			return field(f), true
		}
	}
	return 0, false
}

// lookupFold finds the known field that name spells in any case. Readers such as Go's and .NET's match member names
// without regard to case, so a name that differs in case alone must never count as a harmless extra.
func lookupFold(name string) (field, bool) {
	for f, known := range fieldNames {
		if strings.EqualFold(known, name) {
			return field(f), true
		}
	}
	return 0, false
}

// foldName maps all names that are equal under strings.EqualFold to one string.
func foldName(name string) string { return strings.Map(foldRune, name) }

func foldRune(r rune) rune {
	smallest := r
	for n := unicode.SimpleFold(r); n != r; n = unicode.SimpleFold(n) {
		smallest = min(smallest, n)
	}
	return smallest
}

// plainName tells whether name can name a field in the configuration: [A-Za-z0-9_]+.
func plainName(name string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return name != ""
}
