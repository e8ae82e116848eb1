package segment_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

// TestDecodeShapes reads one segment in every shape that clients send it in.
func TestDecodeShapes(t *testing.T) {
	// Three lengths modulo 3, so that every kind of padding is met; "~~~" and "???" need the 62nd and 63rd character.
	for _, text := range []string{
		`{"channel":"1","utm_source":"~~~???>>>"}`, `{"channel":"1","utm_source":"~~~???>>> "}`, `{"channel":"1","utm_source":"~~~???>>>  "}`,
	} {
		want, reason := segment.Decode(token(text), 0)
		if reason != segment.OK {
			t.Fatalf("%s: %v", text, reason)
		}
		padded := base64.StdEncoding.EncodeToString([]byte(text))
		url := base64.URLEncoding.EncodeToString([]byte(text))
		f := func(shape, in string) {
			t.Helper()
			got, reason := segment.Decode([]byte(in), 0)
			if reason != segment.OK || !got.Equal(want) {
				t.Errorf("%s %q: %v, %s", shape, in, reason, cmp.Diff(want, got))
			}
		}
		f("padded", padded)
		f("URL alphabet, padded", url)
		f("URL alphabet", strings.TrimRight(url, "="))
		f("percent-encoded", strings.NewReplacer("=", "%3D", "+", "%2B", "/", "%2F").Replace(padded))
		f("percent-encoded, lower case", strings.NewReplacer("=", "%3d", "+", "%2b", "/", "%2f").Replace(padded))
		f("quoted", `"`+padded+`"`)
		f("quoted, unpadded", `"`+strings.TrimRight(padded, "=")+`"`)
	}
}

