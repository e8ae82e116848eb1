package sessions

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
)

// valuesOf makes session state of "namespace.key" → JSON.
func valuesOf(m map[string]string) transform.Values {
	v := transform.Values{}
	for name, value := range m {
		namespace, key, _ := strings.Cut(name, ".")
		v.Set(transform.Key{Namespace: namespace, Name: key}, json.RawMessage(value))
	}
	return v
}

func issueOf(t testing.TB, m map[string]string) Issued {
	t.Helper()
	out, err := issueSegment(valuesOf(m))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decoded(t testing.TB, token string) string {
	t.Helper()
	text, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestIssueSegment holds tokens to the public system's bytes (facts 1.1, 2.1).
func TestIssueSegment(t *testing.T) {
	f := func(m map[string]string, want string) {
		t.Helper()
		if diff := cmp.Diff(want, decoded(t, issueOf(t, m).Token)); diff != "" {
			t.Errorf("%v (-want +got)\n%s", m, diff)
		}
	}
	f(nil, `{"campaigns":null,"channel":null,"priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,`+
		`"currencyCode":null,"currencySymbol":null,"countryCode":null,"cultureInfo":null,"channelPrivacy":null}`)
	f(map[string]string{
		"store.channel": `"1"`, "store.countryCode": `"BRA"`, "store.cultureInfo": `"en-US"`, "store.currencyCode": `"BRL"`,
		"store.currencySymbol": `"R$"`, "store.channelPrivacy": `"public"`,
	}, `{"campaigns":null,"channel":"1","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,`+
		`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"en-US","channelPrivacy":"public"}`)
	f(map[string]string{
		"store.channel": `3`, "store.countryCode": `"BRA"`, "store.cultureInfo": `"pt-BR"`, "store.currencyCode": `"EUR"`,
		"store.currencySymbol": `"€"`, "store.channelPrivacy": `"private"`, "store.admin_cultureInfo": `"es-AR"`, "rnb.campaigns": `["a","b"]`,
		"profile.priceTables": `"gold,vip"`, "checkout.regionId": `"v2.AB"`, "public.utm_campaign": `"black <friday>"`,
		"public.utm_source": `"a\"b"`, "public.utmi_cp": `"banner"`, "search.facets": `"productClusterIds=158;"`,
		// None of a segment's business.
		"public.priceTables": `"all"`, "public.facets": `"x"`, "public.utmi_campaign": `"x"`, "profile.email": `"a@b.example"`, "public.postalCode": `"1"`,
	}, `{"campaigns":"a,b","channel":"3","priceTables":"gold,vip","regionId":"v2.AB","utm_campaign":"black <friday>","utm_source":"a\"b","utmi_campaign":"banner",`+
		`"currencyCode":"EUR","currencySymbol":"€","countryCode":"BRA","cultureInfo":"pt-BR","admin_cultureInfo":"es-AR","channelPrivacy":"private",`+
		`"facets":"productClusterIds=158;"}`)
}

func TestPlainText(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got := plainText(json.RawMessage(value)); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
	f(``, "")
	f(`"a"`, "a")
	f(`"é"`, "é")
	f(`12.50`, "12.50")
	f(`1e999`, "")
	f(`true`, "")
	f(`null`, "")
	f(`{"a":1}`, "")
	f(`["a","b"]`, "a,b")
	f(`["a",1,"",["x"],"b"]`, "a,b")
	f(`[]`, "")
	f(`"a\nb"`, "") // no segment can hold it
	f(`"a\u007f"`, "")
	f(`broken`, "")
}

func TestIssueCuts(t *testing.T) {
	long := strings.Repeat("u", maxUTM)
	out := issueOf(t, map[string]string{"public.utm_source": `"` + long + `"`, "public.utm_campaign": `"` + long + `x"`, "public.utmi_cp": `"` + long + `x"`})
	if out.CutUTM != 2 || !strings.Contains(decoded(t, out.Token), `"utm_campaign":null,"utm_source":"`+long+`","utmi_campaign":null`) {
		t.Errorf("utm: %d cut, %s", out.CutUTM, decoded(t, out.Token))
	}
	campaigns := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("c%d", i))
		}
		return strings.Join(list, ",")
	}
	f := func(n, cut int) {
		t.Helper()
		out := issueOf(t, map[string]string{"rnb.campaigns": `"` + campaigns(n) + `"`})
		if got, _ := out.Segment.Get("campaigns"); got != campaigns(n-cut) || out.CutCampaigns != cut {
			t.Errorf("%d campaigns: %d cut, %s", n, out.CutCampaigns, got)
		}
	}
	f(0, 0)
	f(1, 0)
	f(16, 0)
	f(17, 1)
	f(40, 24)
}

