package isolation_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// sealing is what stands beside a token.
type sealing int

// The ways to be sealed. Only a genuine seal proves anything.
const (
	noSeal sealing = iota
	genuineSeal
	olderSeal // genuine, by the older key
	forgedSeal
	expiredSeal
	strangeSeal // by somebody who knows the id of the key
	otherAccountSeal
	otherTokenSeal
	unreadableSeal
	sealingCount
)

func (s sealing) proves() bool { return s == genuineSeal || s == olderSeal }

// shopper is somebody with cookies, and the oracle's knowledge of what they say.
type shopper struct {
	token     string     // the exact text of vtex_segment; "" where there is none
	twin      string     // a second vtex_segment cookie; "" where there is none
	readable  bool       // the edge must take the token for what it states
	stated    conditions // without defaults; zero where the token is not readable
	seal      string
	proven    bool
	loggedIn  bool   // holds a session of the origin
	session   string // vtex_session
	email     string // what /account shows
	inCart    int    // a product; 0: nothing
	uncertain bool   // a request that changed the session may or may not have arrived
	bare      bool   // sends nothing that tells shoppers apart
}

// verified is the segment that counts for a request with this query.
func (s *shopper) verified(query []param) (stated, verified conditions) {
	stated = s.stated.overlaid(query).filled()
	if s.proven {
		return stated, stated
	}
	return stated, stated.unproven()
}

// privileged tells whether the edge takes something away that this projection shows.
func (s *shopper) privileged(query []param, fields []string) bool {
	stated, verified := s.verified(query)
	return !narrowed(stated, fields).equal(narrowed(verified, fields))
}

