package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/native"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// transformsSection: a nil app is off. `store` is always there.
type transformsSection struct {
	members        []entry[string]
	authentication *authSection
	profile        *profileSection
	checkout       *checkoutSection
	rnb            *rnbSection
	impersonate    *impersonateSection
	search         *searchSection
	apps           []appSection
}

type authSection struct{ cookie, adminCookie, issuer, keysFile, jwksURL string }

type profileSection struct {
	file, http, dsn, query string
	trust                  bool
}

type checkoutSection struct{ ranges, http, polygons, format string }

type rnbSection struct {
	audiences []audienceSection
	limit     int
}

type audienceSection struct {
	id, name, when string
	priority       int
	from, until    moment
}

type impersonateSection struct{ operators string }

type searchSection struct {
	facets   []string
	maxBytes int
}

type appSection struct {
	name, url     string
	timeout       Duration
	input, output []entry[[]string]
	onCreate      bool
	refresh       bool
}

func transformKeys(s *transformsSection) []field {
	return []field{
		section("store", key("members", &s.members, mapOf(inKey(nonEmpty), text("expression", nonEmpty)))),
		key("authentication", &s.authentication, optional(object(func() authSection { return authSection{} }, authKeys))),
		key("profile", &s.profile, optional(object(func() profileSection { return profileSection{} }, profileKeys))),
		key("checkout", &s.checkout, optional(object(func() checkoutSection { return checkoutSection{format: regions.V2.String()} }, checkoutKeys))),
		key("rnb", &s.rnb, optional(object(func() rnbSection { return rnbSection{} }, rnbKeys))),
		key("impersonate", &s.impersonate, optional(object(func() impersonateSection { return impersonateSection{} }, impersonateKeys))),
		key("search", &s.search, optional(object(func() searchSection { return searchSection{maxBytes: 512} }, searchKeys))),
		key("apps", &s.apps, listOf(object(func() appSection { return appSection{timeout: Duration(500 * time.Millisecond)} }, appKeys))),
	}
}

func authKeys(a *authSection) []field {
	return []field{
		key("cookie", &a.cookie, unset(text("expression", cookiePattern))),
		key("admin_cookie", &a.adminCookie, unset(text("expression", cookiePattern))),
		key("issuer", &a.issuer, unset(text("text", nil))),
		key("keys_file", &a.keysFile, unset(text("path", nonEmpty))),
		key("jwks_url", &a.jwksURL, unset(secretURL())),
	}
}

func profileKeys(p *profileSection) []field {
	return []field{
		section("customers",
			key("file", &p.file, unset(text("path", nonEmpty))),
			key("http", &p.http, unset(secretURL())),
			databaseKeys(p)),
		short(key("http", &p.http, unset(secretURL()))),
		short(databaseKeys(p)),
		key("trust_public_email", &p.trust, truth()),
	}
}

func databaseKeys(p *profileSection) field {
	return section("sql", key("dsn", &p.dsn, unset(secretDSN())), key("query", &p.query, unset(text("text", nil))))
}

func checkoutKeys(c *checkoutSection) []field {
	return []field{
		section("regions",
			key("file", &c.ranges, unset(text("path", nonEmpty))),
			key("http", &c.http, unset(secretURL()))),
		short(key("http", &c.http, unset(secretURL()))),
		section("polygons", key("file", &c.polygons, unset(text("path", nonEmpty)))),
		key("format", &c.format, oneOf(regions.V1.String(), regions.V2.String())),
	}
}

func rnbKeys(r *rnbSection) []field {
	return []field{
		key("audiences", &r.audiences, listOf(object(func() audienceSection { return audienceSection{} }, audienceKeys))),
		key("limit", &r.limit, unset(integer(0, audiences.MaxLimit))),
	}
}

func audienceKeys(a *audienceSection) []field {
	return []field{
		key("id", &a.id, text("text", nonEmpty)),
		key("name", &a.name, unset(text("text", nil))),
		key("when", &a.when, text("expression", nonEmpty)),
		key("priority", &a.priority, integer(-1<<20, 1<<20)),
		key("from", &a.from, date()),
		key("until", &a.until, date()),
	}
}

func impersonateKeys(i *impersonateSection) []field {
	return []field{key("operators", &i.operators, text("expression", nonEmpty))}
}

