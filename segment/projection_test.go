package segment_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

func TestProjectionIdentity(t *testing.T) {
	r := resolver(t, options(t))
	f := func(same bool, a, b []string) {
		t.Helper()
		if got := projection(t, r, a...) == projection(t, r, b...); got != same {
			t.Errorf("%q and %q: same is %v", a, b, got)
		}
	}
	f(true, nil, nil)
	f(true, []string{}, []string{})
	f(false, nil, []string{})
	f(true, []string{"channel", "x", "regionId", "a"}, []string{"a", "regionId", "channel", "x", "channel", "a"})
	f(false, []string{"channel"}, []string{"channel", "x"})
	f(false, nil, segment.Fields())
}

func TestProjectionErrors(t *testing.T) {
	r := resolver(t, options(t))
	f := func(name, want string) {
		t.Helper()
		if p, err := r.Projection([]string{"channel", name}); p != nil || err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v", name, p, err)
		}
	}
	f("", `"" is not a field name, want letters, digits and _`)
	f("a b", `"a b" is not a field name, want letters, digits and _`)
	f("é", `"é" is not a field name, want letters, digits and _`)
	f("pricetables", `"pricetables" is not a segment field, did you mean "priceTables"`)
}

// TestProjectedToken: projected fields as verified, all others at defaults that follow from the projected channel.
func TestProjectedToken(t *testing.T) {
	r := resolver(t, options(t))
	f := func(cookie string, names []string, want string) {
		t.Helper()
		in := token(cookie)
		p := r.Resolve(now, in, []byte(sealer(t).Seal(now, in)), false, nil).In(projection(t, r, names...))
		s, reason := segment.Decode(p.Token, 0)
		if got := fields(s); reason != segment.OK || got != want {
			t.Errorf("%s in %q: %v %s, want %s", cookie, names, reason, got, want)
		}
	}
	rich := `{"channel":"2","cultureInfo":"es-MX","priceTables":"gold","utm_source":"s","facets":"f;","x":1}`
	f(rich, nil, "channel=2 priceTables=gold utm_source=s currencyCode=USD currencySymbol=$ countryCode=USA cultureInfo=es-MX facets=f; x=1")
	f(rich, []string{}, "")
	f(rich, []string{"channel"}, group2)
	f(rich, []string{"priceTables"}, "priceTables=gold")
	f(rich, []string{"cultureInfo"}, "cultureInfo=es-MX")
	f(rich, []string{"channel", "cultureInfo"}, strings.Replace(group2, "en-US", "es-MX", 1))
	f(rich, []string{"currencyCode", "x"}, "currencyCode=USD x=1")
	f(rich, []string{"facets"}, "facets=f;")
	f(`{"channel":"9","currencyCode":"EUR"}`, []string{"channel"}, "channel=9")
	f(`{"channel":"3"}`, []string{"channel"}, "channel=3 channelPrivacy=private")
	f(`{"channel":"3","channelPrivacy":"public"}`, []string{"channel"}, "channel=3 channelPrivacy=private")
	f(`{"channel":"3"}`, []string{"channelPrivacy"}, "channelPrivacy=private")
}

func TestProjectedGolden(t *testing.T) {
	r := resolver(t, options(t))
	p := r.Resolve(now, []byte(goldenSpec), nil, false, nil).In(projection(t, r))
	if string(p.Token) != goldenSpec {
		t.Errorf("the example of the public system is sent on as %s", p.Token)
	}
	in := []byte(goldenFull)
	p = r.Resolve(now, in, []byte(sealer(t).Seal(now, in)), false, nil).In(projection(t, r))
	if string(p.Token) != goldenFull {
		t.Errorf("%s", p.Token)
	}
	c := r.Resolve(now, token(`{"channel":"2","regionId":"r"}`), nil, false, nil)
	narrow := c.In(projection(t, r, "regionId", "channel", "priceTables"))
	if want := "\x07channel\x012\x0bpriceTables\x00\x08regionId\x01r"; string(narrow.Key) != want {
		t.Errorf("key %q, want %q", narrow.Key, want)
	}
	sum := sha256.Sum256(narrow.Key)
	if narrow.Digest != hex.EncodeToString(sum[:])[:32] {
		t.Error(narrow.Digest)
	}
}

func TestProjectedFacts(t *testing.T) {
	r := resolver(t, options(t))
	f := func(cookie string, names []string, want string) {
		t.Helper()
		p := r.Resolve(now, token(cookie), nil, false, nil).In(projection(t, r, names...))
		if got := fmt.Sprintf("%q %v default=%v unproven=%v", p.Locale, p.HasLocale, p.Default, p.Unproven); got != want {
			t.Errorf("%s in %q: %s, want %s", cookie, names, got, want)
		}
	}
	culture := []string{"cultureInfo"}
	f(`{}`, nil, `"pt-BR" true default=true unproven=false`)
	f(`{"cultureInfo":"en-US"}`, culture, `"en-US" true default=false unproven=false`)
	f(`{"channel":"2"}`, culture, `"en-US" true default=false unproven=false`)
	f(`{"cultureInfo":"en-US"}`, []string{"channel"}, `"" false default=true unproven=false`)
	f(`{"cultureInfo":"en\r\nX-Evil: 1"}`, culture, `"" true default=false unproven=false`)
	f(`{"cultureInfo":"é"}`, culture, `"" true default=false unproven=false`)
	f(`{"priceTables":"gold"}`, []string{"priceTables"}, `"" false default=true unproven=true`)
	f(`{"priceTables":"gold"}`, []string{"channel"}, `"" false default=true unproven=false`)
	f(`{"priceTables":"gold","utm_source":"s"}`, []string{"priceTables", "utm_source"}, `"" false default=false unproven=true`)
	f(`{"channel":"3"}`, culture, `"pt-BR" true default=true unproven=false`)
	f(`{"channel":"3"}`, []string{"channel"}, `"" false default=true unproven=true`)
	f(`{"channel":"9"}`, []string{}, `"" false default=true unproven=false`)
}

