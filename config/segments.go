package config

import (
	"slices"
	"time"
)

type segmentSection struct {
	cookie   string
	channels []entry[channelSection]
	sealed   []string
	unsealed string // empty until completed
	keysFile string
	sealTTL  Duration
	overlay  []entry[string] // parameter to field; nil until completed
	allow    []entry[[]string]
	maxBytes Size
}

type channelSection struct {
	countryCode, cultureInfo, currencyCode, currencySymbol string
	channelPrivacy                                         string
}

func segmentDefaults() segmentSection {
	return segmentSection{
		cookie:   "vtex_segment",
		sealed:   []string{"priceTables", "campaigns", "channelPrivacy", "facets"},
		keysFile: "./data/seal.keys",
		sealTTL:  Duration(time.Hour),
		maxBytes: 4 << 10,
	}
}

func segmentKeys(s *segmentSection) []field {
	return []field{
		key("cookie", &s.cookie, text("text", cookieName)),
		key("channels", &s.channels, mapOf(word, object(channelDefaults, channelKeys))),
		key("sealed", &s.sealed, listOf(text("text", knownField))),
		key("unsealed", &s.unsealed, unset(oneOf("default", "pass"))),
		key("keys_file", &s.keysFile, text("path", nonEmpty)),
		key("seal_ttl", &s.sealTTL, duration()),
		key("overlay", &s.overlay, mapOf(inKey(nonEmpty), text("text", knownField))),
		key("allow", &s.allow, mapOf(inKey(knownField), listOf(anyText()))),
		key("max_bytes", &s.maxBytes, size()),
	}
}

func channelDefaults() channelSection { return channelSection{channelPrivacy: "public"} }

func channelKeys(c *channelSection) []field {
	return []field{
		key("countryCode", &c.countryCode, unset(text("text", nil))),
		key("cultureInfo", &c.cultureInfo, unset(text("text", nil))),
		key("currencyCode", &c.currencyCode, unset(text("text", nil))),
		key("currencySymbol", &c.currencySymbol, unset(text("text", nil))),
		key("channelPrivacy", &c.channelPrivacy, oneOf("public", "private")),
	}
}

// completeSegment fills in the defaults that depend on other keys.
func completeSegment(s *segmentSection, mode string) {
	if s.unsealed == "" {
		s.unsealed = "pass"
		if mode != "off" { // what our own sidecar did not seal, nobody has issued
			s.unsealed = "default"
		}
	}
	if s.overlay == nil {
		s.overlay = []entry[string]{}
		for _, e := range []entry[string]{{"utm_source", "utm_source"}, {"utm_campaign", "utm_campaign"}, {"utmi_cp", "utmi_campaign"}, {"sc", "channel"}} {
			if !slices.Contains(s.sealed, e.value) { // a sealed field cannot be set by a link
				s.overlay = append(s.overlay, e)
			}
		}
	}
}

// checkSegment holds the rules that package segment does not know of; its own follow in
// checkOptions.
func checkSegment(d *decoder, s *segmentSection) {
	if d.has("segment.channels") && len(s.channels) == 0 {
		d.failAt("segment.channels", "is empty: leave it out, or name the default channel first")
	}
	if len(s.channels) > 0 && s.channels[0].value.channelPrivacy == "private" {
		d.failAt(under("segment", "channels", s.channels[0].name), "is the first and so the default channel, it cannot be private")
	}
	checkOverlay(d, s)
	if s.sealTTL == 0 {
		d.failAt("segment.seal_ttl", "is zero: no seal would ever be valid")
	}
	if s.maxBytes == 0 || s.maxBytes > 64<<10 {
		d.failAt("segment.max_bytes", "%s is not between 1 and 64KiB", s.maxBytes)
	}
	checkRepeated(d, "segment.sealed", s.sealed)
	for _, e := range s.allow {
		checkRepeated(d, under("segment", "allow", e.name), e.value)
	}
}

func checkOverlay(d *decoder, s *segmentSection) {
	first := map[string]string{}
	for _, e := range s.overlay {
		at := under("segment", "overlay", e.name)
		if e.value == "" {
			continue // noted when it was read
		}
		if slices.Contains(s.sealed, e.value) {
			d.failAt(at, "%q is in segment.sealed: anybody could set it by a link", e.value)
		}
		if before, twice := first[e.value]; twice && before != e.name {
			d.failAt(at, "%q is overlaid by %q already", e.value, before)
		}
		first[e.value] = e.name
	}
}
