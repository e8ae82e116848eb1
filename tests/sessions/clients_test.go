package sessions_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fastStoreQuery is what FastStore API 4.8.0 sends with every call (facts, part 3).
const fastStoreQuery = "utm_source=google&utm_campaign=black+friday&sc=2&postalCode=04561000&country=BRA&geoCoordinates=-46.68%2C-23.6" +
	"&locale=pt-BR&items=profile.id%2Cprofile.email%2Cprofile.firstName%2Cprofile.lastName%2Cprofile.phone%2Cshopper.firstName%2Cshopper.lastName%2C" +
	"shopper.organizationManager%2Cshopper.availableContracts%2Cshopper.activeContractId%2Cstore.channel%2Cstore.countryCode%2Cstore.cultureInfo%2C" +
	"store.currencyCode%2Cstore.currencySymbol%2Cauthentication.customerId%2Cauthentication.storeUserId%2Cauthentication.storeUserEmail%2C" +
	"authentication.unitId%2Cauthentication.unitName%2Ccheckout.regionId%2Cpublic.postalCode"

// TestFastStore: POST without a session, then PATCH with each Set-Cookie sent back, among the cookies of a browser.
func TestFastStore(t *testing.T) {
	const browser = "VtexWorkspace=master%3A-; {\"broken\":1}=x; VTEXSC=sc=2; checkout.vtex.com=__ofid=1b2; janus_sid=7e"
	everywhere(t, func(t *testing.T, s shop) {
		call := func(method, cookies, query string) *answer {
			t.Helper()
			return raw(t, s.last(), method+" /api/sessions?"+query+" HTTP/1.1\nHost: shop.example\ncontent-type: application/json\ncookie: "+cookies+"\n\n{}")
		}
		a := call("POST", browser, fastStoreQuery).want(201)
		created := a.session()
		if lines := a.header.Values("Set-Cookie"); len(lines) != 3 {
			t.Fatalf("%d Set-Cookie lines: %q", len(lines), lines)
		}
		want := map[string]any{"channel": "2", "countryCode": "USA", "cultureInfo": "pt-BR", "currencyCode": "USD", "currencySymbol": "$"}
		for key, v := range want {
			if got := created.value("store", key); got != v {
				t.Errorf("store.%s is %v, not %v", key, got, v)
			}
		}
		if region, _ := created.value("checkout", "regionId").(string); region == "" || created.value("public", "postalCode") != "04561000" {
			t.Errorf("no region of the postal code: %s", a.body)
		}
		cookies := browser + "; " + a.jar("vtex_session", "vtex_segment", "aisle_seal")
		patched := call("PATCH", cookies, strings.Replace(fastStoreQuery, "04561000", "01310100", 1)).want(200).session()
		if patched.ID != created.ID || patched.value("public", "postalCode") != "01310100" {
			t.Errorf("PATCH: %+v", patched)
		}
	})
}

