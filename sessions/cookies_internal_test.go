package sessions

import (
	"net/http"
	"testing"
	"time"
)

func TestCookieLine(t *testing.T) {
	f := func(o CookieOptions, lives time.Duration, want string) {
		t.Helper()
		if got := o.line("n", "a+/=", lives); got != want {
			t.Errorf("%+v\n got %s\nwant %s", o, got, want)
		}
	}
	f(CookieOptions{}, 120*time.Hour, "n=a+/=; Path=/; Max-Age=432000; Secure; HttpOnly; SameSite=None")
	f(CookieOptions{}, 120*time.Hour-time.Millisecond, "n=a+/=; Path=/; Max-Age=432000; Secure; HttpOnly; SameSite=None")
	f(CookieOptions{Path: "/br"}, time.Second, "n=a+/=; Path=/br; Max-Age=1; Secure; HttpOnly; SameSite=None")
	f(CookieOptions{SameSite: http.SameSiteLaxMode}, -time.Hour, "n=a+/=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
	f(CookieOptions{SameSite: http.SameSiteStrictMode}, 0, "n=a+/=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
	// Browsers would drop SameSite=None without Secure.
	f(CookieOptions{Insecure: true}, time.Minute, "n=a+/=; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
	f(CookieOptions{Insecure: true, SameSite: http.SameSiteNoneMode}, time.Minute, "n=a+/=; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
	f(CookieOptions{Insecure: true, SameSite: http.SameSiteStrictMode}, time.Minute, "n=a+/=; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
}
