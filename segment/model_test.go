package segment_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

// model is the package written again, slowly, over a map of the stated fields: the rules of DESIGN.md as sentences.
type model map[string]string

func modelGroup(channel string) model {
	groups := map[string]model{
		"1": {"currencyCode": "BRL", "currencySymbol": "R$", "countryCode": "BRA", "cultureInfo": "pt-BR", "channelPrivacy": "public"},
		"2": {"currencyCode": "USD", "currencySymbol": "$", "countryCode": "USA", "cultureInfo": "en-US", "channelPrivacy": "public"},
		"3": {"currencyCode": "BRL", "currencySymbol": "R$", "countryCode": "BRA", "cultureInfo": "pt-BR", "channelPrivacy": "private"},
	}
	if g, listed := groups[channel]; listed {
		return g
	}
	return groups["1"]
}

// stated reads the drawn fields, then moves to a public channel where sc asks for one, then fills what is missing.
func (m model) stated(drawn map[string]any, sc string) model {
	for name, value := range drawn {
		known := strings.Contains(" "+strings.Join(segment.Fields(), " ")+" ", " "+name+" ")
		text, isText := value.(string)
		switch {
		case value == nil || value == "":
		case known && isText:
			m[name] = text
		case known:
			m[name] = fmt.Sprint(value)
		default:
			m[name] = extraText(value)
		}
	}
	if sc == "1" || sc == "2" {
		m["channel"] = sc
		for name, value := range modelGroup(sc) {
			m[name] = value
		}
	}
	if m["channel"] == "" {
		m["channel"] = "1"
	}
	for name, value := range modelGroup(m["channel"]) {
		if m[name] == "" {
			m[name] = value
		}
	}
	return m
}

// extraText is the compact JSON of an extra value, without the escapes that Go's encoder adds for HTML.
func extraText(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), `\u2028`, "\u2028")
}

// verified takes the privileged values away; both 3 and its other spelling 03 are the private channel.
func (m model) verified() model {
	out := model{}
	for name, value := range m {
		out[name] = value
	}
	if strings.Contains(m["channel"], "3") {
		out["channel"] = "1"
		for name, value := range modelGroup("1") {
			out[name] = value
		}
	}
	for _, name := range []string{"priceTables", "campaigns", "facets"} {
		delete(out, name)
	}
	out["channelPrivacy"] = "public"
	return out
}

func content(s segment.Segment) model {
	m := model{}
	for _, name := range append(segment.Fields(), "extra", "x2") {
		if value, ok := s.Get(name); ok {
			m[name] = value
		}
	}
	return m
}

func TestModel(t *testing.T) {
	r, s := resolver(t, options(t)), sealer(t)
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawFields(t, "cookie")
		text, err := json.Marshal(drawn)
		if err != nil {
			t.Fatal(err)
		}
		in, seal, query := token(string(text)), []byte(nil), []byte(nil)
		sc := rapid.SampledFrom([]string{"none", "1", "2", "3", "03", "9", ""}).Draw(t, "sc")
		if sc != "none" {
			query = overlay("sc", sc)
		}
		stated := model{}.stated(drawn, sc)
		verified := stated.verified()
		if rapid.Bool().Draw(t, "sealed") {
			seal, verified = []byte(s.Seal(now, in)), stated
		}
		c := r.Resolve(now, in, seal, false, query)
		if diff := cmp.Diff(stated, content(c.Stated())); diff != "" {
			t.Fatalf("%s, sc %s, stated: %s", text, sc, diff)
		}
		if diff := cmp.Diff(verified, content(c.Verified())); diff != "" {
			t.Fatalf("%s, sc %s, verified: %s", text, sc, diff)
		}
	})
}

// TestAllowPatterns compares with regular expressions.
func TestAllowPatterns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{1,6}`).Draw(t, "pattern")
		value := rapid.StringMatching(`[ab]{1,8}`).Draw(t, "value")
		r, err := segment.New(segment.Options{Allow: map[string][]string{"regionId": {"zzz", pattern}}, MemoEntries: 64})
		if err != nil {
			t.Fatal(err)
		}
		c := r.Resolve(now, token(`{"regionId":"`+value+`"}`), nil, false, nil)
		want := regexp.MustCompile(`^` + strings.ReplaceAll(pattern, "*", ".*") + `$`).MatchString(value)
		if got := get(c.Verified(), "regionId") == value; got != want || (len(c.AllowDropped()) == 0) != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, value, got, want)
		}
	})
}

// TestOverlayIsLengthDelimited: names and values may hold any byte, and the first of a name wins.
func TestOverlayIsLengthDelimited(t *testing.T) {
	o := options(t)
	o.Overlay = []segment.Overlay{{"a", "utm_source"}, {"aa", "utm_campaign"}, {"a=\x01b", "regionId"}}
	r := resolver(t, o)
	rapid.Check(t, func(t *rapid.T) {
		want, pairs := map[string]string{}, []string{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			param := rapid.SampledFrom([]string{"a", "aa", "a=\x01b", "", "b"}).Draw(t, "param")
			value := rapid.StringMatching(`[a-c=& é]{0,200}`).Draw(t, "value")
			if _, twice := want[param]; !twice {
				want[param] = value
			}
			pairs = append(pairs, param, value)
		}
		v := r.Resolve(now, nil, nil, false, overlay(pairs...)).Verified()
		if get(v, "utm_source") != want["a"] || get(v, "utm_campaign") != want["aa"] || get(v, "regionId") != want["a=\x01b"] {
			t.Fatalf("%q: %s", pairs, v.AppendJSON(nil))
		}
	})
}

// TestConcurrentIn: all who ask one claim for a projection at once get the same one.
func TestConcurrentIn(t *testing.T) {
	r := resolver(t, options(t))
	wide, narrow := projection(t, r), projection(t, r, "regionId")
	for i := range 50 {
		c := r.Resolve(now, token(fmt.Sprintf(`{"regionId":"%d"}`, i)), nil, false, nil)
		var got [8]*segment.Projected
		var wg sync.WaitGroup
		for worker := range got {
			wg.Go(func() {
				c.In(wide)
				got[worker] = c.In(narrow)
			})
		}
		wg.Wait()
		for _, p := range got {
			if p != got[0] || p.Default || p == c.In(wide) {
				t.Fatalf("%q and %q", p.Key, got[0].Key)
			}
		}
	}
}