func TestAppendField(t *testing.T) {
	r := resolver(t, options(t))
	in := token(`{"channel":"2","utm_source":"s","x":[1]}`)
	c := r.Resolve(now, in, nil, false, nil)
	f := func(names []string, field, value string, projected bool, want string) {
		t.Helper()
		p := c.In(projection(t, r, names...))
		if got, ok := p.Field(field); got != value || ok != projected {
			t.Errorf("%s in %q: %q, %v", field, names, got, ok)
		}
		if got := string(p.AppendField([]byte("-"), field)); got != "-"+want {
			t.Errorf("%s in %q: %q", field, names, got)
		}
	}
	f(nil, "channel", "2", true, "\x022")
	f(nil, "priceTables", "", true, "\x01")
	f(nil, "x", "[1]", true, "\x04[1]")
	f(nil, "y", "", true, "\x01")
	f([]string{"x"}, "x", "[1]", true, "\x04[1]")
	f([]string{"x"}, "y", "", false, "\x00")
	f([]string{"channel"}, "utm_source", "", false, "\x00")
	f([]string{}, "channel", "", false, "\x00")
}

// TestIsolation is the project's promise at the level of this package: two shoppers share a key exactly if they agree
// in every projected field, and then the origin sees the same token for both.
func TestIsolation(t *testing.T) {
	r, s := resolver(t, options(t)), sealer(t)
	rapid.Check(t, func(t *rapid.T) {
		names := drawNames(t)
		p := projection(t, r, names...)
		if rapid.IntRange(0, 4).Draw(t, "all") == 0 {
			names, p = append(segment.Fields(), "extra", "x2"), projection(t, r)
		}
		claim := func(label string) *segment.Claim {
			in := drawToken(t, label)
			seal := []byte(nil)
			if rapid.Bool().Draw(t, label+" sealed") {
				seal = []byte(s.Seal(now, in))
			}
			return r.Resolve(now, in, seal, false, nil)
		}
		a, b := claim("a"), claim("b")
		agree := true
		for _, name := range names {
			agree = agree && get(a.Verified(), name) == get(b.Verified(), name)
		}
		pa, pb := a.In(p), b.In(p)
		if same := string(pa.Key) == string(pb.Key); same != agree || same != (pa.Digest == pb.Digest) {
			t.Fatalf("in %q: keys %q and %q, agree is %v", names, pa.Key, pb.Key, agree)
		}
		if agree && (string(pa.Token) != string(pb.Token) || pa.Locale != pb.Locale || pa.Default != pb.Default) {
			t.Fatalf("in %q: one key, two requests: %s and %s", names, pa.Token, pb.Token)
		}
		checkToken(t, names, a, pa)
	})
}

// checkToken: the token holds the projected fields, and is its own projection.
func checkToken(t *rapid.T, names []string, c *segment.Claim, p *segment.Projected) {
	sent, reason := segment.Decode(p.Token, 1<<20)
	if reason != segment.OK {
		t.Fatalf("%v: %s", reason, p.Token)
	}
	for _, name := range append(segment.Fields(), "extra", "x2") {
		want, _ := c.Verified().Get(name)
		if projected := slices.Contains(names, name); projected && get(sent, name) != want {
			t.Fatalf("%s is %q, sent is %q", name, want, get(sent, name))
		}
		if value, projected := p.Field(name); projected != slices.Contains(names, name) || projected && value != want {
			t.Fatalf("Field(%s) is %q, %v", name, value, projected)
		}
	}
}

// TestKeyIsInjective draws values that would run together without lengths.
func TestKeyIsInjective(t *testing.T) {
	r := resolver(t, options(t))
	names := []string{"regionId", "utm_campaign", "utm_source", "x"}
	p := projection(t, r, names...)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ab\x00\x01,]{0,3}(utm_source)?`)
		cookie := func(label string) ([3]string, *segment.Projected) {
			v := [3]string{value.Draw(t, label), value.Draw(t, label), value.Draw(t, label)}
			text := fmt.Sprintf(`{"regionId":%s,"utm_campaign":%s,"utm_source":%s}`, quote(v[0]), quote(v[1]), quote(v[2]))
			return v, r.Resolve(now, token(text), nil, false, nil).In(p)
		}
		a, pa := cookie("a")
		b, pb := cookie("b")
		if (a == b) != (string(pa.Key) == string(pb.Key)) {
			t.Fatalf("%q and %q: %q and %q", a, b, pa.Key, pb.Key)
		}
		va := pa.AppendField(pa.AppendField(nil, "regionId"), "utm_campaign")
		vb := pb.AppendField(pb.AppendField(nil, "regionId"), "utm_campaign")
		if (a[0] == b[0] && a[1] == b[1]) != (string(va) == string(vb)) {
			t.Fatalf("%q and %q: variants %q and %q", a, b, va, vb)
		}
	})
}

func quote(s string) string {
	return `"` + strings.NewReplacer("\x00", `\u0000`, "\x01", `\u0001`).Replace(s) + `"`
}
