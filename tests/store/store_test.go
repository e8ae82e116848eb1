package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// The prices of the product: without a table, and with gold.
const (
	listed = "R$ 168,90"
	gold   = "R$ 143,57"
)

func (p *shopper) wantPrice(want string) {
	p.t.Helper()
	if got := p.sees(); got != want {
		p.t.Errorf("the shopper sees %s, want %s", got, want)
	}
}

// TestPriceTableTakenAway: the next call of the sessions API issues the new segment; the old seal counts until it runs out, and
// `aisle sessions revoke` ends it at once.
func TestPriceTableTakenAway(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	ann, other := s.shopper(), s.shopper()
	ann.logsIn("ann@gold.example")
	other.logsIn("rafael@gold.example")
	ann.wantPrice(gold)
	if a := other.do("GET", product, ""); !a.Hit() || !strings.Contains(a.Body, gold) {
		t.Errorf("the second shopper of the segment: %s", a.CacheStatus())
	}
	before := ann.keeps()
	s.replace("customers.csv", "0101,gold", "0101,")
	ann.becomes("profile.priceTables", "")
	ann.wantPrice(listed)
	before.wantPrice(gold) // the old seal, which nobody has revoked
	out := s.tool("sessions", "revoke", ann.jar["vtex_session"])
	if !strings.Contains(out, "revoked ") || !strings.Contains(out, "void: 2\n") {
		t.Errorf("revoke says %q", out)
	}
	before.wantPrice(listed)
	other.wantPrice(gold) // whose seal is another now
	ann.wantPrice(listed)
	ann.logsIn("ann@gold.example") // a session anew
	ann.wantPrice(listed)
}

// TestRevokeASegment ends what a stranger holds, and no session.
func TestRevokeASegment(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	ann := s.shopper()
	ann.logsIn("ann@gold.example")
	thief := ann.keeps()
	thief.wantPrice(gold)
	s.tool("sessions", "revoke", ann.jar["vtex_segment"])
	thief.wantPrice(listed)
	ann.wantPrice(gold)
	if state := s.metric(`aisle_segment_seals_total{result="revoked"}`); state == "" || state == "0" {
		t.Errorf("%q revoked seals are counted", state)
	}
}

