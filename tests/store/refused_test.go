package store_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestALogOutAtARefusedCall: the storefront restates the private channel with the call that shows the log-out.
func TestALogOutAtARefusedCall(t *testing.T) {
	t.Parallel()
	ann := start(t, nil).shopper()
	ann.logsIn("ann@gold.example")
	if a := ann.says("sc=3"); a.Status != http.StatusCreated {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	delete(ann.jar, "VtexIdclientAutCookie_demo")
	if a := ann.do("PATCH", "/api/sessions?sc=3", "{}"); a.Status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	ann.wantPrice(listed)
}

// TestAWishOfAnotherSite is none of the operator's whose cookies come with it.
func TestAWishOfAnotherSite(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	operator := s.shopper()
	operator.logsIn("otto@acme.example", "as", "operator")
	wish := func(headers ...string) {
		t.Helper()
		body := `{"public":{"vtex-impersonated-customer-email":{"value":"ann@gold.example"}}}`
		if a := operator.do("POST", "/api/sessions", body, append(headers, "Content-Type: text/plain")...); a.Status != http.StatusCreated {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	wish("Origin: https://evil.example")
	wish("Sec-Fetch-Site: cross-site")
	operator.wantPrice(listed)
	wish("Origin: " + strings.Replace(s.edge.URL, "http://", "https://", 1))
	operator.wantPrice(gold)
}

// TestErrorsOfTheRegions have one form, and the id that the client gave the call.
func TestErrorsOfTheRegions(t *testing.T) {
	t.Parallel()
	p := start(t, nil).shopper()
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		a := p.do(method, "/api/checkout/pub/regions", "", "X-VTEX-Operation-Id: abc-1")
		if !strings.HasPrefix(string(a.Body), `{"fields":{},"error":{"code":`) || !strings.HasSuffix(string(a.Body), `"operationId":"abc-1"}`) || a.Header.Get("X-Vtex-Operation-Id") != "abc-1" {
			t.Errorf("%s: %d %s", method, a.Status, a.Body)
		}
	}
}
