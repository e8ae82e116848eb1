package segment_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

// The golden tokens were encoded by another program (Python's base64 module) from the JSON in their comments.
const (
	// {"campaigns":null,"channel":"1",…,"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"en-US",
	// "channelPrivacy":"public"}: the example of facts 1.1.
	goldenSpec = "eyJjYW1wYWlnbnMiOm51bGwsImNoYW5uZWwiOiIxIiwicHJpY2VUYWJsZXMiOm51bGwsInJlZ2lvbklkIjpudWxsLCJ1dG1fY2FtcGFpZ24iOm51bGwsInV0bV9zb3VyY2UiOm51bGwsInV0bWlfY2FtcGFpZ24iOm51bGwsImN1cnJlbmN5Q29kZSI6IkJSTCIsImN1cnJlbmN5U3ltYm9sIjoiUiQiLCJjb3VudHJ5Q29kZSI6IkJSQSIsImN1bHR1cmVJbmZvIjoiZW4tVVMiLCJjaGFubmVsUHJpdmFjeSI6InB1YmxpYyJ9"
	// Every known field, "€", admin_cultureInfo and facets in their places, and two extras.
	goldenFull = "eyJjYW1wYWlnbnMiOiJhLGIiLCJjaGFubmVsIjoiMiIsInByaWNlVGFibGVzIjoiZ29sZCIsInJlZ2lvbklkIjoidjIuMUJCMThDRTY0OEI1MTExRDA5MzM3MzRFRDgzRUM3ODMiLCJ1dG1fY2FtcGFpZ24iOiJibGFjayBmcmlkYXkiLCJ1dG1fc291cmNlIjpudWxsLCJ1dG1pX2NhbXBhaWduIjpudWxsLCJjdXJyZW5jeUNvZGUiOiJFVVIiLCJjdXJyZW5jeVN5bWJvbCI6IuKCrCIsImNvdW50cnlDb2RlIjoiUFJUIiwiY3VsdHVyZUluZm8iOiJwdC1QVCIsImFkbWluX2N1bHR1cmVJbmZvIjoiZW4tVVMiLCJjaGFubmVsUHJpdmFjeSI6InB1YmxpYyIsImZhY2V0cyI6InByb2R1Y3RDbHVzdGVySWRzPTE1ODsiLCJhbm90aGVyIjp7ImEiOlsxLHRydWUsbnVsbCwieCJdfSwiZXh0cmEiOjd9"
	// All twelve standard fields null.
	goldenNull = "eyJjYW1wYWlnbnMiOm51bGwsImNoYW5uZWwiOm51bGwsInByaWNlVGFibGVzIjpudWxsLCJyZWdpb25JZCI6bnVsbCwidXRtX2NhbXBhaWduIjpudWxsLCJ1dG1fc291cmNlIjpudWxsLCJ1dG1pX2NhbXBhaWduIjpudWxsLCJjdXJyZW5jeUNvZGUiOm51bGwsImN1cnJlbmN5U3ltYm9sIjpudWxsLCJjb3VudHJ5Q29kZSI6bnVsbCwiY3VsdHVyZUluZm8iOm51bGwsImNoYW5uZWxQcml2YWN5IjpudWxsfQ"
	// The default segment of the channels below.
	goldenDefault = "eyJjYW1wYWlnbnMiOm51bGwsImNoYW5uZWwiOiIxIiwicHJpY2VUYWJsZXMiOm51bGwsInJlZ2lvbklkIjpudWxsLCJ1dG1fY2FtcGFpZ24iOm51bGwsInV0bV9zb3VyY2UiOm51bGwsInV0bWlfY2FtcGFpZ24iOm51bGwsImN1cnJlbmN5Q29kZSI6IkJSTCIsImN1cnJlbmN5U3ltYm9sIjoiUiQiLCJjb3VudHJ5Q29kZSI6IkJSQSIsImN1bHR1cmVJbmZvIjoicHQtQlIiLCJjaGFubmVsUHJpdmFjeSI6InB1YmxpYyJ9"
	// The key of goldenMAC and the keys file of the tests.
	keyLine = "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// now is on a quarter of an hour: 1800000000 = 2000000 × 900.
var now = time.Unix(1_800_000_000, 0)

// token encodes JSON text as a cookie.
func token(text string) []byte {
	return []byte(base64.RawStdEncoding.EncodeToString([]byte(text)))
}

func channels() []segment.Channel {
	return []segment.Channel{
		{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"},
		{ID: "2", CountryCode: "USA", CultureInfo: "en-US", CurrencyCode: "USD", CurrencySymbol: "$"},
		{ID: "3", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$", Private: true},
	}
}

func keys(t testing.TB, text string) []segment.SealKey {
	t.Helper()
	k, err := segment.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// options are those of shared/config.sketch.yaml, the allow-list aside.
func options(t testing.TB) segment.Options {
	return segment.Options{Account: "acme", Channels: channels(), Keys: keys(t, keyLine)}
}

func resolver(t testing.TB, o segment.Options) *segment.Resolver {
	t.Helper()
	r, err := segment.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealer(t testing.TB) *segment.Sealer {
	t.Helper()
	s, err := segment.NewSealer("acme", keys(t, keyLine), time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func projection(t interface {
	Helper()
	Fatal(...any)
}, r *segment.Resolver, fields ...string) *segment.Projection {
	t.Helper()
	p, err := r.Projection(fields)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get reads a field, null as "".
func get(s segment.Segment, field string) string {
	value, _ := s.Get(field)
	return value
}

func overlay(pairs ...string) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = segment.AppendOverlay(b, []byte(pairs[i]), []byte(pairs[i+1]))
	}
	return b
}

// drawFields draws values for some of the fields, from small sets so that equal and different ones are both common.
func drawFields(t *rapid.T, label string) map[string]any {
	fields := map[string]any{}
	for _, name := range append(segment.Fields(), "extra", "x2") {
		values := []any{nil, nil, "", "a", "b", "a,b", "é\u2028<\"\\\n", 7}
		if name == "channel" {
			values = []any{nil, "1", "2", "3", 3, "03", "9"}
		}
		if name == "channelPrivacy" {
			values = []any{nil, "public", "private"}
		}
		if value := rapid.SampledFrom(values).Draw(t, label+" "+name); value != nil || rapid.Bool().Draw(t, "stated null") {
			fields[name] = value
		}
	}
	return fields
}

// drawToken draws a segment cookie.
func drawToken(t *rapid.T, label string) []byte {
	text, err := json.Marshal(drawFields(t, label))
	if err != nil {
		t.Fatal(err)
	}
	return token(string(text))
}

// drawNames draws a list of projected fields, never nil.
func drawNames(t *rapid.T) []string {
	all := append(segment.Fields(), "extra", "x2")
	return append([]string{}, rapid.SliceOfDistinct(rapid.SampledFrom(all), func(s string) string { return s }).Draw(t, "fields")...)
}
