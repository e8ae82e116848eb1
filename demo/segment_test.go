package demo_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/demo"
)

func TestTokenIsThatOfThePublicSystem(t *testing.T) {
	f := func(s demo.Segment, want string) {
		t.Helper()
		raw, err := base64.RawStdEncoding.DecodeString(s.Token())
		if err != nil {
			t.Fatalf("%q: %v", s.Token(), err)
		}
		if diff := cmp.Diff(want, string(raw)); diff != "" {
			t.Errorf("token (-want +got):\n%s", diff)
		}
	}
	f(demo.DefaultSegment(), `{"campaigns":null,"channel":"1","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,`+
		`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"pt-BR","channelPrivacy":"public"}`)
	f(demo.ChannelSegment("2"), `{"campaigns":null,"channel":"2","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,`+
		`"currencyCode":"USD","currencySymbol":"$","countryCode":"USA","cultureInfo":"en-US","channelPrivacy":"public"}`)
	full := demo.ChannelSegment("3")
	full.Campaigns, full.PriceTables, full.RegionID, full.UTMCampaign = "vip", "gold", "U1cj", "a<b>&c"
	full.UTMSource, full.UTMICampaign, full.AdminCultureInfo, full.Facets = "google", "banner", "pt-BR", "productClusterIds=158;"
	f(full, `{"campaigns":"vip","channel":"3","priceTables":"gold","regionId":"U1cj","utm_campaign":"a<b>&c","utm_source":"google","utmi_campaign":"banner",`+
		`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"pt-BR","admin_cultureInfo":"pt-BR","channelPrivacy":"private","facets":"productClusterIds=158;"}`)
}

func TestDecodeSegmentTakesEveryShapeSeen(t *testing.T) {
	gold := demo.DefaultSegment()
	gold.PriceTables = "gold"
	f := func(name, token string, want demo.Segment) {
		t.Helper()
		got, err := demo.DecodeSegment(token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	text := `{"priceTables":"gold"}`
	f("unpadded", tokenJSON(text), gold)
	f("padded", base64.StdEncoding.EncodeToString([]byte(text)), gold)
	f("percent-encoded padding", url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text))), gold)
	f("channel as a number", tokenJSON(`{"channel":1,"priceTables":"gold"}`), gold)
	f("empty strings and nulls", tokenJSON(`{"campaigns":null,"channel":"1","priceTables":"gold","regionId":null,"utmi_campaign":""}`), gold)
	f("unknown keys", tokenJSON(`{"priceTables":"gold","color":"red","nested":{"a":[1]}}`), gold)
	f("an object where text belongs", tokenJSON(`{"priceTables":"gold","regionId":{"a":1},"campaigns":["x"]}`), gold)
	f("empty object", tokenJSON(`{}`), demo.DefaultSegment())
	f("a channel brings its store", tokenJSON(`{"channel":"2"}`), demo.ChannelSegment("2"))
	f("private channel", tokenJSON(`{"channel":"3"}`), demo.ChannelSegment("3"))

	odd := demo.ChannelSegment("77")
	odd.UTMSource = "a?b>c~ÿ"
	both := `{"channel":"77","utm_source":"a?b>c~ÿ"}`
	f("standard alphabet", base64.RawStdEncoding.EncodeToString([]byte(both)), odd)
	f("URL alphabet", base64.RawURLEncoding.EncodeToString([]byte(both)), odd)

	whole := demo.DefaultSegment()
	whole.AdminCultureInfo, whole.Facets, whole.CurrencyCode, whole.ChannelPrivacy = "en-US", "zip-code=01002020;", "EUR", "private"
	f("rare keys", tokenJSON(`{"admin_cultureInfo":"en-US","facets":"zip-code=01002020;","currencyCode":"EUR","channelPrivacy":"private"}`), whole)
}