func (s *shop) metric(series string) string {
	s.t.Helper()
	for line := range strings.Lines(rig.Get(s.t, s.edge.Admin+"/metrics").Body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// TestAudienceEnds by its own end, and by a new configuration.
func TestAudienceEnds(t *testing.T) {
	t.Parallel()
	until := ""
	s := start(t, func(config string) string {
		until = time.Now().Add(8 * time.Second).UTC().Format(time.RFC3339)
		return strings.Replace(config, "name: vip, when: 'profile.email endsWith \"@vip.example\"', priority: 10, from: 2026-01-01, until: 2030-01-01",
			"name: vip, when: 'profile.email endsWith \"@vip.example\"', until: "+until, 1)
	})
	leo, visitor := s.shopper(), s.shopper()
	leo.logsIn("leo@vip.example")
	if got := leo.value("rnb.campaigns"); got != "7f1c" {
		t.Fatalf("%q until %s", got, until)
	}
	had := leo.keeps()
	wantClub := func(p *shopper, want bool) {
		t.Helper()
		if got := strings.Contains(p.do("GET", product, "").Body, "VIP club"); got != want {
			t.Errorf("a page of the club: %v", got)
		}
	}
	wantClub(leo, true)
	leo.becomes("rnb.campaigns", "")
	wantClub(leo, false)
	wantClub(had, true) // the old seal
	s.tool("sessions", "revoke", leo.jar["vtex_session"])
	wantClub(had, false)

	visitor.do("POST", "/api/sessions?utm_campaign=black+friday", "{}", "Content-Type: application/json")
	if got := visitor.value("rnb.campaigns"); got != "9a2e" {
		t.Errorf("by a campaign's link: %q", got)
	}
	s.replace("edge.yaml", `public.utm_campaign == "black friday"`, `public.utm_campaign == "cyber monday"`)
	s.reload()
	if got := visitor.value("rnb.campaigns"); got != "" {
		t.Errorf("after the reload: %q", got)
	}
	s.replace("edge.yaml", `public.utm_campaign == "cyber monday"`, `public.utm_campain ==`)
	if a, err := rig.Fetch("POST", s.edge.Admin+"/-/reload", ""); err != nil || a.Status != 422 || !strings.Contains(a.Body, "sessions.transforms.rnb.audiences[1].when: ") {
		t.Errorf("a bad expression: %v %s", err, a.Body)
	}
}

// TestPostalCodeMoves to another region.
func TestPostalCodeMoves(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	p := s.shopper()
	p.says("postalCode=04561-000", "country=BRA")
	was := p.value("checkout.regionId")
	region := func() string {
		a := p.do("GET", "/api/checkout/pub/regions/?country=BRA&postalCode=04561000", "")
		if a.Status != 200 || !strings.HasPrefix(a.Body, `[{"id":"`) {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return strings.Split(a.Body, `"`)[3]
	}
	if got := region(); was == "" || got != was {
		t.Errorf("the regions API says %s, the session %s", got, was)
	}
	had := p.keeps()
	page := had.do("GET", product, "").Body
	s.replace("regions.csv", "BRA,01000000,19999999,,casa-lume;atelier-paulista", "BRA,01000000,19999999,,casa-lume;maresia")
	for end := time.Now().Add(30 * time.Second); p.value("checkout.regionId") == was; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the region stays")
		}
	}
	if got := region(); got != p.value("checkout.regionId") {
		t.Errorf("the regions API says %s, the session %s", got, p.value("checkout.regionId"))
	}
	if p.do("GET", product, "").Body == page {
		t.Error("the page of another region is the same")
	}
	for _, c := range []struct {
		target string
		status int
		want   string
	}{
		{"/api/checkout/pub/regions?country=BRA&postalCode=220500", 400, "O campo CEP (220500) nos dados de entrega é inválido"},
		{"/api/checkout/pub/regions?country=BRA", 400, "CHK0119"},
		{"/br/api/checkout/pub/postal-code/BRA/04561000", 200, `"postalCode":"04561000"`},
	} {
		if a := p.do("GET", c.target, ""); a.Status != c.status || !strings.Contains(a.Body, c.want) {
			t.Errorf("%s: %d %s", c.target, a.Status, a.Body)
		}
	}
}

// TestExplain tells why a shopper is in an audience.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	p := s.shopper()
	p.logsIn("leo@vip.example")
	out := s.tool("sessions", "show", p.jar["vtex_session"], "--explain")
	for _, want := range []string{`"reason": "matched"`, `"reason": "unmet"`, `"profile.email": "leo@vip.example"`, `"campaigns": "7f1c"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if plain := s.tool("sessions", "show", p.jar["vtex_session"]); strings.Contains(plain, "audiences") || strings.Contains(plain, "VtexIdclientAutCookie") {
		t.Errorf("without --explain:\n%s", plain)
	}
}

// TestPrivateChannel is for members; who asks and may not is told by a 401 or a 403, and stays where they are.
func TestPrivateChannel(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	f := func(email string, status int, channel string) {
		t.Helper()
		p := s.shopper()
		if email != "" {
			p.logsIn(email)
		}
		if a := p.says("sc=3"); a.Status != status {
			t.Errorf("%q: %d %s", email, a.Status, a.Body)
		}
		if got := p.value("store.channel"); got != channel {
			t.Errorf("%q is on %q", email, got)
		}
	}
	f("", 401, "1")
	f("sofia@silver.example", 403, "1")
	f("ann@gold.example", 201, "3")
}

// TestMembersChange: who may no longer be on a private channel leaves it at the next call.
func TestMembersChange(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	ann := s.shopper()
	ann.logsIn("ann@gold.example")
	ann.says("sc=3")
	business := ann.sees()
	had := ann.keeps()
	s.replace("edge.yaml", `"gold" in split(profile.priceTables, ",")`, `"platinum" in split(profile.priceTables, ",")`)
	s.reload()
	if got := ann.value("store.channel"); got != "1" {
		t.Errorf("the shopper is on %q", got)
	}
	ann.wantPrice(gold)
	had.wantPrice(business) // the old seal
	s.tool("sessions", "revoke", ann.jar["vtex_session"])
	if got := had.sees(); got == business {
		t.Errorf("the revoked seal still has %s", got)
	}
}

// TestARevocationOutlivesTheEdge: at a restart, and where no edge was there to be asked.
func TestARevocationOutlivesTheEdge(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	ann, rafael := s.shopper(), s.shopper()
	ann.logsIn("ann@gold.example")
	had := ann.keeps()
	had.wantPrice(gold)
	s.tool("sessions", "revoke", ann.jar["vtex_session"])
	had.wantPrice(listed)
	s.restart(nil)
	had.wantPrice(listed)

	rafael.logsIn("rafael@gold.example")
	had = rafael.keeps()
	had.wantPrice(gold)
	s.restart(func() { s.tool("sessions", "revoke", rafael.jar["vtex_session"]) })
	had.wantPrice(listed)
	if got := rafael.value("profile.priceTables"); got != "gold" {
		t.Errorf("a session anew, of who is still logged in, has %q", got)
	}
}

// TestImpersonation: an operator sees a customer's prices; every step is on record, and nobody else may.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	operator, customer := s.shopper(), s.shopper()
	operator.logsIn("otto@acme.example", "as", "operator")
	operator.wantPrice(listed)
	const as = "vtex-impersonated-customer-email="
	operator.says(as + "ann@gold.example")
	operator.wantPrice(gold)
	if got := operator.value("impersonate.storeUserEmail"); got != "ann@gold.example" {
		t.Errorf("the operator acts as %q", got)
	}
	operator.says(as)
	operator.wantPrice(listed)
	operator.says(as + "ann@gold.example")
	delete(operator.jar, "VtexIdclientAutCookie")
	operator.says()
	operator.wantPrice(listed) // an operator who has logged out impersonates nobody

	customer.logsIn("sofia@silver.example")
	silver := customer.sees()
	customer.says(as + "ann@gold.example")
	customer.wantPrice(silver)
	for step, n := range map[string]int{"started": 2, "stopped": 1, "ended": 1, "denied": 1} {
		if got := s.metric(fmt.Sprintf(`aisle_sessions_impersonations_total{step=%q}`, step)); got != fmt.Sprint(n) {
			t.Errorf("%s %s times, want %d", step, got, n)
		}
		if _, err := s.edge.WaitStderr(fmt.Sprintf(`"msg":"impersonation","step":%q`, step)); err != nil {
			t.Error(err)
		}
	}
}

// TestImpersonationStops by "" though the browser goes on sending its cookie, and begins by the cookie that names another customer.
// Each step is on record once, as is the wish of somebody who has not logged in.
func TestImpersonationStops(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	operator, stranger := s.shopper(), s.shopper()
	const as = "vtex-impersonated-customer-email="
	operator.logsIn("otto@acme.example", "as", "operator")
	operator.says(as + "ann@gold.example")
	operator.jar["vtex-impersonated-customer-email"] = "ann%40gold.example"
	operator.says()
	operator.wantPrice(gold)
	for range 2 {
		operator.says(as)
		operator.wantPrice(listed)
		operator.says()
		operator.wantPrice(listed)
		if got := operator.value("impersonate.storeUserEmail"); got != "" {
			t.Errorf("the operator still acts as %q", got)
		}
	}
	operator.jar["vtex-impersonated-customer-email"] = "rafael@gold.example"
	operator.says()
	operator.wantPrice(gold)
	delete(operator.jar, "VtexIdclientAutCookie")
	if got := operator.value("impersonate.storeUserEmail"); got != "" { // a GET shows the log-out
		t.Errorf("who has logged out acts as %q", got)
	}

	stranger.jar["vtex-impersonated-customer-email"] = "ann@gold.example"
	for range 3 {
		stranger.says()
	}
	stranger.logsIn("otto@acme.example", "as", "operator")
	stranger.wantPrice(gold)
	for step, n := range map[string]int{"started": 3, "stopped": 1, "ended": 1, "denied": 1} {
		if got := s.metric(fmt.Sprintf(`aisle_sessions_impersonations_total{step=%q}`, step)); got != fmt.Sprint(n) {
			t.Errorf("%s %s times, want %d", step, got, n)
		}
	}
	if _, err := s.edge.WaitStderr(`"msg":"impersonation","step":"denied","operator":"","customer":""`); err != nil {
		t.Error(err)
	}
}

// TestALoggedOutShopper has no price of the customer's any more once the sessions API is called, and a stranger at the same
// browser does not get them back.
func TestALoggedOutShopper(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	p := s.shopper()
	p.logsIn("ann@gold.example")
	p.wantPrice(gold)
	delete(p.jar, "VtexIdclientAutCookie_demo")
	p.says()
	p.wantPrice(listed)
	for _, name := range []string{"profile.email", "profile.firstName", "profile.priceTables", "authentication.storeUserEmail"} {
		if got := p.value(name); got != "" {
			t.Errorf("%s is still %q", name, got)
		}
	}
}
