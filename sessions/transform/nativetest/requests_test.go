package nativetest_test

import (
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// request is one of a shopper's.
type request struct {
	public  map[string]string // what it writes; "" clears
	cookies map[string]string // a cookie to its value
	shopper string            // the name of the token in the shopper's cookie; "" without one
	admin   string
	faults  map[string][]fault // of an app: what its first calls in this request do
}

func (r request) change(w *world) transform.Change {
	c := transform.Change{Values: transform.Values{}}
	for name, text := range r.public {
		c.Values.Put(key("public."+name), transform.TextValue(text))
	}
	for _, name := range slices.Sorted(maps.Keys(r.cookies)) {
		c.Cookies = append(c.Cookies, transform.Cookie{Name: name, Value: r.cookies[name]})
	}
	for name, who := range map[string]string{shopperCookie: r.shopper, adminCookie: r.admin} {
		if who != "" {
			c.Cookies = append(c.Cookies, transform.Cookie{Name: name, Value: w.tokens[who]})
		}
	}
	return c
}

const adRegion = "dnRleDpCUkE6MDEzMTAxMDA=" // vtex:BRA:01310100

// said are the values that requests write, by key of public.
func said() map[string][]string {
	return map[string][]string{
		"storeUserEmail": {"", "ann@vip.example", "Bob@x.example", "dee@x.example"},
		"postalCode":     {"", "01310100", "22041-001", "99999999", "10001", "x"},
		"country":        {"", "BRA", "USA"},
		"sc":             {"", "1", "2", "b2b", "b2b", "b2b", "zz"},
		"utm_source":     {"", "google"},
		"utm_campaign":   {"", "bf", "x"},
		"facets":         {"", "cat=2; cat=1", "brand=x;colour=red;", "cat=not:3;"},
		"region_id":      {"", adRegion},
		"regionId":       {"", "north"},
		"cultureInfo":    {"", "en-us"},
		wish:             {"", "ann@vip.example", "BOB@x.example", "dee@x.example", "nobody@x.example"},
	}
}

// drawRequests draws a shopper's requests, the cookies of which mostly stay.
func drawRequests(t *rapid.T, most int) []request {
	var all []request
	var last request
	for range rapid.IntRange(1, most).Draw(t, "requests") {
		r := request{public: map[string]string{}, cookies: last.cookies, shopper: last.shopper, admin: last.admin}
		for _, name := range slices.Sorted(maps.Keys(said())) {
			if rapid.IntRange(0, 3).Draw(t, "write "+name) == 0 {
				r.public[name] = rapid.SampledFrom(said()[name]).Draw(t, name)
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "log in or out") == 0 {
			r.shopper = rapid.SampledFrom([]string{"", "", "ann", "ann", "bob", "dee", "cy", "cy", "new", "heir", "forged ann", "foreign bob", "admin op"}).Draw(t, "shopper")
		}
		if rapid.IntRange(0, 2).Draw(t, "log in or out of the office") == 0 {
			r.admin = rapid.SampledFrom([]string{"", "admin op", "admin op", "admin op2", "admin eve", "forged admin op", "ann"}).Draw(t, "admin")
		}
		if rapid.IntRange(0, 4).Draw(t, "write the cookie") == 0 {
			r.cookies = nil
			if who := rapid.SampledFrom([]string{"", "bob@x.example", "ann%40vip.example"}).Draw(t, "cookie"); who != "" {
				r.cookies = map[string]string{wish: who}
			}
		}
		all, last = append(all, r), r
	}
	return all
}

// browser is a session under test: each request starts from what the last one left.
type browser struct {
	engine *transform.Engine
	values transform.Values
	marks  transform.Marks
	begun  bool
}

// own is an app of the operator that writes one key, always.
type own struct {
	spec transform.Spec
	f    func(in transform.Values) string
}

func (o own) Spec() transform.Spec { return o.spec }

func newOwn(name string, in []string, out string, f func(in transform.Values) string) own {
	d := transform.Declaration{}
	for _, word := range in {
		k := key(word)
		d[k.Namespace] = append(d[k.Namespace], k.Name)
	}
	k := key(out)
	return own{transform.Spec{Name: name, Input: d, Output: transform.Declaration{k.Namespace: {k.Name}}}, f}
}

// tells is what a session gives for a segment, as the sidecar derives it.
func tells(v transform.Values) string {
	var words []string
	for _, name := range []string{
		"store.channel", "store.countryCode", "store.cultureInfo", "store.currencyCode", "store.currencySymbol", "store.channelPrivacy",
		"profile.priceTables", "checkout.regionId", "public.utm_campaign", "public.utm_source", "public.utmi_cp", "rnb.campaigns", "search.facets",
	} {
		words = append(words, name+"="+string(v.Get(key(name))))
	}
	return strings.Join(words, " ")
}
