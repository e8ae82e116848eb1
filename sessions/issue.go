package sessions

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
)

// The bounds of a segment token. Browsers drop a cookie of more than 4 KiB, name and attributes
// included, and with it what the shopper is entitled to (facts, part 6, 1416519).
const (
	maxSegmentToken = 3<<10 - 1 // bytes of base64
	maxUTM          = 128       // bytes of a utm value; a longer one counts as absent
	maxCampaigns    = 16        // those of the highest priority stay
	// longFacets is from where facets are replaced by a reference even if they would fit. One postal
	// code in the facets is one cookie per shopper as it is; a short text is not worth a look-up.
	longFacets = 512
)

// facetsReference is what facets begin with that are kept by the sidecar.
const facetsReference = "ref="

// ErrSegmentTooLarge says that a session's segment would not fit into a cookie.
var ErrSegmentTooLarge = errors.New("the segment would not fit into a cookie")

// Issued is a segment with what was done to make it fit into a cookie. The zero value is none.
type Issued struct {
	Token        string          // as it stands in the cookie
	Segment      segment.Segment // as the origin gets it, facets resolved
	Facets       string          // to be stored under Reference; "" for none
	Reference    string
	CutUTM       int // utm values that counted as absent
	CutCampaigns int
}

// segmentSources are the fields that are taken from a session as they are (facts 2.1). Read only.
var segmentSources = map[string]transform.Key{
	"channel":           {Namespace: "store", Name: "channel"},
	"countryCode":       {Namespace: "store", Name: "countryCode"},
	"cultureInfo":       {Namespace: "store", Name: "cultureInfo"},
	"currencyCode":      {Namespace: "store", Name: "currencyCode"},
	"currencySymbol":    {Namespace: "store", Name: "currencySymbol"},
	"channelPrivacy":    {Namespace: "store", Name: "channelPrivacy"},
	"admin_cultureInfo": {Namespace: "store", Name: "admin_cultureInfo"},
	"priceTables":       {Namespace: "profile", Name: "priceTables"},
	"regionId":          {Namespace: "checkout", Name: "regionId"},
	"utm_campaign":      {Namespace: "public", Name: "utm_campaign"},
	"utm_source":        {Namespace: "public", Name: "utm_source"},
	"utmi_campaign":     {Namespace: "public", Name: "utmi_cp"},
	"campaigns":         {Namespace: "rnb", Name: "campaigns"},
	"facets":            {Namespace: "search", Name: "facets"},
}

// issueSegment derives the segment of a session: a function of its values alone, so that equal
// segments have equal tokens.
func issueSegment(values transform.Values) (Issued, error) {
	var out Issued
	fields := map[string]string{}
	for name, key := range segmentSources {
		text := plainText(values.Get(key))
		switch {
		case strings.HasPrefix(name, "utm") && len(text) > maxUTM:
			text = ""
			out.CutUTM++
		case name == "campaigns":
			text, out.CutCampaigns = cutCampaigns(text)
		case name == "facets" && strings.HasPrefix(text, facetsReference):
			text = "" // nobody but aisle makes references
		}
		fields[name] = text
	}
	return out.finish(fields)
}

func (out Issued) finish(fields map[string]string) (Issued, error) {
	var err error
	if out.Segment, err = segment.Make(fields); err != nil {
		return Issued{}, err
	}
	out.Token = string(out.Segment.AppendToken(nil))
	if facets := fields["facets"]; len(facets) > longFacets || facets != "" && len(out.Token) > maxSegmentToken {
		out.Facets, out.Reference = facets, referenceOf(facets)
		fields["facets"] = facetsReference + out.Reference
		short, err := segment.Make(fields)
		if err != nil {
			return Issued{}, err
		}
		out.Token = string(short.AppendToken(nil))
	}
	if len(out.Token) > maxSegmentToken {
		return Issued{}, ErrSegmentTooLarge
	}
	return out, nil
}

// referenceLength is that of a reference, in hex digits.
const referenceLength = 2 * sha256.Size

// referenceOf names facets by their content, whole: a reference that two texts share would
// show a shopper what another may see.
func referenceOf(facets string) string {
	sum := sha256.Sum256([]byte(facets))
	return hex.EncodeToString(sum[:])
}

// plainText is the text of a value in a segment: that of a string or number, the elements of an array
// joined by commas. Text that no segment can hold is none.
func plainText(value json.RawMessage) string {
	var v any
	if len(value) == 0 || json.Unmarshal(value, &v) != nil {
		return ""
	}
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case float64:
		text = string(value)
	case []any:
		var parts []string
		for _, e := range v {
			if s, ok := e.(string); ok && s != "" {
				parts = append(parts, s)
			}
		}
		text = strings.Join(parts, ",")
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return text
}

// cutCampaigns keeps the first maxCampaigns: the rnb transform gives them by priority.
func cutCampaigns(text string) (kept string, cut int) {
	if text == "" {
		return "", 0
	}
	list := strings.Split(text, ",")
	if len(list) <= maxCampaigns {
		return text, 0
	}
	return strings.Join(list[:maxCampaigns], ","), len(list) - maxCampaigns
}