func TestDecodeSegmentFallsToTheDefaultWithAReason(t *testing.T) {
	f := func(name, token, says string) {
		t.Helper()
		got, err := demo.DecodeSegment(token)
		if !errors.Is(err, demo.ErrToken) {
			t.Errorf("%s: error %v, want one that wraps ErrToken", name, err)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %q does not say %q", name, err, says)
		}
		if got != demo.DefaultSegment() {
			t.Errorf("%s: segment %+v, want the default", name, got)
		}
	}
	f("empty", "", "no JSON object")
	f("no base64", "!!!", "illegal base64")
	f("no JSON", tokenJSON("hello"), "no JSON object")
	f("a list", tokenJSON("[1]"), "no JSON object")
	f("null", tokenJSON("null"), "no JSON object")
	f("cut short", tokenJSON(`{"channel":"2"`), "no JSON object")
	f("bad percent", "abc%zz", "invalid URL escape")
	f("too long", strings.Repeat("A", 8193), "8193 bytes")
}

func TestTokenRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := segments().Draw(t, "segment")
		got, err := demo.DecodeSegment(s.Token())
		if err != nil || got != s {
			t.Fatalf("%+v became %+v, %v", s, got, err)
		}
		if strings.ContainsAny(s.Token(), "=-_") {
			t.Fatalf("token %q is not unpadded standard base64", s.Token())
		}
	})
}

func TestNarrowKeepsTheNamedFieldsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := segments().Draw(t, "segment")
		fields := rapid.SliceOfDistinct(rapid.SampledFrom(demo.Fields()), func(f demo.Field) demo.Field { return f }).Draw(t, "fields")
		named := map[string]bool{}
		for _, f := range fields {
			named[f.String()] = true
		}
		got, all, base := asMap(t, s.Narrow(fields)), asMap(t, s), asMap(t, demo.DefaultSegment())
		for _, f := range demo.Fields() {
			want := base[f.String()]
			if named[f.String()] {
				want = all[f.String()]
			}
			if got[f.String()] != want {
				t.Fatalf("%s is %v, want %v (named: %v)", f, got[f.String()], want, fields)
			}
		}
	})
}

func asMap(t *rapid.T, s demo.Segment) map[string]any {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNarrowDropsWhatNoFieldNames(t *testing.T) {
	s := demo.DefaultSegment()
	s.AdminCultureInfo = "en-US"
	if got := s.Narrow(demo.Fields()); got != demo.DefaultSegment() {
		t.Errorf("narrowed to all fields: %+v", got)
	}
}

func TestFieldsHaveNamesThatAreKeysOfTheToken(t *testing.T) {
	whole := demo.DefaultSegment()
	whole.Facets = "a=b;"
	data, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range demo.Fields() {
		if !strings.Contains(string(data), `"`+f.String()+`":`) || seen[f.String()] {
			t.Errorf("field %d is called %q: no key of %s, or a second one of the name", f, f, data)
		}
		seen[f.String()] = true
	}
	if got := demo.Field(len(demo.Fields())).String(); got != "unknown" {
		t.Errorf("beyond the last field: %q", got)
	}
}

func TestSegmentVary(t *testing.T) {
	f := func(want string, fields ...demo.Field) {
		t.Helper()
		if got := demo.SegmentVary(fields); got != want {
			t.Errorf("SegmentVary(%v) = %q, want %q", fields, got, want)
		}
	}
	f("")
	f("regionId", demo.FieldRegionID)
	f("channel, priceTables, utm_campaign", demo.FieldChannel, demo.FieldPriceTables, demo.FieldUTMCampaign)
}

func FuzzDecodeSegment(f *testing.F) {
	f.Add(demo.DefaultSegment().Token())
	f.Add(tokenJSON(`{"channel":2,"facets":"a=b;"}`))
	f.Add("eyJ9%3D")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		s, err := demo.DecodeSegment(token)
		if err != nil && s != demo.DefaultSegment() {
			t.Fatalf("%q: error %v with segment %+v", token, err, s)
		}
		// What was read once reads the same for ever.
		again, err := demo.DecodeSegment(s.Token())
		if err != nil || again != s {
			t.Fatalf("%q: %+v became %+v, %v", token, s, again, err)
		}
	})
}
