package isolation_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
)

// The known fields of a segment, in the order of the public system's JSON (facts/sessions.md, 1.1 and 2.1).
const (
	campaigns = iota
	channel
	priceTables
	regionID
	utmCampaign
	utmSource
	utmiCampaign
	currencyCode
	currencySymbol
	countryCode
	cultureInfo
	adminCultureInfo
	channelPrivacy
	facets
	fieldCount
)

func fieldNames() [fieldCount]string {
	return [fieldCount]string{
		"campaigns", "channel", "priceTables", "regionId", "utm_campaign", "utm_source", "utmi_campaign", "currencyCode",
		"currencySymbol", "countryCode", "cultureInfo", "admin_cultureInfo", "channelPrivacy", "facets",
	}
}

// conditions is a segment as the oracle knows it: what was generated, never what the edge made of it. "" is null.
type conditions struct {
	value [fieldCount]string
	extra map[string]string // compact JSON by name; never changed once made
}

// group is what a channel of the configuration brings along. Channels that it does not list bring the first one's.
func group(id string) conditions {
	c := conditions{}
	c.value = [fieldCount]string{
		channel: "1", currencyCode: "BRL", currencySymbol: "R$", countryCode: "BRA", cultureInfo: "pt-BR", channelPrivacy: "public",
	}
	switch id {
	case "2":
		c.value[currencyCode], c.value[currencySymbol], c.value[countryCode], c.value[cultureInfo] = "USD", "$", "USA", "en-US"
	case "3":
		c.value[channelPrivacy] = "private"
	}
	return c
}

// filled gives null fields their defaults.
func (c conditions) filled() conditions {
	defaults := group(c.value[channel])
	for f := range c.value {
		if c.value[f] == "" {
			c.value[f] = defaults.value[f]
		}
	}
	return c
}

// enter moves to a channel with all that comes with it.
func (c *conditions) enter(id string) {
	to := group(id)
	for _, f := range []int{currencyCode, currencySymbol, countryCode, cultureInfo, channelPrivacy} {
		c.value[f] = to.value[f]
	}
	c.value[channel] = id
}

// overlaid is what the query of a request makes of a segment. Of a parameter that comes twice the first counts.
func (c conditions) overlaid(query []param) conditions {
	first := map[string]string{}
	for _, p := range query {
		if _, seen := first[p.name]; !seen {
			first[p.name] = p.value
		}
	}
	if sc := first["sc"]; sc == "1" || sc == "2" {
		c.enter(sc)
	}
	for name, f := range map[string]int{"utm_source": utmSource, "utm_campaign": utmCampaign, "utmi_cp": utmiCampaign} {
		if v, ok := first[name]; ok {
			c.value[f] = v
		}
	}
	return c
}

// unproven is what is left of a segment without a seal: DESIGN.md, "Seal", unsealed: default.
func (c conditions) unproven() conditions {
	// "03" is no channel of the configuration, but some origin would read it as one.
	if id := c.value[channel]; id == "3" || id == "03" {
		c.enter("1")
	}
	defaults := group(c.value[channel])
	for _, f := range []int{priceTables, campaigns, channelPrivacy, facets} {
		c.value[f] = defaults.value[f]
	}
	return c
}

// projected is what the origin is asked for: the named fields as they are, all others at the defaults that follow from
// those. nil stands for all fields.
func (c conditions) projected(fields []string) conditions {
	if fields == nil {
		return c
	}
	id := "1"
	if slices.Contains(fields, "channel") {
		id = c.value[channel]
	}
	out := group(id)
	for f, name := range fieldNames() {
		if slices.Contains(fields, name) {
			out.value[f] = c.value[f]
		}
	}
	out.extra = map[string]string{}
	for name, raw := range c.extra {
		if slices.Contains(fields, name) {
			out.extra[name] = raw
		}
	}
	return out
}

func (c conditions) equal(o conditions) bool {
	return c.value == o.value && maps.Equal(c.extra, o.extra)
}

// member is one name of a JSON object with its raw value.
type member struct{ name, raw string }

// members are the JSON of the segment as the public system writes it.
func (c conditions) members() []member {
	var list []member
	for f, name := range fieldNames() {
		switch v := c.value[f]; {
		case v != "":
			list = append(list, member{name, quoted(v)})
		case f != adminCultureInfo && f != facets:
			list = append(list, member{name, "null"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.extra)) {
		list = append(list, member{name, c.extra[name]})
	}
	return list
}

func object(list []member) []byte {
	b := []byte{'{'}
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, quoted(m.name)...), ':'), m.raw...)
	}
	return append(b, '}')
}

func (c conditions) token() string { return base64.RawStdEncoding.EncodeToString(object(c.members())) }

// quoted writes a string as JSON.stringify does, for what the generator makes: it has no U+2028.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A string cannot fail to encode.
	_ = enc.Encode(s)
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}

// stated reads a token that an origin issued. It is no decoder of what shoppers send: those are generated.
func stated(token string) (conditions, error) {
	text, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil {
		return conditions{}, err
	}
	var fields map[string]*string
	if err := json.Unmarshal(text, &fields); err != nil {
		return conditions{}, err
	}
	var c conditions
	for f, name := range fieldNames() {
		if v := fields[name]; v != nil {
			c.value[f] = *v
		}
	}
	return c, nil
}
