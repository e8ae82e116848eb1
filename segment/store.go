package segment

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// store knows the channels, and through them what each field's default is.
type store struct {
	standard string // the default channel
	groups   map[string]Segment
	private  []string // ids of private channels
	listed   map[string]Channel
}

func newStore(channels []Channel) *store {
	s := &store{standard: channels[0].ID, groups: map[string]Segment{}, listed: map[string]Channel{}}
	for _, c := range channels {
		s.listed[c.ID] = c
		s.groups[c.ID] = c.segment()
		if c.Private {
			s.private = append(s.private, c.ID)
		}
	}
	return s
}

// name is injective in the default channel and the group of each.
func (s *store) name() string {
	text := []byte(strconv.Quote(s.standard))
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		text = strconv.AppendQuote(text, id)
		for _, v := range s.groups[id].values {
			text = strconv.AppendQuote(text, v)
		}
	}
	return string(text)
}

// segment is the channel with its store group, all else null.
func (c Channel) segment() Segment {
	var s Segment
	s.values[fieldChannel] = c.ID
	s.values[fieldCountryCode] = c.CountryCode
	s.values[fieldCultureInfo] = c.CultureInfo
	s.values[fieldCurrencyCode] = c.CurrencyCode
	s.values[fieldCurrencySymbol] = c.CurrencySymbol
	s.values[fieldChannelPrivacy] = "public"
	if c.Private {
		s.values[fieldChannelPrivacy] = "private"
	}
	return s
}

// defaults is the default segment of a channel: its store group if it is listed, that of the default channel
// otherwise. The channel itself is the default one.
func (s *store) defaults(channel string) Segment {
	group, ok := s.groups[channel]
	if !ok {
		group = s.groups[s.standard]
	}
	group.values[fieldChannel] = s.standard
	return group
}

// fill gives the fields of seg that are null their defaults.
func (s *store) fill(seg *Segment) {
	defaults := s.defaults(seg.values[fieldChannel])
	for f := range seg.values {
		if seg.values[f] == "" {
			seg.values[f] = defaults.values[f]
		}
	}
}

// enter moves seg to the channel of group and to its whole store group.
func (s *store) enter(seg *Segment, group Segment) {
	seg.values[fieldChannel] = group.values[fieldChannel]
	for _, f := range groupFields {
		seg.values[f] = group.values[f]
	}
}

// isPrivate tells whether a stated channel is a private one, or an unlisted spelling that a lax reader behind us
// would take for one: "03", " 3", "3.0" and 3e0 are all channel 3 to somebody.
func (s *store) isPrivate(channel string) bool {
	if c, ok := s.listed[channel]; ok {
		return c.Private
	}
	for _, id := range s.private {
		if laxlyEqual(channel, id) {
			return true
		}
	}
	return false
}

// laxlyEqual errs on the side of equality.
func laxlyEqual(channel, id string) bool {
	channel = strings.TrimFunc(channel, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\ufeff'
	})
	if strings.EqualFold(channel, id) {
		return true
	}
	want, err := strconv.ParseFloat(id, 64)
	if err != nil {
		return false
	}
	// Beyond ASCII there are digits that Python's and Java's integers accept.
	if strings.ContainsFunc(channel, func(r rune) bool { return r > unicode.MaxASCII }) {
		return true
	}
	// Number("0x3"), Number("3e0") and parseInt("3 or so") in turn.
	if n, err := strconv.ParseInt(channel, 0, 64); err == nil && float64(n) == want {
		return true
	}
	if n, err := strconv.ParseFloat(channel, 64); err == nil && n == want {
		return true
	}
	n, err := strconv.ParseFloat(leadingDigits(channel), 64)
	return err == nil && n == want
}

func leadingDigits(s string) string {
	s = strings.TrimPrefix(s, "+")
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}
