package isolation_test

import (
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"
)

// scope is what of the shopper a route's pages may depend on.
type scope int

// The scopes of DESIGN.md.
const (
	private scope = iota
	public
	segmentScope
)

// route is what the configuration below says of a path, written a second time so that a misreading of it shows.
type route struct {
	scope   scope
	fields  []string // the projection; nil: all
	special bool     // goes to the special origin
	strip   bool     // set_cookie: strip
	echo    bool     // echo_check
	keyed   bool     // X-Device and ab are keyed
}

// all is spelt out by nil.
func routeOf(path string) route {
	if kind, ok := strings.CutPrefix(path, "/x/"); ok {
		kind, _, _ = strings.Cut(kind, "/")
		r := map[string]route{
			"all":      {scope: segmentScope},
			"narrow":   {scope: segmentScope, fields: []string{"channel", "priceTables", "regionId", "tier"}},
			"culture":  {scope: segmentScope, fields: []string{"cultureInfo", "utm_source"}},
			"none":     {scope: segmentScope, fields: []string{}},
			"strip":    {scope: segmentScope, fields: []string{"channel"}, strip: true},
			"pubstrip": {scope: public, strip: true},
			"pub":      {scope: public},
			"echo":     {scope: segmentScope, fields: []string{"channel", "priceTables", "utm_source"}, echo: true},
			"keyed":    {scope: segmentScope, fields: []string{"channel"}, keyed: true},
		}[kind]
		r.special = true
		return r
	}
	switch {
	case strings.HasSuffix(path, "/p"):
		return route{scope: segmentScope, fields: []string{"channel", "priceTables", "regionId", "campaigns", "utm_campaign"}, echo: true}
	case strings.HasPrefix(path, "/c/"):
		return route{scope: segmentScope, fields: []string{"channel", "currencyCode", "priceTables", "regionId"}}
	case strings.HasPrefix(path, "/assets/"), strings.HasPrefix(path, "/_v/public/"):
		return route{scope: public}
	case path == "/cart", path == "/logout", path == "/login", path == "/account", strings.HasPrefix(path, "/checkout/"),
		strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/_v/private/"):
		return route{scope: private}
	}
	return route{scope: segmentScope}
}

// configuration is the file of one edge.
func configuration(e *edge, storefront, special, keys string) string {
	return fmt.Sprintf(`
listen: %q
admin: {listen: %q}
account: %s
hosts: ["shop.test", "other.test"]
drain_timeout: 5s
upstreams:
  storefront: {servers: ["http://%s"], timeouts: {connect: 5s, first_byte: 3s, idle: 5s}}
  special: {servers: ["http://%s"], timeouts: {connect: 5s, first_byte: 3s, idle: 5s}}
segment:
  channels:
    "1": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$", channelPrivacy: public}
    "2": {countryCode: USA, cultureInfo: en-US, currencyCode: USD, currencySymbol: "$", channelPrivacy: public}
    "3": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$", channelPrivacy: private}
  unsealed: %s
  keys_file: %q
routes:
  - {match: {path: "/x/all/**"}, scope: segment, upstream: special}
  - {match: {path: "/x/narrow/**"}, scope: segment, segment: [channel, priceTables, regionId, tier], upstream: special}
  - {match: {path: "/x/culture/**"}, scope: segment, segment: [cultureInfo, utm_source], upstream: special}
  - {match: {path: "/x/none/**"}, scope: segment, segment: [], upstream: special}
  - {match: {path: "/x/strip/**"}, scope: segment, segment: [channel], set_cookie: strip, upstream: special}
  - {match: {path: "/x/pubstrip/**"}, scope: public, set_cookie: strip, upstream: special}
  - {match: {path: "/x/pub/**"}, scope: public, upstream: special}
  - {match: {path: "/x/echo/**"}, scope: segment, segment: [channel, priceTables, utm_source], echo_check: true, upstream: special}
  - match: {path: "/x/keyed/**"}
    scope: segment
    segment: [channel]
    key: {headers: {X-Device: [mobile, desktop]}, cookies: {ab: [a, b]}}
    upstream: special
  - {match: {path: "/**/p"}, scope: segment, segment: [channel, priceTables, regionId, campaigns, utm_campaign], echo_check: true}
  - {match: {path: "/c/*"}, scope: segment, segment: [channel, currencyCode, priceTables, regionId]}
  - {match: {path: "/cart"}, scope: private}
  - {match: {path: "/logout"}, scope: private}
cache: {memory: %s, max_object: 1MiB, hit_for_miss: 200ms}
log: {format: text, level: info, access: "off"}
%s`, e.addr, e.admin, account, storefront, special, map[bool]string{true: "pass", false: "default"}[e.pass], keys, e.memory, e.extra)
}

// param is one parameter of a query, decoded.
type param struct{ name, value string }

func (p param) String() string { return url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value) }

func joined(query []param) string {
	parts := make([]string, len(query))
	for i, p := range query {
		parts[i] = p.String()
	}
	return strings.Join(parts, "&")
}

// target is what the origin must be asked for a page that is shared: overlay parameters and those of query.drop are
// gone, and what is left is sorted by name.
func (r route) target(path string, query []param) string {
	leaves := []string{"gclid", "utm_medium"}
	if r.scope == segmentScope {
		leaves = append(leaves, "utm_source", "utm_campaign", "utmi_cp", "sc")
	}
	var kept []param
	for _, p := range query {
		if !slices.Contains(leaves, p.name) {
			kept = append(kept, p)
		}
	}
	sort.SliceStable(kept, func(i, j int) bool { return kept[i].name < kept[j].name })
	return asked(path, kept)
}

// asked is the target as a client writes it.
func asked(path string, query []param) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + joined(query)
}
