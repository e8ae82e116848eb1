package sessions_test

import (
	"net/http"
	"testing"

	"github.com/aislecache/aisle/sessions"
)

func TestCookieOptionsValidate(t *testing.T) {
	f := func(o sessions.CookieOptions, ok bool) {
		t.Helper()
		if err := o.Validate(); (err == nil) != ok {
			t.Errorf("%+v: %v", o, err)
		}
	}
	f(sessions.CookieOptions{}, true)
	f(sessions.CookieOptions{Path: "/", Insecure: true, SameSite: http.SameSiteLaxMode}, true)
	f(sessions.CookieOptions{Path: "/br", SameSite: http.SameSiteStrictMode}, true)
	f(sessions.CookieOptions{Path: "br"}, false)
	f(sessions.CookieOptions{Path: "/br; Domain=evil"}, false)
	f(sessions.CookieOptions{Path: "/br\r\n"}, false)
	f(sessions.CookieOptions{SameSite: 99}, false)
}
