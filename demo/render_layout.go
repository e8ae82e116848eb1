package demo

import (
	"net/url"
	"slices"
	"strings"
)

// crumb is one step of the way to a page; the last has no path.
type crumb struct{ name, path string }

// header writes all that stands above a page's own content.
func (v *view) header(title, about string, way ...crumb) {
	v.raw(`<!doctype html><html lang="en" data-culture="`).text(v.terms.seg.CultureInfo).raw(`"`)
	if v.page.Narrowed {
		v.raw(` data-depends="`, SegmentVary(v.page.Depends), `"`)
	}
	v.raw(`><head><meta charset="utf-8">`)
	v.raw(`<meta name="viewport" content="width=device-width,initial-scale=1"><title>`).text(title).raw(` · Casa Lume</title>`)
	v.raw(`<meta name="description" content="`).text(about).raw(`"><link rel="icon" href="`, v.c.files.url("favicon.svg"), `">`)
	if v.private || v.page.Status != 200 {
		v.raw(`<meta name="robots" content="noindex">`)
	}
	v.raw(`<link rel="stylesheet" href="`, v.c.files.url("style.css"), `"></head><body>`)
	v.segmentBar()
	v.whoBar()
	v.masthead()
	v.banner()
	v.breadcrumbs(way)
}

// segmentBar shows whom the page was made for. A narrowed page shows only what it depends on: the rest it does
// not know.
func (v *view) segmentBar() {
	s := v.terms.seg
	v.raw(`<div class="segbar"><span class="segbar-title">Page made for</span>`)
	v.badge("Channel", FieldChannel, s.Channel+" · "+s.CurrencyCode+" · "+s.CountryCode, "")
	if s.ChannelPrivacy == "private" {
		v.badge("Access", FieldChannelPrivacy, "business", "")
	}
	v.badge("Price table", FieldPriceTables, s.PriceTables, "list prices")
	v.badge("Region", FieldRegionID, v.c.regionName(s.RegionID), "anywhere")
	v.badge("Campaign", FieldCampaigns, campaignNames(s.Campaigns), "none")
	v.badge("UTM campaign", FieldUTMCampaign, s.UTMCampaign, "none")
	v.badge("UTM source", FieldUTMSource, s.UTMSource, "none")
	if s.UTMICampaign != "" {
		v.badge("UTMI", FieldUTMICampaign, s.UTMICampaign, "")
	}
	if s.Facets != "" {
		v.badge("Facets", FieldFacets, s.Facets, "")
	}
	v.raw(`<span class="segbar-note">price list `).int(int(v.revision)).raw(`</span>`)
	if v.page.Narrowed {
		v.raw(`<span class="segbar-note">Segment-Vary</span>`)
	}
	v.raw(`</div>`)
}

// campaignNames puts the shop's names beside the ids of campaigns.
func campaignNames(ids string) string {
	list := strings.Split(ids, ",")
	for i, id := range list {
		if d := campaignDiscount(strings.TrimSpace(id)); d.name != "" {
			list[i] = strings.TrimSpace(id) + " · " + d.name
		}
	}
	return strings.Join(list, ", ")
}

// whoBar is where the script tells who is signed in and as whom they see the shop: the page does not know, it is for everyone
// of its segment.
func (v *view) whoBar() {
	v.raw(`<div class="whobar" data-who hidden><span data-who-text></span><button type="button" data-stop hidden>Stop</button></div>`)
}

func (v *view) badge(name string, f Field, value, empty string) {
	if v.page.Narrowed && !slices.Contains(v.page.Depends, f) {
		return
	}
	class := "badge on"
	if value == "" {
		class, value = "badge", empty
	}
	v.raw(`<span class="`, class, `" data-field="`, f.String(), `"><i>`, name, `</i> `).text(value).raw(`</span>`)
}

func (v *view) masthead() {
	v.raw(`<header class="masthead"><a class="brand" href="/"><img src="`, v.c.files.url("logo.svg"), `" width="38" height="38" alt="">Casa Lume</a>`)
	v.raw(`<nav class="menu" aria-label="Categories"><ul>`)
	for _, cat := range v.c.Categories {
		v.raw(`<li><a href="/c/`, cat.Key, `">`).text(cat.Name).raw(`</a><div class="drop"><p>`).text(cat.Blurb).raw(`</p><ul>`)
		for _, p := range cat.Products[:5] {
			v.raw(`<li><a href="`, p.Path(), `">`).text(p.Name).raw(`</a></li>`)
		}
		v.raw(`</ul></div></li>`)
	}
	v.raw(`</ul></nav><form class="find" action="/s" role="search"><input name="q" type="search" placeholder="Search" aria-label="Search"></form>`)
	v.raw(`<nav class="tools" aria-label="You"><a href="/account" data-account>Account</a><a href="/checkout/cart">Cart</a></nav></header>`)
}

