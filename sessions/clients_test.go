package sessions_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
)

// sidecar is a rig on a real socket, to which a test writes the bytes of a client.
type sidecar struct {
	*rig
	address string
}

func newSidecar(t *testing.T) *sidecar {
	t.Helper()
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	server := sessions.NewServer(r.handler, nil)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { // not Close, which leaves the goroutine of an answered connection behind
		r.must(server.Shutdown(context.Background()))
		served.Wait()
	})
	return &sidecar{r, listener.Addr().String()}
}

// raw sends a request as it stands, lines ended by \n for \r\n, and the length of the body for `auto`.
func (s *sidecar) raw(text string) *answer {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", s.address, time.Second)
	s.must(err)
	defer conn.Close()
	s.must(conn.SetDeadline(time.Now().Add(10 * time.Second)))
	head, body, _ := strings.Cut(text, "\n\n")
	head = strings.Replace(head, "Content-Length: auto", "Content-Length: "+strconv.Itoa(len(body)), 1)
	_, err = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\nConnection: close\r\n\r\n"+body)
	s.must(err)
	method, _, _ := strings.Cut(head, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	s.must(err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	s.must(err)
	a := &answer{t: s.t, status: response.StatusCode, header: response.Header, body: string(read), cookies: map[string]*http.Cookie{}}
	for _, c := range response.Cookies() {
		a.cookies[c.Name] = c
	}
	return a
}

// fastStoreQuery is what FastStore API 4.8.0 sends with every call (facts, part 3).
const fastStoreQuery = "utm_source=google&utm_campaign=black+friday&sc=2&postalCode=04561000&country=BRA&geoCoordinates=-46.68%2C-23.6" +
	"&locale=pt-BR&items=profile.id,profile.email,profile.firstName,profile.lastName,profile.phone,shopper.firstName,shopper.lastName," +
	"shopper.organizationManager,shopper.availableContracts,shopper.activeContractId,store.channel,store.countryCode,store.cultureInfo," +
	"store.currencyCode,store.currencySymbol,authentication.customerId,authentication.storeUserId,authentication.storeUserEmail," +
	"authentication.unitId,authentication.unitName,checkout.regionId,public.postalCode"

const browserCookies = "VtexWorkspace=master%3A-; vtex_binding_address=shop.example/; VTEXSC=sc=2; checkout.vtex.com=__ofid=1b2; " +
	"janus_sid=7e; {\"broken\":1}=x; IPS=Source=google; "

func TestFastStore(t *testing.T) {
	s := newSidecar(t)
	a := s.raw("POST /api/sessions?" + fastStoreQuery + " HTTP/1.1\nHost: shop.example\ncontent-type: application/json\n" +
		"cookie: " + browserCookies + "login=ann\ncontent-length: 2\n\n{}")
	a.want(201)
	created := a.session()
	want := map[string]string{
		"store.channel": `"2"`, "store.countryCode": `"USA"`, "store.cultureInfo": `"pt-BR"`, "store.currencyCode": `"USD"`,
		"store.currencySymbol": `"$"`, "profile.email": `"ann@shop.example"`, "public.postalCode": `"04561000"`,
	}
	shown := map[string]string{}
	for namespace, keys := range created.Namespaces {
		for key := range keys {
			shown[namespace+"."+key] = created.value(namespace, key)
		}
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// It keeps each Set-Cookie by name, and sends them with PATCH.
	if lines := a.header.Values("Set-Cookie"); len(lines) != 3 {
		t.Fatalf("%d Set-Cookie lines: %q", len(lines), lines)
	}
	cookies := browserCookies + "login=ann"
	for name, c := range a.cookies {
		cookies += "; " + name + "=" + c.Value
	}
	a = s.raw("PATCH /api/sessions?" + strings.Replace(fastStoreQuery, "04561000", "01310100", 1) + " HTTP/1.1\nHost: shop.example\n" +
		"content-type: application/json\ncookie: " + cookies + "\ncontent-length: 2\n\n{}")
	got := a.want(200).session()
	if got.ID != created.ID || got.value("public", "postalCode") != `"01310100"` || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	all := s.raw("GET /api/sessions?items=public.* HTTP/1.1\nHost: shop.example\ncookie: " + cookies + "\n\n").want(200).session()
	for key, want := range map[string]string{"utm_campaign": `"black friday"`, "geoCoordinates": `"-46.68,-23.6"`, "country": `"BRA"`, "items": "", "locale": `"pt-BR"`} {
		if all.value("public", key) != want {
			t.Errorf("public.%s is %s", key, all.value("public", key))
		}
	}
}

// vtexFields are those of the clients of @vtex/api 6.51.3.
const vtexFields = "proxy-authorization: token\nx-forwarded-host: shop.example\nx-vtex-operation-id: 3b241101-e2bb-4255-8caf-4136c566a962\n" +
	"x-vtex-product: session\naccept: application/json\nuser-agent: acme.app@1.x\n"

func TestVTEXAPISession(t *testing.T) {
	s := newSidecar(t)
	token := s.do("POST", "/api/sessions", public("postalCode", "04561000")).cookies["vtex_session"].Value
	head := " HTTP/1.1\nHost: janus-edge.vtex.com.br\n" + vtexFields + "Cookie: vtex_session=" + token + ";\n"
	a := s.raw("GET /api/sessions?an=acme&items=store.channel%2Cpublic.postalCode" + head + "\n").want(200)
	var got struct{ Namespaces json.RawMessage }
	a.read(&got)
	f := func(want string) {
		t.Helper()
		if diff := cmp.Diff(want, string(got.Namespaces)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	f(`{"public":{"postalCode":{"value":"04561000"}},"store":{"channel":{"value":"1"}}}`)
	if id := a.header.Get("x-vtex-operation-id"); id != "3b241101-e2bb-4255-8caf-4136c566a962" {
		t.Errorf("operation %s", id)
	}
	body := `{"public":{"country":{"value":"BRA"}}}`
	write := func(items string) *answer {
		return s.raw("POST /api/sessions?an=acme&items=" + items + head + "content-type: application/json\nContent-Length: auto\n\n" + body).want(201)
	}
	write("public.country").read(&got)
	f(`{"public":{"country":{"value":"BRA"}}}`)
	write("").read(&got) // [] as items: impersonate, depersonify, savePickup
	f(`{}`)
}

func TestVTEXAPISegment(t *testing.T) {
	s := newSidecar(t)
	a := s.raw("GET /api/segments?an=acme&cultureInfo=pt-BR&utm_source=google&session_path=&workspace=master HTTP/1.1\n" +
		"Host: janus-edge.vtex.com.br\n" + vtexFields + "\n").want(200)
	var body, fields map[string]any
	a.read(&body)
	text, err := base64.RawStdEncoding.DecodeString(a.cookies["vtex_segment"].Value)
	s.must(err)
	s.must(json.Unmarshal(text, &fields))
	if body["utm_source"] != "google" || fields["utm_source"] != "google" || fields["cultureInfo"] != "pt-BR" || body["channel"] != "1" {
		t.Errorf("body %v, cookie %v", body, fields)
	}
	token := a.cookies["vtex_segment"].Value
	for _, spelling := range []string{token, token + "==", token + "%3D%3D"} {
		a := s.raw("GET /api/segments/" + spelling + "?an=acme&session_path=&workspace=master HTTP/1.1\nHost: janus-edge.vtex.com.br\n" + vtexFields + "\n").want(200)
		if diff := cmp.Diff(string(text), a.body); diff != "" {
			t.Errorf("%s (-want +got)\n%s", spelling, diff)
		}
	}
}

// renderItems are the 27 of render-session (facts, part 3).
const renderItems = "account.id,account.accountName,store.channel,store.countryCode,store.cultureInfo,store.currencyCode,store.currencySymbol," +
	"store.admin_cultureInfo,creditControl.creditAccounts,creditControl.deadlines,creditControl.minimumInstallmentValue," +
	"authentication.storeUserId,authentication.storeUserEmail,profile.firstName,profile.document,profile.email,profile.id," +
	"profile.isAuthenticated,profile.lastName,profile.phone,public.favoritePickup,public.utm_source,public.utm_medium,public.utm_campaign," +
	"public.utmi_cp,public.utmi_p,public.utmi_pc"

func TestRenderSession(t *testing.T) {
	s := newSidecar(t)
	a := s.raw("POST /br/api/sessions?utm_source=google&gclid=Cj0%zz&utm_medium=cpc&items=" + renderItems + "&supportedLocales=pt-BR%2Cen-US&__bindingId=b1 HTTP/1.1\n" +
		"Host: shop.example\nOrigin: https://shop.example\nSec-Fetch-Site: same-origin\nContent-Type: application/json\nContent-Length: 2\n\n{}")
	got := a.want(201).session()
	// It dereferences profile.isAuthenticated.value where profile exists.
	if profile, ok := got.Namespaces["profile"]; ok && profile["isAuthenticated"].Value == nil {
		t.Errorf("profile without isAuthenticated: %v", profile)
	}
	if got.value("public", "utm_medium") != `"cpc"` || got.value("account", "accountName") != `"acme"` || got.value("account", "id") == "" || got.value("store", "cultureInfo") != `"pt-BR"` {
		t.Errorf("%+v", got)
	}
	cookies := "\nCookie: vtex_session=" + a.cookies["vtex_session"].Value + "; vtex_segment=" + a.cookies["vtex_segment"].Value
	// patchSession, with an object as value.
	body := `{"public":{"favoritePickup":{"value":{"address":{"city":"São Paulo"},"name":"Loja"}}}}`
	s.raw("PATCH /br/api/sessions?utm_source=google HTTP/1.1\nHost: shop.example" + cookies + "\nContent-Length: auto\n\n" + body).want(200)
	pickup := s.raw("GET /br/api/sessions?items=public.favoritePickup HTTP/1.1\nHost: shop.example" + cookies + "\n\n").want(200).session()
	if got := pickup.value("public", "favoritePickup"); got != `{"address":{"city":"São Paulo"},"name":"Loja"}` {
		t.Errorf("favoritePickup %s", got)
	}
	// clearSession, when the binding has changed.
	cleared := s.raw("GET /br/api/sessions/invalidToken?items=* HTTP/1.1\nHost: shop.example" + cookies + "\n\n").want(200)
	if fresh := cleared.session(); fresh.ID == got.ID || cleared.cookies["vtex_session"] == nil {
		t.Errorf("cleared: %+v", fresh)
	}
}

// TestSessionClient: it PATCHes and then GETs with the token from before (facts 2.2).
func TestSessionClient(t *testing.T) {
	s := newSidecar(t)
	token := s.do("POST", "/api/sessions", "{}").cookies["vtex_session"].Value
	body := `{"public":{"name":{"value":"v"},"count":{"value":3}}}`
	a := s.raw("PATCH /api/sessions HTTP/1.1\nHost: shop.example\nCookie: vtex_session=" + token + "\nContent-Type: application/json\nContent-Length: auto\n\n" + body).want(200)
	var pair map[string]string
	a.read(&pair)
	if len(pair) != 2 || pair["sessionToken"] == "" || pair["segmentToken"] == "" {
		t.Errorf("%s", a.body)
	}
	got := s.raw("GET /api/sessions?items=* HTTP/1.1\nHost: shop.example\nCookie: vtex_session=" + token + "\n\n").want(200).session()
	if got.value("public", "name") != `"v"` || got.value("public", "count") != "3" {
		t.Errorf("%+v", got)
	}
}

// TestImpersonate: store-graphql, start and stop.
func TestImpersonate(t *testing.T) {
	s := newSidecar(t)
	token := s.do("POST", "/api/sessions", "{}").cookies["vtex_session"].Value
	f := func(email, want string) {
		t.Helper()
		body := `{"public":{"vtex-impersonated-customer-email":{"value":"` + email + `"}}}`
		got := s.raw("POST /api/sessions?an=acme&items= HTTP/1.1\nHost: shop.example\nCookie: vtex_session=" + token + "; VtexIdclientAutCookie_acme=eyJ;\n" +
			"Transfer-Encoding: chunked\n\n" + chunk(body)).want(201)
		read := s.do("GET", "/api/sessions?items=*", "", "Cookie", "vtex_session="+token).session()
		if read.value("public", "vtex-impersonated-customer-email") != want || got.session().ID != read.ID {
			t.Errorf("%q: %+v", email, read)
		}
	}
	f("ben@shop.example", `"ben@shop.example"`)
	f("", "")
}

func chunk(text string) string {
	const hex = "0123456789abcdef"
	return string(hex[len(text)/16]) + string(hex[len(text)%16]) + "\r\n" + text + "\r\n0\r\n\r\n"
}

// TestHugeHead: 100 cookies and 64 KiB of them reach the handler, and what is beyond all bounds is no 5xx either.
func TestHugeHead(t *testing.T) {
	s := newSidecar(t)
	s.raw("POST /api/sessions HTTP/1.1\nHost: shop.example\nCookie: " + strings.Repeat("c=1; ", 100) + "big=" + strings.Repeat("x", 64<<10) + "\nContent-Length: 0\n\n").want(201)
	s.raw("GET /api/sessions HTTP/1.1\nHost: shop.example\nCookie: big=" + strings.Repeat("x", 160<<10) + "\n\n").want(431)
}

// TestBodyThatBreaksOff is no edit.
func TestBodyThatBreaksOff(t *testing.T) {
	s := newSidecar(t)
	conn, err := net.DialTimeout("tcp", s.address, time.Second)
	s.must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /api/sessions HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 40\r\n\r\n{\"public\":{}}")
	s.must(err)
	s.must(conn.(*net.TCPConn).CloseWrite())
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.must(err)
	defer response.Body.Close()
	if saves, _ := s.store.counts(); response.StatusCode != 400 || saves != 0 {
		t.Errorf("status %d, %d saves", response.StatusCode, saves)
	}
}

// TestHeadMethod: the head of GET, and no body.
func TestHeadMethod(t *testing.T) {
	s := newSidecar(t)
	a := s.raw("HEAD /api/segments HTTP/1.1\nHost: shop.example\n\n").want(200)
	if a.body != "" || a.cookies["vtex_segment"] == nil || a.header.Get("Content-Length") == "" {
		t.Errorf("%v %q", a.header, a.body)
	}
}