// TestDecodeTrailingBits accepts a last character whose unused bits are set: {} is e30, e31 has one bit too many.
func TestDecodeTrailingBits(t *testing.T) {
	for _, in := range []string{"e30", "e31", "e33", "e30="} {
		if s, reason := segment.Decode([]byte(in), 0); reason != segment.OK || !s.Equal(segment.Segment{}) {
			t.Errorf("%s: %v", in, reason)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	f := func(text, field, want string) {
		t.Helper()
		s, reason := segment.Decode(token(text), 0)
		got, ok := s.Get(field)
		if reason != segment.OK || got != want || ok != (want != "") {
			t.Errorf("%s: %v, %s = %q, %v; want %q", text, reason, field, got, ok, want)
		}
	}
	f(`{}`, "channel", "")
	f(` { "channel" : "1" } `, "channel", "1")
	f(`{"channel":1}`, "channel", "1")
	f(`{"channel":1.50}`, "channel", "1.50")
	f(`{"channel":null}`, "channel", "")
	f(`{"utmi_campaign":""}`, "utmi_campaign", "")
	f(`{"campaigns":"aaaaaaaa-0000,bbbbbbbb-1111"}`, "campaigns", "aaaaaaaa-0000,bbbbbbbb-1111")
	f(`{"priceTables":"gold,silver"}`, "priceTables", "gold,silver")
	f(`{"regionId":"U1cj"}`, "regionId", "U1cj")
	f(`{"currencySymbol":"€"}`, "currencySymbol", "€")
	f(`{"currencySymbol":"\u20ac"}`, "currencySymbol", "€")
	f(`{"channe\u006c":"2"}`, "channel", "2")
	f(`{"utm_source":"\ud83d\ude00"}`, "utm_source", "😀")
	f(`{"utm_source":"\ud83d"}`, "utm_source", "\ufffd")
	f(`{"facets":"zip-code=01002020;country=BRA;coordinates=-46.637,-23.547;"}`, "facets", "zip-code=01002020;country=BRA;coordinates=-46.637,-23.547;")
	f(`{"admin_cultureInfo":"en-US"}`, "admin_cultureInfo", "en-US")
	f(`{"x":"y"}`, "x", `"y"`)
	f(`{"x": {"b" : [ 1, 2.50, true , false, null, "\u00e9\u2028<" ], "a": {} } }`, "x", `{"b":[1,2.50,true,false,null,"é`+"\u2028"+`<"],"a":{}}`)
	f(`{"x":null}`, "x", "")
	f(`{"x":""}`, "x", "")
	f(`{"x":false}`, "x", "false")
	f(`{"x":[[[[[[[]]]]]]]}`, "x", "[[[[[[[]]]]]]]")
	f(`{"x":1}`, "y", "")
}

func TestDecodeMalformed(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if s, reason := segment.Decode(token(text), 0); reason != segment.Malformed || !s.Equal(segment.Segment{}) {
			t.Errorf("%s: %v, %s", text, reason, s.AppendJSON(nil))
		}
	}
	f(`null`)
	f(`[]`)
	f(`"x"`)
	f(`7`)
	f(`{`)
	f(`{"channel":"1"`)
	f(`{"channel":"1"}}`)
	f(`{"channel":"1"}{}`)
	f(`{"channel":"1"} x`)
	f(`{"channel":01}`)
	f(`{'channel':'1'}`)
	f(`{"channel":"1",}`)
	f(`{"channel":true}`)
	f(`{"priceTables":["gold"]}`)
	f(`{"priceTables":{"a":1}}`)
	f(`{"channel":"1","channel":"3"}`)
	f(`{"channel":"1","channe\u006c":"1"}`)
	f(`{"priceTables":null,"PriceTables":"gold"}`)
	f(`{"PRICETABLES":"gold"}`)
	f("{\"price\u0054able\u017f\":\"gold\"}") // a long s folds to s
	f(`{"x":1,"x":1}`)
	f(`{"x":1,"X":1}`)
	f(`{"x":{"a":1,"a":2}}`)
	f(`{"x":[{"a":1,"\u0061":2}]}`)
	f(`{"__proto__":{"facets":"x"}}`)
	f("{\"utm_source\":\"\xff\"}")
	f("{\"utm_source\":\"\n\"}")
	f("\ufeff{}")
	f(`{"x":[[[[[[[[]]]]]]]]}`)
	f(`{"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`)
}

func TestDecodeBadBase64(t *testing.T) {
	f := func(in string, want segment.Reason) {
		t.Helper()
		if _, got := segment.Decode([]byte(in), 0); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
	f("", segment.Absent)
	f(`""`, segment.Absent)
	f(`"`, segment.Malformed)
	f("=", segment.Malformed)
	f("e30===", segment.Malformed)
	f("e3=0", segment.Malformed)
	f("e30%", segment.Malformed)
	f("e30%3", segment.Malformed)
	f("e30%41", segment.Malformed)
	f("e\r\n30", segment.Malformed)
	f("e30\n", segment.Malformed)
	f("e 30", segment.Malformed)
	f("e30aa", segment.Malformed)
	f("é", segment.Malformed)
	f("undefined", segment.Malformed)
	f("deleted", segment.Malformed)
}

func TestDecodeSize(t *testing.T) {
	f := func(length, limit int, want segment.Reason) {
		t.Helper()
		in := append(token(`{}`), make([]byte, length-3)...)
		for i := 3; i < length; i++ {
			in[i] = 'A'
		}
		if _, got := segment.Decode(in, limit); got != want {
			t.Errorf("%d bytes, limit %d: %v, want %v", length, limit, got, want)
		}
	}
	f(3, 3, segment.OK)
	f(4, 3, segment.Oversized)
	f(4096, 0, segment.Malformed)
	f(4097, 0, segment.Oversized)
	f(4097, -1, segment.Oversized)
}

func TestGoldenTokens(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		s, reason := segment.Decode([]byte(in), 0)
		if reason != segment.OK {
			t.Fatalf("%s: %v", in, reason)
		}
		if diff := cmp.Diff(want, string(s.AppendToken(nil))); diff != "" {
			t.Error(diff)
		}
	}
	f(goldenSpec, goldenSpec)
	f(goldenFull, goldenFull)
	f(goldenNull, goldenNull)
	f("e30", goldenNull)
	// The members of goldenFull from last to first, spaced, with escapes: the canonical form does not depend on that.
	f(string(token(`{ "extra" : 7, "another":{"a":[1,true,null,"\u0078"]}, "facets":"productClusterIds=158;", "channelPrivacy":"public",
		"admin_cultureInfo":"en-US", "cultureInfo":"pt-PT", "countryCode":"PRT", "currencySymbol":"\u20AC", "currencyCode":"EUR",
		"utmi_campaign":"", "utm_campaign":"black friday", "regionId":"v2.1BB18CE648B5111D0933734ED83EC783", "priceTables":"gold",
		"channel":2, "campaigns":"a,b"}`)), goldenFull)
	if got := string(segment.Segment{}.AppendToken([]byte("x="))); got != "x="+goldenNull {
		t.Errorf("the zero Segment appends %s", got)
	}
}

// TestStringEscapes compares with what JSON.stringify of Node 20 writes.
func TestStringEscapes(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		s, reason := segment.Decode(token(`{"utm_source":`+in+`}`), 0)
		got := string(s.AppendJSON(nil))
		if !strings.Contains(got, `"utm_source":`+want+`,"utmi_campaign"`) {
			t.Errorf("%s: %v, %s lacks %s", in, reason, got, want)
		}
	}
	f(`"\u0000\u0001\u001f"`, `"\u0000\u0001\u001f"`)
	f(`"\b\f\n\r\t\u000b"`, `"\b\f\n\r\t\u000b"`)
	f(`"\"\\\/"`, `"\"\\/"`)
	f(`"<>&'"`, `"<>&'"`)
	f(`"\u2028\u2029\u007f"`, "\"\u2028\u2029\u007f\"")
}

func TestDecodeIsTheInverseOfAppendToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawToken(t, "cookie")
		s, reason := segment.Decode(in, 0)
		if reason != segment.OK {
			t.Fatalf("%s: %v", in, reason)
		}
		out := s.AppendToken(nil)
		again, reason := segment.Decode(out, 0)
		if reason != segment.OK || !again.Equal(s) {
			t.Fatalf("%s: %v, %s", out, reason, cmp.Diff(s, again))
		}
		if string(again.AppendToken(nil)) != string(out) {
			t.Fatal("the canonical form is not canonical")
		}
	})
}

func TestEqualIsByContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := segment.Decode(drawToken(t, "a"), 0)
		b, _ := segment.Decode(drawToken(t, "b"), 0)
		if same := string(a.AppendJSON(nil)) == string(b.AppendJSON(nil)); a.Equal(b) != same {
			t.Fatalf("Equal is %v for %s and %s", !same, a.AppendJSON(nil), b.AppendJSON(nil))
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{goldenSpec, goldenFull, `"` + goldenNull + `=="`, "e30%3D", "", "e3_-", string(token(`{"x":{"a":[1]}}`))} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := string(in)
		s, reason := segment.Decode(in, 0)
		if string(in) != before {
			t.Fatal("the token was changed")
		}
		if reason != segment.OK {
			if !s.Equal(segment.Segment{}) {
				t.Fatalf("%v with a segment", reason)
			}
			return
		}
		text := s.AppendJSON(nil)
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		sameAsStandardLibrary(t, in, s)
		again, reason := segment.Decode(s.AppendToken(nil), len(in)*8+4096)
		if reason != segment.OK || !again.Equal(s) {
			t.Fatalf("%s: %v", text, reason)
		}
	})
}

// sameAsStandardLibrary compares with what encoding/json reads from a token in the plain alphabet.
func sameAsStandardLibrary(t *testing.T, in []byte, s segment.Segment) {
	text, err := base64.RawStdEncoding.DecodeString(string(in))
	if err != nil {
		return
	}
	stated, canonical := standardLibrary(t, text), standardLibrary(t, s.AppendJSON(nil))
	known := map[string]bool{}
	for _, name := range segment.Fields() {
		known[name] = true
	}
	for name, value := range stated {
		if number, ok := value.(json.Number); ok && known[name] {
			value = string(number)
		}
		if value == "" {
			value = nil
		}
		if !cmp.Equal(value, canonical[name]) {
			t.Fatalf("%s: %q was %v and is %v", text, name, value, canonical[name])
		}
	}
}

func standardLibrary(t *testing.T, text []byte) (members map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return members
}
