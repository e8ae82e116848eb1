package transform_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
)

// storeEngine has the store app alone: two public channels, two private ones, of which members are on the first.
func storeEngine(t *testing.T) *transform.Engine {
	t.Helper()
	store, err := transform.NewStore(transform.StoreOptions{
		Channels: []segment.Channel{
			{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"},
			{ID: "2", CountryCode: "USA", CultureInfo: "en-US", CurrencyCode: "USD", CurrencySymbol: "$"},
			{ID: "3", CountryCode: "BRA", CurrencyCode: "BRL", Private: true},
			{ID: "4", Private: true},
		},
		Member: func(channel string, in transform.Values) bool {
			return channel == "3" && in.Text(key("profile.isAuthenticated")) == "true"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := transform.New([]transform.App{store}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *shopper) store(want string) {
	s.t.Helper()
	var parts []string
	for _, name := range []string{"channel", "countryCode", "cultureInfo", "currencyCode", "currencySymbol", "channelPrivacy"} {
		parts = append(parts, s.values.Text(key("store."+name)))
	}
	if got := strings.Join(parts, " "); got != want {
		s.t.Errorf("store group %q, want %q", got, want)
	}
}

func (s *shopper) refused(status int, words ...string) {
	s.t.Helper()
	before := s.values.Clone()
	_, err := s.try(words...)
	var refusal *transform.Refusal
	if !errors.As(err, &refusal) || refusal.Status != status {
		s.t.Errorf("%q: %v, want a refusal with %d", words, err, status)
		return
	}
	if strings.ContainsAny(err.Error(), "0123456789@") {
		s.t.Errorf("the refusal tells a value: %q", err)
	}
	wantValues(s.t, "after a refusal", s.values, before)
}

func TestStoreGroup(t *testing.T) {
	f := func(want string, words ...string) {
		t.Helper()
		s := newShopper(t, storeEngine(t))
		s.does(words...)
		s.store(want)
	}
	f("1 BRA pt-BR BRL R$ public")
	f("1 BRA pt-BR BRL R$ public", "public.sc=")
	f("1 BRA pt-BR BRL R$ public", "public.sc=1")
	f("2 USA en-US USD $ public", "public.sc=2")
	f("3 BRA  BRL  private", "public.sc=3", "profile.isAuthenticated=true")
	f("1 BRA es-AR BRL R$ public", "public.cultureInfo=es-ar")
	f("1 BRA fr BRL R$ public", "public.locale=fr")
	f("1 BRA es BRL R$ public", "public.cultureInfo=es", "public.locale=fr")
	f("1 BRA fr BRL R$ public", "public.cultureInfo=es_AR", "public.locale=fr")
	f("1 BRA pt-BR BRL R$ public", "public.cultureInfo=<script>", "public.locale=en-US-x-private")
	f("2 USA pt-BR USD $ public", "public.sc=2", "public.locale=pt-BR")
}

// TestStoreGroupMoves: a change of channel takes the whole group along, and clears what the new one has not.
func TestStoreGroupMoves(t *testing.T) {
	s := newShopper(t, storeEngine(t))
	s.does("profile.isAuthenticated=true")
	f := func(sc, want string, keys int) {
		t.Helper()
		s.does("public.sc=" + sc)
		s.store(want)
		if len(s.values["store"]) != keys {
			t.Errorf("%v", plain(s.values))
		}
	}
	f("2", "2 USA en-US USD $ public", 6)
	f("3", "3 BRA  BRL  private", 4) // no culture, no symbol
	f("", "1 BRA pt-BR BRL R$ public", 6)
}

func TestStoreRefuses(t *testing.T) {
	s := newShopper(t, storeEngine(t))
	s.does("public.sc=2")
	for _, sc := range []string{"3", "4", "9", " 2", "02", "1,2"} {
		s.refused(401, "public.sc="+sc)
		s.refused(403, "public.sc="+sc+"x", "profile.isAuthenticated=true")
		s.refused(403, "public.sc=4"+sc, "profile.isAuthenticated=True")
		s.refused(401, "public.sc="+sc, "profile.isAuthenticated=false", "profile.email=ann@x.org")
		s.refused(403, "public.sc="+sc, "authentication.storeUserId=7") // without the profile app
		s.refused(401, "public.sc="+sc, "authentication.storeUserId=7", "profile.isAuthenticated=false")
	}
	s.store("2 USA en-US USD $ public")

	// What exists and is not for the shopper, and what does not exist: the same words.
	_, private := s.try("public.sc=4")
	_, unknown := s.try("public.sc=nowhere")
	if private == nil || unknown == nil || private.Error() != unknown.Error() {
		t.Errorf("%v and %v", private, unknown)
	}
}

// TestStoreReadsNumbers: {"sc":{"value":2}} is a channel as well, any other type is none.
func TestStoreReadsNumbers(t *testing.T) {
	f := func(sc, want string) {
		t.Helper()
		e := storeEngine(t)
		r, err := e.Run(t.Context(), nil, transform.Change{Created: true, Values: transform.Values{"public": {"sc": json.RawMessage(sc)}}})
		if got := r.Values.Text(key("store.channel")); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", sc, got, err)
		}
	}
	f("2", "2")
	f(`"2"`, "2")
	f("null", "1")
	f("[2]", "")
	f(`{"value":2}`, "")
	f("2.0", "")
	f("true", "")
}

// TestStoreWithdraws: who may no longer be on a channel falls to the default one and is not locked out; who asks for it
// anew is refused.
func TestStoreWithdraws(t *testing.T) {
	s := newShopper(t, storeEngine(t))
	s.does("public.sc=3", "profile.isAuthenticated=true")
	s.store("3 BRA  BRL  private")
	r := s.does("profile.isAuthenticated=false")
	wantOutcomes(t, r, "store:withheld")
	s.store("1 BRA pt-BR BRL R$ public")
	if s.values.Text(key("public.sc")) != "3" {
		t.Error("what the shopper said is gone")
	}
	s.does("public.utm_source=x")
	s.store("1 BRA pt-BR BRL R$ public")
	s.refused(401, "public.sc=3")
	s.does("profile.isAuthenticated=true")
	s.store("3 BRA  BRL  private")
	if r := s.does(); len(r.Calls) != 0 {
		t.Errorf("settled, and called: %+v", r.Calls)
	}
}

// TestStoreOnCreate: a new session has its group before anything is said.
func TestStoreOnCreate(t *testing.T) {
	r, err := storeEngine(t).Run(t.Context(), vals("account.id=a"), transform.Change{Created: true})
	if err != nil || r.Rounds != 0 || r.Values.Text(key("store.channel")) != "1" {
		t.Errorf("%v, %d rounds, %v", err, r.Rounds, plain(r.Values))
	}
}

// TestNewStore: without members nobody is on a private channel; without channels there is "1", as in package segment.
func TestNewStore(t *testing.T) {
	f := func(want string, channels ...segment.Channel) {
		t.Helper()
		if _, err := transform.NewStore(transform.StoreOptions{Channels: channels}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("cannot be private", segment.Channel{ID: "1", Private: true})
	f("is there twice", segment.Channel{ID: "1"}, segment.Channel{ID: "1"})
	f("without a name", segment.Channel{ID: "1"}, segment.Channel{})

	run := func(o transform.StoreOptions, words ...string) (string, error) {
		t.Helper()
		store, err := transform.NewStore(o)
		if err != nil {
			t.Fatal(err)
		}
		out, err := store.Transform(t.Context(), vals(words...))
		return out.Text(key("store.channel")), err
	}
	if channel, err := run(transform.StoreOptions{}, "profile.isAuthenticated=true"); channel != "1" || err != nil {
		t.Errorf("no channels: %q, %v", channel, err)
	}
	channel, err := run(transform.StoreOptions{Channels: []segment.Channel{{ID: "1"}, {ID: "3", Private: true}}}, "public.sc=3", "profile.isAuthenticated=true")
	if channel != "1" || err == nil {
		t.Errorf("no members: %q, %v", channel, err)
	}
}

// TestStoreSegmentIsTheDefault: a shopper with a new session shares the pages of one without any.
func TestStoreSegmentIsTheDefault(t *testing.T) {
	channels := []segment.Channel{{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"}}
	for _, list := range [][]segment.Channel{nil, channels} {
		store, err := transform.NewStore(transform.StoreOptions{Channels: list})
		if err != nil {
			t.Fatal(err)
		}
		out, err := store.Transform(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]string{}
		for k := range out.All() {
			fields[k.Name] = out.Text(k)
		}
		got, err := segment.Make(fields)
		if err != nil {
			t.Fatal(err)
		}
		r, err := segment.New(segment.Options{Channels: list})
		if err != nil {
			t.Fatal(err)
		}
		if want := r.Resolve(time.Time{}, nil, nil, false, nil).Verified(); !got.Equal(want) {
			t.Errorf("%s, want %s", got.AppendJSON(nil), want.AppendJSON(nil))
		}
	}
}

// TestAnotherBasisIsLookedAtOnce: what an app was told by its configuration is part of what its outputs were made from.
func TestAnotherBasisIsLookedAtOnce(t *testing.T) {
	member := true
	engine := func(rules string) *transform.Engine {
		t.Helper()
		app, err := transform.NewStore(transform.StoreOptions{
			Channels: []segment.Channel{{ID: "1"}, {ID: "3", Private: true}}, Member: func(string, transform.Values) bool { return member }, MemberRules: rules,
		})
		if err != nil {
			t.Fatal(err)
		}
		e, err := transform.New([]transform.App{app}, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	sc := transform.Key{Namespace: "public", Name: "sc"}
	said := transform.Values{}
	said.Put(sc, transform.TextValue("3"))
	was, err := engine("a").Run(t.Context(), transform.Values{}, transform.Change{Created: true, Values: said})
	if err != nil {
		t.Fatal(err)
	}
	member = false
	f := func(rules string, calls int, channel string) {
		t.Helper()
		got, err := engine(rules).Run(t.Context(), was.Values, transform.Change{Marks: was.Marks})
		if err != nil || len(got.Calls) != calls || got.Values.Text(transform.Key{Namespace: "store", Name: "channel"}) != channel {
			t.Errorf("by rules %q: %+v, %v", rules, got, err)
		}
	}
	f("a", 0, "3")
	f("b", 1, "1")
}
