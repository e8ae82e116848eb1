package demo

import "strings"

// Field names one field of a Segment, as Segment-Vary does.
type Field uint8

// The fields of a segment, in the order of its JSON. admin_cultureInfo is none of them: no page shows it.
const (
	FieldCampaigns Field = iota
	FieldChannel
	FieldPriceTables
	FieldRegionID
	FieldUTMCampaign
	FieldUTMSource
	FieldUTMICampaign
	FieldCurrencyCode
	FieldCurrencySymbol
	FieldCountryCode
	FieldCultureInfo
	FieldChannelPrivacy
	FieldFacets
	fieldEnd
)

// Fields returns all fields, in the order of the JSON. The slice is the caller's.
func Fields() []Field {
	all := make([]Field, fieldEnd)
	for i := range all {
		all[i] = Field(i)
	}
	return all
}

// String is the JSON key of the field, "unknown" for what is none.
func (f Field) String() string {
	names := [fieldEnd]string{
		"campaigns", "channel", "priceTables", "regionId", "utm_campaign", "utm_source", "utmi_campaign",
		"currencyCode", "currencySymbol", "countryCode", "cultureInfo", "channelPrivacy", "facets",
	}
	if f >= fieldEnd {
		return "unknown"
	}
	return names[f]
}

// field is where s keeps f. A field outside the enum is a mistake of this package.
func (s *Segment) field(f Field) *string {
	places := [fieldEnd]*string{
		&s.Campaigns, &s.Channel, &s.PriceTables, &s.RegionID, &s.UTMCampaign, &s.UTMSource, &s.UTMICampaign,
		&s.CurrencyCode, &s.CurrencySymbol, &s.CountryCode, &s.CultureInfo, &s.ChannelPrivacy, &s.Facets,
	}
	return places[f]
}

// Narrow keeps the given fields of s and sets all others to those of DefaultSegment. A page made for a narrowed
// segment cannot depend on the others, whatever its code does: that is what makes Segment-Vary true.
func (s Segment) Narrow(fields []Field) Segment {
	out := DefaultSegment()
	for _, f := range fields {
		*out.field(f) = *s.field(f)
	}
	return out
}

// storeFields are the fields that go with the channel. Every page with a price shows them.
func storeFields() []Field {
	return []Field{FieldChannel, FieldCurrencyCode, FieldCurrencySymbol, FieldCountryCode, FieldCultureInfo, FieldChannelPrivacy}
}

// SegmentVary is the value of the response field of that name: the fields, comma-joined; "" for a page that
// depends on none.
func SegmentVary(fields []Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.String()
	}
	return strings.Join(names, ", ")
}