// TestRenderSession: the Store Framework below the path of a binding, its control parameters, and how it clears a session.
func TestRenderSession(t *testing.T) {
	const items = "account.id,account.accountName,store.channel,store.countryCode,store.cultureInfo,store.currencyCode,store.currencySymbol," +
		"store.admin_cultureInfo,creditControl.creditAccounts,creditControl.deadlines,creditControl.minimumInstallmentValue," +
		"authentication.storeUserId,authentication.storeUserEmail,profile.firstName,profile.document,profile.email,profile.id," +
		"profile.isAuthenticated,profile.lastName,profile.phone,public.favoritePickup,public.utm_source,public.utm_medium,public.utm_campaign," +
		"public.utmi_cp,public.utmi_p,public.utmi_pc"
	everywhere(t, func(t *testing.T, s shop) {
		a := raw(t, s.first(), "POST /br/api/sessions?utm_source=google&gclid=Cj0&utm_medium=cpc&items="+items+"&supportedLocales=pt-BR%2Cen-US&__bindingId=b1 HTTP/1.1\n"+
			"Host: shop.example\nOrigin: https://shop.example\nSec-Fetch-Site: same-origin\nContent-Type: application/json\n\n{}").want(201)
		created := a.session()
		if created.value("account", "accountName") != "acme" || created.value("public", "utm_medium") != "cpc" || created.value("public", "utm_source") != "google" {
			t.Errorf("%s", a.body)
		}
		if profile, there := created.Namespaces["profile"]; there && profile["isAuthenticated"].Value == nil {
			t.Errorf("it reads profile.isAuthenticated of every profile: %s", a.body)
		}
		cookies := "\nCookie: " + a.jar("vtex_session", "vtex_segment", "aisle_seal")
		body := `{"public":{"favoritePickup":{"value":{"address":{"city":"São Paulo"},"name":"Loja"}}}}`
		raw(t, s.last(), "PATCH /br/api/sessions?utm_source=google HTTP/1.1\nHost: shop.example\nContent-Type: application/json"+cookies+"\n\n"+body).want(200)
		all := raw(t, s.first(), "GET /br/api/sessions?items=public.* HTTP/1.1\nHost: shop.example"+cookies+"\n\n").want(200).session()
		want := map[string]any{"address": map[string]any{"city": "São Paulo"}, "name": "Loja"}
		if diff := cmp.Diff(want, all.value("public", "favoritePickup")); diff != "" {
			t.Errorf("favoritePickup (-want +got):\n%s", diff)
		}
		for _, control := range []string{"items", "supportedLocales", "__bindingId"} {
			if all.value("public", control) != nil {
				t.Errorf("%s has become a value", control)
			}
		}
		cleared := raw(t, s.first(), "GET /br/api/sessions/invalidToken?items=* HTTP/1.1\nHost: shop.example"+cookies+"\n\n").want(200)
		if cleared.session().ID == created.ID || cleared.cookies["vtex_session"] == "" {
			t.Errorf("clearSession: %q %s", cleared.header.Values("Set-Cookie"), cleared.body)
		}
	})
}

// TestSessionClient: it edits by one edge and reads by the other, with the token from before the edit (facts 2.2).
func TestSessionClient(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		created := raw(t, s.first(), "POST /api/sessions HTTP/1.1\nHost: shop.example\nContent-Type: application/json\n\n{}").want(201)
		old := "\nCookie: " + created.jar("vtex_session")
		body := `{"public":{"name":{"value":"v"},"count":{"value":3}}}`
		patched := raw(t, s.first(), "PATCH /api/sessions HTTP/1.1\nHost: shop.example\nContent-Type: application/json"+old+"\n\n"+body).want(200)
		var pair map[string]string
		if err := json.Unmarshal([]byte(patched.body), &pair); err != nil || len(pair) != 2 || pair["sessionToken"] != patched.cookies["vtex_session"] || pair["segmentToken"] != patched.cookies["vtex_segment"] {
			t.Errorf("without items both tokens are answered, as they are set: %s, %v", patched.body, err)
		}
		for _, items := range []string{"*", "public.name,public.count"} {
			got := raw(t, s.last(), "GET /api/sessions?items="+items+" HTTP/1.1\nHost: shop.example"+old+"\n\n").want(200).session()
			if got.value("public", "name") != "v" || got.value("public", "count") != 3.0 {
				t.Errorf("%s by the old token: %+v", items, got)
			}
		}
	})
}

// TestImpersonate: store-graphql's start and stop, with an empty items.
func TestImpersonate(t *testing.T) {
	everywhere(t, func(t *testing.T, s shop) {
		token := raw(t, s.first(), "POST /api/sessions HTTP/1.1\nHost: shop.example\n\n{}").want(201).cookies["vtex_session"]
		f := func(email string, want any) {
			t.Helper()
			written := raw(t, s.first(), "POST /api/sessions?an=acme&items= HTTP/1.1\nHost: shop.example\nContent-Type: application/json\nCookie: vtex_session="+token+
				"; VtexIdclientAutCookie_acme=eyJ;\n\n"+`{"public":{"vtex-impersonated-customer-email":{"value":"`+email+`"}}}`).want(201).session()
			read := raw(t, s.last(), "GET /api/sessions?items=public.vtex-impersonated-customer-email HTTP/1.1\nHost: shop.example\nCookie: vtex_session="+token+";\n\n").want(200).session()
			if got := read.value("public", "vtex-impersonated-customer-email"); got != want || written.ID != read.ID || len(written.Namespaces) != 0 {
				t.Errorf("%q: read %v, written %+v", email, got, written)
			}
		}
		f("ben@shop.example", "ben@shop.example")
		f("", nil)
	})
}
