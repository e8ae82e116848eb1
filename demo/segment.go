package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxToken bounds what DecodeSegment looks at, in bytes: a browser keeps no cookie longer than 4 KiB.
const maxToken = 8 << 10

// ErrToken is wrapped by all errors of DecodeSegment.
var ErrToken = errors.New("not a segment token")

// Segment is the commercial conditions a page is made for, the decoded vtex_segment cookie
// (facts/sessions.md, 1.1 and 2.1). An empty nullable field is null in JSON. The zero value is not
// what a shopper without a cookie gets; that is DefaultSegment.
type Segment struct {
	Campaigns        string // comma-separated ids; nullable
	Channel          string // sales channel
	PriceTables      string // comma-separated names; nullable
	RegionID         string // nullable
	UTMCampaign      string // nullable
	UTMSource        string // nullable
	UTMICampaign     string // nullable
	CurrencyCode     string // ISO 4217
	CurrencySymbol   string
	CountryCode      string // ISO 3166-1 alpha-3
	CultureInfo      string // BCP 47
	AdminCultureInfo string // left out of JSON when empty
	ChannelPrivacy   string // "public" or "private"
	Facets           string // left out of JSON when empty
}

// DefaultSegment is the segment of a shopper of whom nothing is known: channel 1.
func DefaultSegment() Segment { return ChannelSegment("1") }

// ChannelSegment is the default segment of a channel: "1" (BRL), "2" (USD) or "3" (BRL, private, for business).
// Any other channel keeps its number and takes the store fields of channel 1.
func ChannelSegment(channel string) Segment {
	s := Segment{Channel: channel, CurrencyCode: "BRL", CurrencySymbol: "R$", CountryCode: "BRA", CultureInfo: "pt-BR", ChannelPrivacy: "public"}
	switch channel {
	case "2":
		s.CurrencyCode, s.CurrencySymbol, s.CountryCode, s.CultureInfo = "USD", "$", "USA", "en-US"
	case "3":
		s.ChannelPrivacy = "private"
	}
	return s
}

// wireSegment has the keys in the order the public system serves them.
type wireSegment struct {
	Campaigns        *string `json:"campaigns"`
	Channel          string  `json:"channel"`
	PriceTables      *string `json:"priceTables"`
	RegionID         *string `json:"regionId"`
	UTMCampaign      *string `json:"utm_campaign"`
	UTMSource        *string `json:"utm_source"`
	UTMICampaign     *string `json:"utmi_campaign"`
	CurrencyCode     string  `json:"currencyCode"`
	CurrencySymbol   string  `json:"currencySymbol"`
	CountryCode      string  `json:"countryCode"`
	CultureInfo      string  `json:"cultureInfo"`
	AdminCultureInfo string  `json:"admin_cultureInfo,omitempty"`
	ChannelPrivacy   string  `json:"channelPrivacy"`
	Facets           string  `json:"facets,omitempty"`
}

// MarshalJSON writes the keys in the order of the public system. It never fails.
func (s Segment) MarshalJSON() ([]byte, error) { return s.plain(), nil }

// plain is the compact JSON of s. HTML characters stay as they are, as JSON.stringify leaves them.
func (s Segment) plain() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A struct of strings cannot fail to encode, and a bytes.Buffer cannot fail to take it.
	_ = enc.Encode(wireSegment{
		orNull(s.Campaigns), s.Channel, orNull(s.PriceTables), orNull(s.RegionID), orNull(s.UTMCampaign), orNull(s.UTMSource),
		orNull(s.UTMICampaign), s.CurrencyCode, s.CurrencySymbol, s.CountryCode, s.CultureInfo, s.AdminCultureInfo, s.ChannelPrivacy, s.Facets,
	})
	return bytes.TrimRight(b.Bytes(), "\n")
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Token is the cookie value of s: unpadded standard base64 of its compact JSON.
func (s Segment) Token() string { return base64.RawStdEncoding.EncodeToString(s.plain()) }

// loose takes what stands in real tokens for a string: a string, a number, null. Anything else reads as "".
type loose string

// UnmarshalJSON never fails, so that one odd key does not cost the shopper all the others.
func (l *loose) UnmarshalJSON(b []byte) error {
	*l = loose(looseText(b))
	return nil
}

// looseText is the text of a JSON scalar: of a string its value, of a number or boolean its digits or word, else "".
func looseText(b []byte) string {
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	if len(b) == 0 || b[0] == '{' || b[0] == '[' || b[0] == '"' {
		return ""
	}
	return string(b)
}

// DecodeSegment reads a segment token: either base64 alphabet, padded or not, percent-encoded or not.
// Fields that are absent or null take the defaults of the token's channel. On an error, which wraps
// ErrToken, the segment is DefaultSegment.
func DecodeSegment(token string) (Segment, error) {
	raw, err := tokenBytes(token)
	if err != nil {
		return DefaultSegment(), err
	}
	var w map[string]loose
	if err := json.Unmarshal(raw, &w); err != nil || w == nil {
		return DefaultSegment(), fmt.Errorf("%w: %.40q is no JSON object", ErrToken, raw)
	}
	s := ChannelSegment(withDefault(string(w["channel"]), "1"))
	for _, f := range Fields() {
		if v := string(w[f.String()]); v != "" {
			*s.field(f) = v
		}
	}
	s.AdminCultureInfo = string(w["admin_cultureInfo"])
	return s, nil
}

func withDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func tokenBytes(token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%w: %d bytes, %d at most", ErrToken, len(token), maxToken)
	}
	text := token
	if strings.Contains(text, "%") {
		unescaped, err := url.PathUnescape(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrToken, err)
		}
		text = unescaped
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %.40q: %w", ErrToken, token, err)
	}
	return raw, nil
}
