package transform

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aislecache/aisle/segment"
)

// StoreOptions of the store app.
type StoreOptions struct {
	// Channels as in segment.Options: the first is the default; none: one channel "1".
	Channels []segment.Channel
	// Member says whether a shopper may be on a private channel, from the app's inputs. nil: nobody may.
	Member func(channel string, in Values) bool
	// MemberReads are inputs that Member needs beside those that the app has anyway.
	MemberReads Declaration
	// MemberRules says by what rules Member decides: with others every session is looked at once more.
	MemberRules string
}

// Store is the App that puts a shopper on a sales channel, and so into its store group. It is safe for concurrent use.
type Store struct {
	channels []segment.Channel
	byID     map[string]segment.Channel
	member   func(channel string, in Values) bool
	reads    Declaration
	basis    string
}

// NewStore returns the app, or every fault of the channels.
func NewStore(o StoreOptions) (*Store, error) {
	if err := (segment.Options{Channels: o.Channels}).Validate(); err != nil {
		return nil, err
	}
	s := &Store{channels: append([]segment.Channel(nil), o.Channels...), byID: map[string]segment.Channel{}, member: o.Member, reads: o.MemberReads, basis: fmt.Sprintf("%+v %s", o.Channels, o.MemberRules)}
	if len(s.channels) == 0 {
		s.channels = []segment.Channel{{ID: "1"}}
	}
	if s.member == nil {
		s.member = func(string, Values) bool { return false }
	}
	for _, c := range s.channels {
		s.byID[c.ID] = c
	}
	return s, nil
}

// Spec implements App (facts, part 4).
func (s *Store) Spec() Spec {
	in := Declaration{PublicNamespace: {"cultureInfo", "sc", "locale"}, "profile": {"email", "isAuthenticated"}, "authentication": {"storeUserId"}}
	for namespace, names := range s.reads {
		for _, name := range names {
			if !slices.Contains(in[namespace], name) {
				in[namespace] = append(in[namespace], name)
			}
		}
	}
	return Spec{
		Name:        "store",
		Input:       in,
		Output:      Declaration{"store": {"channel", "countryCode", "cultureInfo", "currencyCode", "currencySymbol", "channelPrivacy"}},
		RunOnCreate: true,
		Basis:       s.basis,
	}
}

// Transform implements App. The channel is public.sc if this shopper may be on it, and the default one without
// public.sc. Any other public.sc is refused where the request states it: 401 for a stranger, 403 for who is logged in;
// for one stated earlier the shopper is on the default channel. A channel that does not exist and one that the
// shopper must not see are refused in the same words, so that nobody learns which there are.
func (s *Store) Transform(_ context.Context, in Values) (Values, error) {
	sc := Key{PublicNamespace, "sc"}
	if Empty(in.Get(sc)) {
		return s.group(s.channels[0], in), nil
	}
	if c, ok := s.byID[in.Scalar(sc)]; ok && (!c.Private || s.member(c.ID, in)) {
		return s.group(c, in), nil
	}
	refusal := &Refusal{Status: http.StatusUnauthorized, Reason: "this sales channel is not open to you: log in", Of: sc}
	if loggedIn(in) {
		refusal.Status, refusal.Reason = http.StatusForbidden, "this sales channel is not open to you"
	}
	return s.group(s.channels[0], in), refusal
}

// loggedIn goes by profile.isAuthenticated, and where no app gives one by who the authentication app says has logged in.
func loggedIn(in Values) bool {
	if said := in.Scalar(Key{"profile", "isAuthenticated"}); said != "" {
		return strings.EqualFold(said, "true")
	}
	return in.Scalar(Key{"authentication", "storeUserId"}) != ""
}

// group is the store group of a channel, in the shopper's own language where they say one.
func (s *Store) group(c segment.Channel, in Values) Values {
	privacy := "public"
	if c.Private {
		privacy = "private"
	}
	out := Values{}
	for name, text := range map[string]string{
		"channel": c.ID, "countryCode": c.CountryCode, "cultureInfo": culture(in, c.CultureInfo),
		"currencyCode": c.CurrencyCode, "currencySymbol": c.CurrencySymbol, "channelPrivacy": privacy,
	} {
		out.put(Key{"store", name}, TextValue(text))
	}
	return out
}
