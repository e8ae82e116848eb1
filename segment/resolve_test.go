package segment_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

// fields renders a segment as its values that differ from the default segment of channels().
func fields(s segment.Segment) string {
	standard := map[string]string{"channel": "1", "currencyCode": "BRL", "currencySymbol": "R$", "countryCode": "BRA", "cultureInfo": "pt-BR", "channelPrivacy": "public"}
	var out []string
	for _, name := range append(segment.Fields(), "x", "sealed") {
		if value := get(s, name); value != standard[name] {
			out = append(out, name+"="+value)
		}
	}
	return strings.Join(out, " ")
}

const group2 = "channel=2 currencyCode=USD currencySymbol=$ countryCode=USA cultureInfo=en-US"

// TestDefaults: what a cookie does not say.
func TestDefaults(t *testing.T) {
	r := resolver(t, options(t))
	f := func(text string, want string) {
		t.Helper()
		c := r.Resolve(now, token(text), nil, false, nil)
		if diff := cmp.Diff(want, fields(c.Stated())); diff != "" || c.Reason() != segment.OK {
			t.Errorf("%s: %v %s", text, c.Reason(), diff)
		}
	}
	f(`{}`, "")
	f(`{"channel":"1"}`, "")
	f(`{"channel":1}`, "")
	f(`{"channel":"2"}`, group2)
	f(`{"channel":"2","cultureInfo":"es-MX","currencyCode":""}`, strings.Replace(group2, "en-US", "es-MX", 1))
	f(`{"channel":"9"}`, "channel=9")
	f(`{"channel":"3"}`, "channel=3 channelPrivacy=private")
	f(`{"channel":"3","channelPrivacy":"public"}`, "channel=3")
	f(`{"cultureInfo":"en-US"}`, "cultureInfo=en-US")
	// The older shape of facts 1.6, without a store group.
	f(`{"campaigns":"vip","channel":"1","priceTables":"gold","regionId":"U1cj","utm_campaign":"black friday","utm_source":"google","utmi_campaign":"banner"}`,
		"campaigns=vip priceTables=gold regionId=U1cj utm_campaign=black friday utm_source=google utmi_campaign=banner")
}

func TestUnusableCookieIsTheDefaultSegment(t *testing.T) {
	r := resolver(t, options(t))
	p := projection(t, r)
	f := func(token []byte, duplicates bool, want segment.Reason) {
		t.Helper()
		c := r.Resolve(now, token, []byte(goldenSeal), duplicates, nil)
		got := c.In(p)
		if c.Reason() != want || string(got.Token) != goldenDefault || !got.Default || got.Unproven || c.Seal() != segment.SealAbsent {
			t.Errorf("%.20q: %v %v %s", token, c.Reason(), c.Seal(), got.Token)
		}
	}
	f(nil, false, segment.Absent)
	f([]byte{}, false, segment.Absent)
	f([]byte(`""`), false, segment.Absent)
	f([]byte("!!"), false, segment.Malformed)
	f(token(`{"priceTables":["gold"]}`), false, segment.Malformed)
	f(make([]byte, 4097), false, segment.Oversized)
	f(token(`{"priceTables":"gold"}`), true, segment.Duplicate)
	f(nil, true, segment.Duplicate)
}

func TestSealDecides(t *testing.T) {
	r := resolver(t, options(t))
	f := func(text, stated, unproven string) {
		t.Helper()
		in := token(text)
		good := []byte(sealer(t).Seal(now, in))
		for seal, want := range map[string]segment.SealState{
			string(good): segment.SealValid, "": segment.SealAbsent, "v1.k1.1800000000.00": segment.SealForged,
			sealer(t).Seal(now.Add(-2*time.Hour), in):   segment.SealExpired,
			strings.Replace(string(good), "k1", "k", 1): segment.SealUnknownKey, string(good) + strings.Repeat("0", 300): segment.SealForged,
		} {
			c := r.Resolve(now, in, []byte(seal), false, nil)
			verified := unproven
			if want == segment.SealValid {
				verified = stated
			}
			if c.Seal() != want || fields(c.Stated()) != stated || fields(c.Verified()) != verified {
				t.Errorf("%s with %v: %v, stated %s, verified %s", text, want, c.Seal(), fields(c.Stated()), fields(c.Verified()))
			}
		}
	}
	f(`{"priceTables":"gold","campaigns":"vip","facets":"a=b;","regionId":"r"}`, "campaigns=vip priceTables=gold regionId=r facets=a=b;", "regionId=r")
	f(`{"channel":"2","priceTables":"gold"}`, strings.Replace(group2, "channel=2", "channel=2 priceTables=gold", 1), group2)
	f(`{"channel":"3"}`, "channel=3 channelPrivacy=private", "")
	f(`{"channel":"3","channelPrivacy":"public","currencyCode":"USD"}`, "channel=3 currencyCode=USD", "")
	f(`{"channel":"1","channelPrivacy":"private"}`, "channelPrivacy=private", "")
	f(`{"channel":"9","channelPrivacy":"private"}`, "channel=9 channelPrivacy=private", "channel=9")
	f(`{"cultureInfo":"en-US","utm_source":"s"}`, "utm_source=s cultureInfo=en-US", "utm_source=s cultureInfo=en-US")
}