func TestIssueFacets(t *testing.T) {
	f := func(facets string, referenced bool) {
		t.Helper()
		out := issueOf(t, map[string]string{"search.facets": string(transform.TextValue(facets)), "store.channel": `"1"`})
		if got, _ := out.Segment.Get("facets"); got != facets {
			t.Errorf("%.20s: the origin would get %.40s", facets, got)
		}
		seg, reason := segment.Decode([]byte(out.Token), 0)
		if reason != segment.OK {
			t.Fatalf("%.20s: the token is %v", facets, reason)
		}
		want := facets
		if referenced {
			want = "ref=" + referenceOf(facets)
		}
		if got, _ := seg.Get("facets"); got != want || (out.Reference != "") != referenced || referenced && out.Facets != facets {
			t.Errorf("%.20s (%d bytes): the token has %.40s, reference %s", facets, len(facets), got, out.Reference)
		}
	}
	f("", false)
	f("productClusterIds=158;", false)
	f(strings.Repeat("a", longFacets), false)
	f(strings.Repeat("a", longFacets+1), true)
	f(strings.Repeat("é", 4000), true)
}

// TestIssueForgedReference: nobody but aisle makes references.
func TestIssueForgedReference(t *testing.T) {
	out := issueOf(t, map[string]string{"search.facets": `"ref=` + referenceOf("x") + `"`})
	if got, ok := out.Segment.Get("facets"); ok || out.Reference != "" || strings.Contains(decoded(t, out.Token), "ref=") {
		t.Errorf("facets %q, token %s", got, decoded(t, out.Token))
	}
}

func TestIssueTooLarge(t *testing.T) {
	_, err := issueSegment(valuesOf(map[string]string{"profile.priceTables": `"` + strings.Repeat("p", 2300) + `"`}))
	if !errors.Is(err, ErrSegmentTooLarge) {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "ppp") {
		t.Error("the error has a value in it")
	}
}

// TestIssueProperties: under 3 KiB always; equal segments, equal tokens, whatever else a session holds; what was
// issued decodes to what the origin gets.
func TestIssueProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := map[string]string{}
		for _, k := range segmentSources {
			if rapid.Bool().Draw(t, "has "+k.String()) {
				m[k.String()] = string(transform.TextValue(strings.Repeat(rapid.StringN(1, 3, -1).Draw(t, k.String()), rapid.IntRange(1, 60).Draw(t, "times"))))
			}
		}
		out, err := issueSegment(valuesOf(m))
		if errors.Is(err, ErrSegmentTooLarge) {
			return
		}
		if err != nil || len(out.Token) >= 3<<10 {
			t.Fatalf("%d bytes, %v", len(out.Token), err)
		}
		seg, reason := segment.Decode([]byte(out.Token), 0)
		if reason != segment.OK || out.Reference == "" && !seg.Equal(out.Segment) {
			t.Fatalf("%v: %s", reason, out.Token)
		}
		m["public.other"], m["authentication.storeUserId"] = `"x"`, `"y"`
		if again := issueOfRapid(t, m); again.Token != out.Token {
			t.Fatal("another token for the same segment")
		}
	})
}

func issueOfRapid(t *rapid.T, m map[string]string) Issued {
	out, err := issueSegment(valuesOf(m))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