// narrowed keeps the named fields alone: what two shoppers must agree in to share a page.
func narrowed(c conditions, fields []string) conditions {
	if fields == nil {
		return c
	}
	out := conditions{extra: map[string]string{}}
	for f, name := range fieldNames() {
		if contains(fields, name) {
			out.value[f] = c.value[f]
		}
	}
	for name, raw := range c.extra {
		if contains(fields, name) {
			out.extra[name] = raw
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// population makes shoppers.
type population struct {
	regions []string
	issuer  *issuer
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// chance is true in percent of the calls.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// newcomer is a random shopper, without a session of the origin.
func (p *population) newcomer(r *rand.Rand) *shopper {
	if chance(r, 50) {
		return p.customer(r)
	}
	s := &shopper{}
	switch n := r.IntN(100); {
	case n < 12: // no cookie
		s.bare = chance(r, 50)
		return s
	case n < 16:
		s.token = pick(r, unreadable()...)
		s.seal = currentKey().seal(account, s.token, time.Now().Add(time.Hour))
		return s
	case n < 18: // too long
		s.token = base64.RawStdEncoding.EncodeToString(object([]member{{"priceTables", `"gold"`}, {"pad", quoted(strings.Repeat("x", 3200))}}))
		s.seal = currentKey().seal(account, s.token, time.Now().Add(time.Hour))
		return s
	}
	list := p.statement(r, s)
	s.readable = true
	s.token = spelled(r, list)
	s.affix(r)
	switch n := r.IntN(100); {
	case n < 3: // two cookies that differ: neither counts
		other := &shopper{}
		s.twin = base64.RawStdEncoding.EncodeToString(object(p.statement(r, other)))
		if s.twin != s.token {
			s.readable, s.stated, s.proven = false, conditions{}, false
		}
	case n < 5:
		s.twin = s.token
	}
	return s
}

// regular draws the nth of those who come again and again. Every sixth states a price table that nothing proves: so few are drawn
// that a run might have nobody of that kind.
func (p *population) regular(r *rand.Rand, n int) *shopper {
	for {
		s := p.newcomer(r)
		if n%6 != 0 || s.readable && !s.proven && s.stated.value[priceTables] != "" {
			return s
		}
	}
}

// unreadable are tokens that must cost nobody the page, and say nothing.
func unreadable() []string {
	list := []string{"%%%", "eyJ", "not.a.token", `"`}
	for _, text := range []string{
		"[1]", `{"priceTables":"gold"`, `{"channel":{}}`, `{"priceTables":"gold","priceTables":"silver"}`, `{"PriceTables":"gold"}`,
		`{"priceTables":["gold"]}`, `{"priceTables":"gold"} x`, `{"priceTables":"gold","__proto__":{"a":1}}`, "null", "3",
	} {
		list = append(list, base64.RawStdEncoding.EncodeToString([]byte(text)))
	}
	return list
}

// affix puts a seal beside the token.
func (s *shopper) affix(r *rand.Rand) {
	how := genuineSeal
	if chance(r, 50) {
		how = sealing(r.IntN(int(sealingCount)))
	}
	s.seal, s.proven = sealed(how, s.token), how.proves()
}

func sealed(how sealing, token string) string {
	later := time.Now().Add(time.Hour)
	switch how {
	case genuineSeal:
		return currentKey().seal(account, token, later)
	case olderSeal:
		return olderKey().seal(account, token, later)
	case forgedSeal:
		genuine := currentKey().seal(account, token, later)
		return genuine[:len(genuine)-32] + strings.Repeat("0a", 16)
	case expiredSeal:
		return currentKey().seal(account, token, time.Now().Add(-time.Minute))
	case strangeSeal:
		return strangeKey().seal(account, token, later)
	case otherAccountSeal:
		return currentKey().seal("other", token, later)
	case otherTokenSeal:
		return currentKey().seal(account, token+"=", later)
	case unreadableSeal:
		return "v1.k2." + strings.Repeat("9", 90)
	}
	return ""
}

// statement draws what a token states and returns it as JSON members; fields that are absent, null and "" are the same.
func (p *population) statement(r *rand.Rand, s *shopper) []member {
	var list []member
	s.stated.extra = map[string]string{}
	add := func(f int, percent int, values ...string) {
		name := fieldNames()[f]
		switch {
		case chance(r, percent):
			s.stated.value[f] = pick(r, values...)
			list = append(list, member{name, quoted(s.stated.value[f])})
		case chance(r, 30):
			list = append(list, member{name, pick(r, "null", "null", `""`)})
		}
	}
	add(channel, 80, "1", "1", "1", "2", "2", "2", "3", "3", "9", "03")
	add(priceTables, 50, "gold", "gold", "silver", "gold,silver", "platinum")
	add(regionID, 50, append([]string{"v2.UNKNOWN"}, p.regions...)...)
	add(campaigns, 30, "vip", "7f1c", "9a2e", "7f1c,other")
	add(utmCampaign, 30, "black friday", "newsletter", `say "<b>&amp;</b>"`)
	add(utmSource, 30, "google", "é-ü-€", "newsletter")
	add(utmiCampaign, 10, "banner", "hero")
	add(currencyCode, 5, "EUR", "ARS")
	add(currencySymbol, 5, "€", "AR$")
	add(countryCode, 5, "ARG", "PRT")
	add(cultureInfo, 15, "en-US", "es-MX", "pt-PT", "x\ny")
	add(adminCultureInfo, 5, "pt-BR", "en-US")
	add(channelPrivacy, 12, "public", "private")
	add(facets, 12, "productClusterIds=158;", "zip-code=01002020;country=BRA;")
	if number := s.stated.value[channel]; (number == "2" || number == "3") && chance(r, 20) {
		for i := range list {
			if list[i].name == "channel" {
				list[i].raw = number
			}
		}
	}
	return append(list, s.extras(r)...)
}

// extras are fields that the public system does not define.
func (s *shopper) extras(r *rand.Rand) (list []member) {
	for name, values := range map[string][]string{"tier": {`"a"`, `"b"`, "1"}, "x": {`{"k":[1,true,"v"]}`, "false"}} {
		if chance(r, 15) {
			raw := pick(r, values...)
			s.stated.extra[name] = raw
			list = append(list, member{name, raw})
		}
	}
	return list
}

// spelled writes a token in one of the shapes that real clients send (facts/sessions.md, 2.1).
func spelled(r *rand.Rand, list []member) string {
	if chance(r, 30) {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	text := object(list)
	if chance(r, 10) {
		text = []byte(" " + strings.ReplaceAll(string(text), `,"`, ",\n  \"") + "\n")
	}
	switch r.IntN(10) {
	case 0, 1:
		return base64.StdEncoding.EncodeToString(text)
	case 2:
		return base64.RawURLEncoding.EncodeToString(text)
	case 3:
		return strings.NewReplacer("=", "%3D", "+", "%2B", "/", "%2f").Replace(base64.StdEncoding.EncodeToString(text))
	case 4:
		return `"` + base64.RawStdEncoding.EncodeToString(text) + `"`
	}
	return base64.RawStdEncoding.EncodeToString(text)
}

// nonce is a mark that stands in one request alone. What carries it through to another's answer is caught.
func nonce(r *rand.Rand) string { return fmt.Sprintf("%s%016x", nonceMark, r.Uint64()) }

const nonceMark = "n0nce-"