// TestLaxChannelSpellings: an unlisted spelling that a reader behind the edge may take for a private channel is one.
func TestLaxChannelSpellings(t *testing.T) {
	r := resolver(t, options(t))
	f := func(channel string, private bool) {
		t.Helper()
		in := token(fmt.Sprintf(`{"channel":%s}`, channel))
		got := get(r.Resolve(now, in, nil, false, nil).Verified(), "channel")
		if (got == "1") != private {
			t.Errorf("%s unsealed is channel %s", channel, got)
		}
	}
	for _, c := range []string{`3`, `"03"`, `" 3"`, `"3 "`, `"3\n"`, `"\u00003"`, `"\ufeff3"`, `3.0`, `3e0`, `0.3e1`, `"0x3"`, `"0b11"`, `"+3"`, `"3;x"`, `"3,1"`, `"３"`} {
		f(c, true)
	}
	for _, c := range []string{`2`, `"30"`, `"13"`, `"-3"`, `"b2b"`, `"x3"`, `2.0`} {
		f(c, false)
	}
	o := options(t)
	o.Channels[2].ID, o.Channels[1].ID = "B2B", "3"
	r = resolver(t, o)
	f(`"B2B"`, true)
	f(`" b2b"`, true)
	f(`"b2c"`, false)
	f(`"3"`, false)
}

func TestSealedExtra(t *testing.T) {
	o := options(t)
	o.Sealed = []string{"sealed"}
	r := resolver(t, o)
	in := token(`{"sealed":{"a":1},"x":2,"priceTables":"gold"}`)
	c := r.Resolve(now, in, nil, false, nil)
	if got := fields(c.Verified()); got != "priceTables=gold x=2" {
		t.Error(got)
	}
	if got := fields(c.Stated()); got != `priceTables=gold x=2 sealed={"a":1}` {
		t.Error(got)
	}
	if got := fields(r.Resolve(now, in, []byte(sealer(t).Seal(now, in)), false, nil).Verified()); got != `priceTables=gold x=2 sealed={"a":1}` {
		t.Error(got)
	}
	if v := r.Resolve(now, token(`{"SEALED":1}`), nil, false, nil).Verified(); get(v, "SEALED") != "" {
		t.Error("another letter case goes around the seal")
	}
	o.Sealed = []string{}
	if got := fields(resolver(t, o).Resolve(now, in, nil, false, nil).Verified()); got != `priceTables=gold x=2 sealed={"a":1}` {
		t.Errorf("an empty list seals something: %s", got)
	}
}

func TestOverlay(t *testing.T) {
	r := resolver(t, options(t))
	f := func(cookie string, want segment.OverlayReason, stated string, pairs ...string) {
		t.Helper()
		c := r.Resolve(now, token(cookie), nil, false, overlay(pairs...))
		if c.Overlay() != want || fields(c.Stated()) != stated {
			t.Errorf("%s %q: %v, %s; want %v, %s", cookie, pairs, c.Overlay(), fields(c.Stated()), want, stated)
		}
	}
	f(`{}`, segment.OverlayNone, "")
	f(`{}`, segment.OverlayNone, "", "utm_medium", "x")
	f(`{}`, segment.OverlayApplied, "utm_campaign=c utm_source=s utmi_campaign=i", "utm_source", "s", "utm_campaign", "c", "utmi_cp", "i")
	f(`{"utm_source":"old"}`, segment.OverlayApplied, "utm_source=new", "utm_source", "new", "utm_source", "newer")
	f(`{"utm_source":"old"}`, segment.OverlayApplied, "", "utm_source", "")
	f(`{}`, segment.OverlayApplied, group2, "sc", "2")
	f(`{"channel":"2","cultureInfo":"es-MX","currencyCode":"MXN","channelPrivacy":"private"}`, segment.OverlayApplied, "", "sc", "1")
	f(`{"channel":"3"}`, segment.OverlayApplied, group2, "sc", "2")
	f(`{"channel":"2"}`, segment.OverlayUnlisted, group2, "sc", "9")
	f(`{"channel":"2"}`, segment.OverlayUnlisted, group2, "sc", "")
	f(`{"channel":"2"}`, segment.OverlayUnlisted, group2, "sc", "9", "sc", "1")
	f(`{"channel":"2"}`, segment.OverlayPrivate, group2, "sc", "3")
	f(`{"channel":"2"}`, segment.OverlayPrivate, group2, "sc", "03")
	f(`{}`, segment.OverlayUnlisted, "utm_source=s", "sc", "9", "utm_source", "s")
	f(`{"utm_source":"old"}`, segment.OverlayInvalid, "utm_source=old", "utm_source", "a\nb")
	f(`{}`, segment.OverlayInvalid, "utm_campaign=ok", "utm_source", "\xff", "utm_campaign", "ok")
	f(`{}`, segment.OverlayUnlisted, "", "utm_source", "\xff", "sc", "9")
	f(`{}`, segment.OverlayOversized, "", "utm_source", strings.Repeat("x", 4096))
	f(`{}`, segment.OverlayApplied, `utm_source=bp+ "é" 😀`, "utm_source", `bp+ "é" 😀`)
}