// banner greets visitors of a source, and only them.
func (v *view) banner() {
	if source := v.terms.seg.UTMSource; source != "" {
		v.raw(`<aside class="banner">Welcome, and thank you for coming by way of <strong>`).text(source).raw(`</strong>. Delivery is on us this week.</aside>`)
	}
	if promo := v.terms.utm; promo.percent > 0 {
		v.raw(`<aside class="banner hot"><strong>`).text(promo.name).raw(`</strong>: `).int(int(promo.percent)).raw(` % off every fifth thing in the shop.</aside>`)
	}
	if promo := v.terms.campaign; promo.percent > 0 {
		v.raw(`<aside class="banner vip"><strong>`).text(promo.name).raw(`</strong>: `).int(int(promo.percent)).raw(` % off every third thing, for you.</aside>`)
	}
}

func (v *view) breadcrumbs(way []crumb) {
	if len(way) == 0 {
		return
	}
	v.raw(`<nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/">Home</a></li>`)
	for _, c := range way {
		if c.path == "" {
			v.raw(`<li aria-current="page">`).text(c.name).raw(`</li>`)
			continue
		}
		v.raw(`<li><a href="`).text(c.path).raw(`">`).text(c.name).raw(`</a></li>`)
	}
	v.raw(`</ol></nav>`)
}

func (v *view) footer() {
	v.raw(`<footer class="foot"><div class="foot-cols"><section><h2>Casa Lume</h2><p>Lamps, chairs and small good things from workshops that we know by name. `,
		`A demonstration storefront: nothing here is for sale.</p><p><a href="/about">About the shop</a></p></section><section><h2>Shop</h2><ul>`)
	for _, cat := range v.c.Categories {
		v.raw(`<li><a href="/c/`, cat.Key, `">`).text(cat.Name).raw(`</a></li>`)
	}
	v.raw(`</ul></section><section><h2>See other prices</h2><ul>`)
	for _, l := range v.c.data.otherPrices() {
		v.raw(`<li><a href="`).text(l.path).raw(`">`).text(l.name).raw(`</a></li>`)
	}
	v.raw(`</ul></section><section><h2>Delivery</h2>`)
	v.postal("cep")
	v.raw(`<p class="fine">Stock differs by region: try 01310-100, 20040-020, 30130-010, 69005-040 and 10001.</p></section></div>`)
	v.raw(`<p class="fine">Made for `).text(strings.Join([]string{v.terms.seg.CountryCode, v.terms.seg.CultureInfo, v.terms.seg.CurrencyCode}, " · ")).raw(` by aisle demo</p></footer>`)
}

// postal is the form for where a shopper is; the script sends it to the sessions system.
func (v *view) postal(id string) {
	v.raw(`<form class="postal" data-postal><label for="`, id, `">Your postal code</label><div><input id="`, id, `" name="postalCode" `,
		`inputmode="numeric" placeholder="04561-000" maxlength="12" required><button>See stock</button></div><p class="problem" role="alert" data-problem hidden></p></form>`)
}

// otherPrices are ways to other prices: campaigns, a channel, and a customer of each price table.
func (d *shopData) otherPrices() []crumb {
	list := []crumb{
		{"Black Friday", "/?utm_campaign=black+friday"}, {"From a newsletter", "/?utm_source=newsletter&utm_campaign=newsletter"}, {"In dollars", "/?sc=2"},
	}
	for _, table := range []string{"gold", "silver", "bronze"} {
		if c, ok := d.withTable(table); ok {
			list = append(list, crumb{"As " + c.firstName + ", " + table, "/login?email=" + url.QueryEscape(c.email)})
		}
	}
	for _, c := range d.customers {
		if strings.HasSuffix(c.email, "@vip.example") {
			return append(list, crumb{"As " + c.firstName + ", VIP", "/login?email=" + url.QueryEscape(c.email)})
		}
	}
	return list
}
