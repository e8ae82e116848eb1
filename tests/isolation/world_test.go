package isolation_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
)

// world is what the store says of its customers, places and campaigns at one moment: a second reading of what the
// native edge is given in files, in code that it shares nothing with.
type world struct {
	tables    map[string][]string // price tables by the customer's e-mail
	ranges    []postalRange
	audiences []audience
}

type postalRange struct {
	country, from, to, channel string
	sellers                    []string
}

// area is a rectangle, longitudes and latitudes from and to.
type area struct {
	country      string
	west, east   float64
	south, north float64
	sellers      []string
}

// audience is a group of shoppers: when as the edge reads it, holds as this test does.
type audience struct {
	id, when string
	priority int
	until    time.Time // zero: without end
	holds    func(v view) bool
}

// view is what conditions of audiences read of a shopper.
type view struct {
	email, region string
	tables        []string
	state         state
}

// customer is somebody whom the store knows.
type customer struct{ id, email string }

func customers() []customer {
	return []customer{
		{"c-1", "ann@gold.example"}, {"c-2", "rafael@gold.example"}, {"c-3", "sofia@silver.example"}, {"c-4", "bruno@bronze.example"},
		{"c-5", "vera@vip.example"}, {"c-6", "leo@vip.example"}, {"c-7", "dan@plain.example"},
	}
}

func firstTables() map[string][]string {
	return map[string][]string{
		"ann@gold.example": {"gold"}, "rafael@gold.example": {"gold", "vip"}, "sofia@silver.example": {"silver"},
		"bruno@bronze.example": {"bronze"}, "vera@vip.example": {"silver"},
	}
}

// firstRanges differ by channel in one place, so that a channel that is mistaken shows in the region too.
func firstRanges() []postalRange {
	return []postalRange{
		{"BRA", "01000000", "19999999", "", []string{"sp", "express"}},
		{"BRA", "20000000", "28999999", "1", []string{"rio"}},
		{"BRA", "20000000", "28999999", "2", []string{"rio", "outlet"}},
		{"BRA", "20000000", "28999999", "3", []string{"rio", "wholesale"}},
		{"BRA", "30000000", "39999999", "", []string{"minas"}},
		{"USA", "10000", "19999", "", []string{"ny"}},
	}
}

func areas() []area {
	return []area{
		{country: "BRA", west: -48, east: -46, south: -24, north: -22, sellers: []string{"express", "sp"}},
		{country: "BRA", west: -44, east: -42, south: -24, north: -22, sellers: []string{"rio", "motoboy"}},
		{country: "USA", west: -75, east: -73, south: 40, north: 42, sellers: []string{"ny"}},
	}
}

// regionOfSellers is the id of a set of sellers (docs/regions.md).
func regionOfSellers(sellers []string) string {
	sum := sha256.Sum256([]byte("SW#" + strings.Join(slices.Sorted(slices.Values(sellers)), ";")))
	return fmt.Sprintf("v2.%X", sum[:16])
}

// allAudiences are those that may run at a time, as the file has them.
func allAudiences() []audience {
	rio := regionOfSellers([]string{"rio"})
	return []audience{
		{id: "vip", when: `profile.email endsWith "@vip.example"`, priority: 10, holds: func(v view) bool { return strings.HasSuffix(v.email, "@vip.example") }},
		{id: "bf", when: `public.utm_campaign == "black friday"`, holds: func(v view) bool { return v.state.campaign == "black friday" }},
		{id: "rio", when: `checkout.regionId == "` + rio + `"`, holds: func(v view) bool { return v.region == rio }},
		{id: "mail-gold", when: `public.utm_source == "newsletter" and "gold" in split(profile.priceTables, ",")`, priority: 5,
			holds: func(v view) bool { return v.state.source == "newsletter" && slices.Contains(v.tables, "gold") }},
		{id: "sale", when: `profile.isAuthenticated == "true"`, priority: 1, holds: func(v view) bool { return v.email != "" }},
	}
}

// login is what a cookie of a log-in holds. The zero value is no cookie.
type login struct {
	cookie  string // the token
	email   string
	id      string
	expires time.Time
	sound   bool // it is one that counts: of our key, account and audience
}

func (l login) counts(at time.Time) bool { return l.sound && at.Unix() < l.expires.Unix() }

// state is a session as this test knows it: what the shopper said, and the log-ins that the sidecar has been shown.
type state struct {
	shopper, operator        login
	wish                     string // the customer as whom an operator wants to see the store
	acting                   bool   // and does
	sc, culture              string
	postal, country          string
	coordinates              string
	campaign, source, banner string
	facets                   string
}