func TestOverlayWithoutACookie(t *testing.T) {
	r := resolver(t, options(t))
	c := r.Resolve(now, nil, nil, false, overlay("sc", "2", "utm_source", "s"))
	if c.Reason() != segment.Absent || fields(c.Verified()) != strings.Replace(group2, "channel=2", "channel=2 utm_source=s", 1) {
		t.Errorf("%v %s", c.Reason(), fields(c.Verified()))
	}
	c = r.Resolve(now, []byte("!"), nil, true, overlay("utm_source", "s"))
	if c.Reason() != segment.Duplicate || fields(c.Verified()) != "utm_source=s" {
		t.Errorf("%v %s", c.Reason(), fields(c.Verified()))
	}
}

// TestOverlayOfGroupField: sc brings the group first, whatever the order in the query, then its fields change.
func TestOverlayOfGroupField(t *testing.T) {
	o := options(t)
	o.Overlay = []segment.Overlay{{"lang", "cultureInfo"}, {"sc", "channel"}}
	r := resolver(t, o)
	want := strings.Replace(group2, "en-US", "es-MX", 1)
	for _, b := range [][]byte{overlay("lang", "es-MX", "sc", "2"), overlay("sc", "2", "lang", "es-MX")} {
		if got := fields(r.Resolve(now, nil, nil, false, b).Verified()); got != want {
			t.Error(got)
		}
	}
}

// TestOverlayKeepsTheSeal: the seal is over the cookie, and the query cannot take it away.
func TestOverlayKeepsTheSeal(t *testing.T) {
	r := resolver(t, options(t))
	in := token(`{"channel":"3","priceTables":"gold"}`)
	c := r.Resolve(now, in, []byte(sealer(t).Seal(now, in)), false, overlay("sc", "2"))
	if got := fields(c.Verified()); got != strings.Replace(group2, "channel=2", "channel=2 priceTables=gold", 1) {
		t.Error(got)
	}
}

// TestForeignOverlayBytes: bytes that AppendOverlay did not write are without effect, and without a panic.
func TestForeignOverlayBytes(t *testing.T) {
	r := resolver(t, options(t))
	for _, tail := range []string{"\xff", "\x05ab", "\x02sc", "\x02sc\x05", strings.Repeat("\xff", 12)} {
		c := r.Resolve(now, nil, nil, false, append(overlay("utm_source", "s"), tail...))
		if got := fields(c.Verified()); got != "utm_source=s" || c.Overlay() != segment.OverlayApplied {
			t.Errorf("%q: %s %v", tail, got, c.Overlay())
		}
	}
}

