package isolation_test

import (
	"strings"
	"testing"
	"time"
)

// TestEntitled: what sessions are entitled to, on cases that were worked out by hand.
func TestEntitled(t *testing.T) {
	w := world{tables: firstTables(), ranges: firstRanges(), audiences: allAudiences()}
	now := time.Now()
	who := func(email string) login { return login{email: email, expires: now.Add(time.Minute), sound: true} }
	f := func(s state, want string) {
		t.Helper()
		var got []string
		for i, v := range s.settled(now).entitled(w, now).value {
			if v != group("1").value[i] {
				got = append(got, fieldNames()[i]+"="+v)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%+v: %q, want %q", s, text, want)
		}
	}
	const (
		rio     = "v2.D04D6EDE37249554E4BB7528CF261EBA"
		empty   = "v2.FF6F4914BA56D6BD91FDA9066E3A46EA"
		dollars = "currencyCode=USD currencySymbol=$ countryCode=USA cultureInfo=en-US"
	)
	ann, olivia := who("ann@gold.example"), who("olivia@acme.example")
	f(state{}, "")
	f(state{shopper: ann}, "campaigns=sale priceTables=gold")
	f(state{shopper: login{email: ann.email, expires: ann.expires}}, "")
	f(state{shopper: login{email: ann.email, expires: now, sound: true}}, "")
	f(state{shopper: ann, sc: "3"}, "campaigns=sale channel=3 priceTables=gold channelPrivacy=private")
	f(state{shopper: who("dan@plain.example"), sc: "3"}, "campaigns=sale")
	f(state{shopper: who("new@x.example")}, "campaigns=sale")
	f(state{shopper: who("vera@vip.example")}, "campaigns=vip,sale priceTables=silver")
	f(state{shopper: ann, source: "newsletter", campaign: "black friday"}, "campaigns=mail-gold,sale,bf priceTables=gold utm_campaign=black friday utm_source=newsletter")
	f(state{operator: olivia, wish: "ANN@gold.example"}, "campaigns=sale priceTables=gold")
	f(state{operator: who("eve@evil.example"), wish: ann.email}, "")
	f(state{shopper: who("dan@plain.example"), wish: ann.email}, "campaigns=sale")
	f(state{postal: "20040-020"}, "campaigns=rio regionId="+rio)
	f(state{postal: "20040020", sc: "2"}, "channel=2 "+dollars) // no ZIP code
	f(state{postal: "90010150", country: "BRA"}, "regionId="+empty)
	f(state{coordinates: "-60,-3.1"}, "regionId="+empty)
	f(state{postal: "220500"}, "")
	f(state{culture: "es-MX", facets: "b=2;productClusterIds=not:140;"}, "cultureInfo=es-MX facets=productClusterIds=not:140;")
}

// TestWishes: an operator's wish comes true, or is gone.
func TestWishes(t *testing.T) {
	now := time.Now()
	olivia := login{email: "olivia@acme.example", expires: now.Add(time.Minute), sound: true}
	f := func(s state, wish string, acting bool) {
		t.Helper()
		if got := s.settled(now); got.wish != wish || got.acting != acting {
			t.Errorf("%+v: %q %v, want %q %v", s, got.wish, got.acting, wish, acting)
		}
	}
	const ann = "ann@gold.example"
	f(state{operator: olivia, wish: ann}, ann, true)
	f(state{operator: olivia, wish: "nobody@x.example"}, "", false)
	f(state{operator: olivia, acting: true}, "", false)
	f(state{wish: ann}, "", false)
	f(state{wish: ann, acting: true}, "", false) // logged out
	f(state{shopper: olivia, wish: ann}, "", false)
}