// set writes a public value.
func (s *state) set(name, value string) {
	*map[string]*string{
		"vtex-impersonated-customer-email": &s.wish, "sc": &s.sc, "cultureInfo": &s.culture, "postalCode": &s.postal, "country": &s.country,
		"geoCoordinates": &s.coordinates, "utm_campaign": &s.campaign, "utm_source": &s.source, "utmi_cp": &s.banner, "facets": &s.facets,
	}[name] = value
}

// settled is what a call of the sessions API leaves of an operator's wish (docs/authentication.md): it comes true for an
// operator alone, and is gone once it was denied or has ended, or with the call that says it where nobody is logged in.
func (s state) settled(at time.Time) state {
	operates := s.operator.counts(at) && strings.HasSuffix(s.operator.email, "@acme.example")
	s.acting = operates && customerOf("", s.wish) != nil
	if !s.acting {
		s.wish = ""
	}
	return s
}

func customerOf(id, email string) *customer {
	for _, c := range customers() {
		if c.id == id || c.email == strings.ToLower(email) {
			return &c
		}
	}
	return nil
}

// person is whose conditions the session has; "" is nobody's.
func (s state) person(at time.Time) (email string) {
	switch {
	case s.acting && s.operator.counts(at):
		return customerOf("", s.wish).email
	case !s.shopper.counts(at):
		return ""
	}
	if c := customerOf(s.shopper.id, s.shopper.email); c != nil {
		return c.email
	}
	return s.shopper.email
}

// open tells whether the channel that the session states is open to it.
func (s state) open(w world, at time.Time) bool {
	switch s.sc {
	case "", "1", "2":
		return true
	case "3":
		email := s.person(at)
		return email != "" && slices.Contains(w.tables[email], "gold")
	}
	return false
}

// entitled is the segment that a session is entitled to at a moment.
func (s state) entitled(w world, at time.Time) conditions {
	c := group("1")
	if s.sc != "" && s.open(w, at) {
		c.enter(s.sc)
	}
	region := s.region(w, c)
	if s.culture != "" {
		c.value[cultureInfo] = s.culture
	}
	email := s.person(at)
	tables := w.tables[email]
	c.value[priceTables], c.value[regionID] = strings.Join(tables, ","), region
	c.value[campaigns] = w.campaigns(view{email, region, tables, s}, at)
	c.value[utmCampaign], c.value[utmSource], c.value[utmiCampaign] = s.campaign, s.source, s.banner
	c.value[facets] = narrowing()[s.facets]
	c.extra = map[string]string{}
	return c
}

// campaigns are the audiences that the shopper is in, of the highest priority first.
func (w world) campaigns(v view, at time.Time) string {
	var ids []string
	for priority := 10; priority >= 0; priority-- {
		for _, a := range w.audiences {
			if a.priority == priority && (a.until.IsZero() || at.Before(a.until)) && a.holds(v) {
				ids = append(ids, a.id)
			}
		}
	}
	return strings.Join(ids, ",")
}

// narrowing gives the facets that a text of public.facets leaves in the segment.
func narrowing() map[string]string {
	return map[string]string{
		"productClusterIds=158;":                                          "productClusterIds=158;",
		"b=2;productClusterIds=not:140;":                                  "productClusterIds=not:140;",
		" productClusterIds=9; productClusterIds=158;productClusterIds=9": "productClusterIds=158;productClusterIds=9;",
		"zip-code=01002020;country=BRA;":                                  "",
	}
}

// region is the id of where the shopper is: "" where that is no place, and the empty region where nobody delivers.
func (s state) region(w world, c conditions) string {
	country, on := s.country, c.value[channel]
	if country == "" {
		country = c.value[countryCode]
	}
	code := strings.NewReplacer("-", "", " ", "").Replace(s.postal)
	placed := len(code) == map[string]int{"BRA": 8, "USA": 5}[country]
	for _, r := range w.ranges {
		if placed && r.country == country && (r.channel == "" || r.channel == on) && r.from <= code && code <= r.to {
			return regionOfSellers(r.sellers)
		}
	}
	if s.coordinates != "" {
		return regionOfSellers(sellersAt(country, s.coordinates))
	}
	if placed {
		return regionOfSellers(nil)
	}
	return ""
}

func sellersAt(country, coordinates string) []string {
	var longitude, latitude float64
	if _, err := fmt.Sscanf(coordinates, "%f,%f", &longitude, &latitude); err != nil {
		return nil
	}
	for _, a := range areas() {
		if a.country == country && a.west <= longitude && longitude <= a.east && a.south <= latitude && latitude <= a.north {
			return a.sellers
		}
	}
	return nil
}