func TestAllow(t *testing.T) {
	o := options(t)
	o.Allow = map[string][]string{
		"utm_campaign": {"black*", "vip", "*end", "a*b*c"}, "utm_source": {}, "channel": {"1", "3"}, "cultureInfo": {"??-??", "pt-*"}, "regionId": {"*"},
	}
	r := resolver(t, o)
	f := func(cookie, stated string, dropped []string, pairs ...string) {
		t.Helper()
		c := r.Resolve(now, token(cookie), nil, false, overlay(pairs...))
		if fields(c.Stated()) != stated || !cmp.Equal(c.AllowDropped(), dropped) {
			t.Errorf("%s %q: %s, dropped %q", cookie, pairs, fields(c.Stated()), c.AllowDropped())
		}
	}
	for _, value := range []string{"black", "black friday", "vip", "end", "the end", "abc", "aXbYc", "abbcc"} {
		f(`{"utm_campaign":"`+value+`"}`, "utm_campaign="+value, nil)
	}
	for _, value := range []string{"blac", "vip2", "Vip", "endx", "acb", "ac", "ab", "xabc"} {
		f(`{"utm_campaign":"`+value+`"}`, "", []string{"utm_campaign"})
	}
	f(`{"utm_campaign":""}`, "", nil)
	f(`{"utm_source":"any"}`, "", []string{"utm_source"})
	f(`{"regionId":"any"}`, "regionId=any", nil)
	f(`{"channel":"2","currencyCode":"USD"}`, "", []string{"channel"})
	f(`{"cultureInfo":"en-US","utm_campaign":"no"}`, "", []string{"utm_campaign", "cultureInfo"})
	f(`{"utm_campaign":"vip"}`, "", []string{"utm_campaign"}, "utm_campaign", "unknown")
	f(`{"utm_campaign":"unknown"}`, "utm_campaign=vip", nil, "utm_campaign", "vip")
	f(`{}`, "", []string{"channel"}, "sc", "2")
}

// TestForgeryNeverCounts: without a seal of ours, no privileged value is ever verified.
func TestForgeryNeverCounts(t *testing.T) {
	r := resolver(t, options(t))
	all := projection(t, r)
	rapid.Check(t, func(t *rapid.T) {
		in := drawToken(t, "cookie")
		seal := rapid.SampledFrom([]string{"", goldenSeal, "v1.k1.1900000000.00000000000000000000000000000000", "v1.k2.1900000000.0"}).Draw(t, "seal")
		b := overlay("sc", rapid.SampledFrom([]string{"1", "2", "3", "03", "9"}).Draw(t, "sc"))
		if rapid.Bool().Draw(t, "no overlay") {
			b = nil
		}
		c := r.Resolve(now, in, []byte(seal), false, b)
		v := c.Verified()
		if get(v, "priceTables") != "" || get(v, "campaigns") != "" || get(v, "facets") != "" || get(v, "channelPrivacy") != "public" ||
			strings.Contains(get(v, "channel"), "3") {
			t.Fatalf("verified %s", v.AppendJSON(nil))
		}
		if got, _ := segment.Decode(c.In(all).Token, 1<<20); !got.Equal(v) {
			t.Fatalf("the origin sees %s", got.AppendJSON(nil))
		}
		if c.In(all).Unproven == v.Equal(c.Stated()) {
			t.Fatalf("unproven is %v for %s and %s", c.In(all).Unproven, v.AppendJSON(nil), c.Stated().AppendJSON(nil))
		}
	})
}

// TestSealedCounts: under a valid seal the verified segment is the stated one, until the seal expires.
func TestSealedCounts(t *testing.T) {
	r, s := resolver(t, options(t)), sealer(t)
	rapid.Check(t, func(t *rapid.T) {
		in := drawToken(t, "cookie")
		seal := []byte(s.Seal(now, in))
		c := r.Resolve(now, in, seal, false, nil)
		if c.Seal() != segment.SealValid || !c.Verified().Equal(c.Stated()) {
			t.Fatalf("%v: %s", c.Seal(), c.Verified().AppendJSON(nil))
		}
		later := r.Resolve(now.Add(time.Hour), in, seal, false, nil)
		unsealed := r.Resolve(now, in, nil, false, nil)
		if later.Seal() != segment.SealExpired || !later.Verified().Equal(unsealed.Verified()) {
			t.Fatalf("%v: %s", later.Seal(), later.Verified().AppendJSON(nil))
		}
	})
}

// TestPadding: spellings of one segment are one segment, but a seal holds for the bytes that it was made for.
func TestPadding(t *testing.T) {
	r := resolver(t, options(t))
	p := projection(t, r)
	in := token(`{"priceTables":"gold"}`)
	seal := []byte(sealer(t).Seal(now, in))
	padded := append(append([]byte{}, in...), "=="...)
	if c := r.Resolve(now, padded, seal, false, nil); c.Reason() != segment.OK || c.Seal() != segment.SealForged || !c.In(p).Default {
		t.Errorf("%v %v", c.Reason(), c.Seal())
	}
	again := []byte(sealer(t).Seal(now, padded))
	if a, b := r.Resolve(now, in, seal, false, nil), r.Resolve(now, padded, again, false, nil); string(a.In(p).Key) != string(b.In(p).Key) {
		t.Error("two spellings of one segment have two keys")
	}
}