func searchKeys(s *searchSection) []field {
	return []field{
		key("facets", &s.facets, listOf(text("text", facetKey))),
		key("max_bytes", &s.maxBytes, integer(1, 64<<10)),
	}
}

func appKeys(a *appSection) []field {
	return []field{
		key("name", &a.name, text("text", word)),
		key("url", &a.url, secretURL()),
		key("timeout", &a.timeout, duration()),
		key("input", &a.input, mapOf(inKey(nonEmpty), listOf(text("text", nonEmpty)))),
		key("output", &a.output, mapOf(inKey(nonEmpty), listOf(text("text", nonEmpty)))),
		key("run_on_create", &a.onCreate, unset(truth())),
		key("refresh", &a.refresh, unset(truth())),
	}
}

// moment is a date or a time as the file has it; the zero value is none.
type moment struct {
	text string
	at   time.Time
}

// date is a day, which begins at midnight UTC, or a time as RFC 3339 has it.
func date() shape[moment] {
	parse := func(s, _ string) (moment, string) {
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if at, err := time.Parse(layout, s); err == nil {
				return moment{s, at}, ""
			}
		}
		return moment{}, "is neither a day such as 2026-01-31 nor a time such as 2026-01-31T09:00:00Z"
	}
	return unset(scalar("day or time", parse, func(m moment) *yaml.Node { return textNode(m.text) }))
}

// hasRegions says that the regions API is answered by the sidecar, from files or by the server that it asks.
func (t *transformsSection) hasRegions() bool {
	return t.checkout != nil && t.checkout.ranges+t.checkout.polygons+t.checkout.http != ""
}

// transformOptions is what the transforms are made of.
func (s *sessionsSection) transformOptions(account string, channels []segment.Channel) native.Options {
	o := s.transforms.option(account, channels)
	o.Backends = s.backendKeys != ""
	return o
}

func (t *transformsSection) option(account string, channels []segment.Channel) native.Options {
	o := native.Options{Account: account, Channels: channels, Members: map[string]string{}}
	for _, m := range t.members {
		o.Members[m.name] = m.value
	}
	if a := t.authentication; a != nil {
		o.Authentication = &auth.Options{Account: account, Cookie: a.cookie, AdminCookie: a.adminCookie, Issuer: a.issuer, KeysFile: a.keysFile, JWKSURL: a.jwksURL}
	}
	if p := t.profile; p != nil {
		o.Profile = &profile.Options{File: p.file, HTTP: p.http, SQL: profile.SQL{DSN: p.dsn, Query: p.query}, TrustPublicEmail: p.trust}
	}
	if c := t.checkout; c != nil {
		o.Checkout = &regions.Options{Ranges: c.ranges, Polygons: c.polygons, Origin: c.http}
		_ = o.Checkout.Format.UnmarshalText([]byte(c.format)) // one of its words
	}
	if r := t.rnb; r != nil {
		o.Audiences = &audiences.Options{Limit: r.limit}
		for i := range r.audiences {
			o.Audiences.Audiences = append(o.Audiences.Audiences, r.audiences[i].option())
		}
	}
	if t.impersonate != nil {
		o.Operators = t.impersonate.operators
	}
	if s := t.search; s != nil {
		o.Search = &transform.SearchOptions{Facets: slices.Clone(s.facets), MaxBytes: s.maxBytes}
	}
	for i := range t.apps {
		o.Apps = append(o.Apps, t.apps[i].option())
	}
	return o
}

func (a *audienceSection) option() audiences.Audience {
	return audiences.Audience{ID: a.id, Name: a.name, When: a.when, Priority: a.priority, From: a.from.at, Until: a.until.at}
}

func (a *appSection) option() native.App {
	declared := func(entries []entry[[]string]) transform.Declaration {
		d := transform.Declaration{}
		for _, e := range entries {
			d[e.name] = slices.Clone(e.value)
		}
		return d
	}
	return native.App{URL: a.url, Spec: transform.Spec{
		Name: a.name, Timeout: time.Duration(a.timeout), Input: declared(a.input), Output: declared(a.output), RunOnCreate: a.onCreate, Refresh: a.refresh,
	}}
}
