package transform_test

import (
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

// BenchmarkRun: a read, at which nothing has changed, and an edit that has the store app called, of a session as a
// browser has them.
func BenchmarkRun(b *testing.B) {
	store, err := transform.NewStore(transform.StoreOptions{})
	if err != nil {
		b.Fatal(err)
	}
	auth := app("authentication", "cookie.VtexIdclientAutCookie_.* -> authentication.storeUserId", copyOf("cookie.VtexIdclientAutCookie_acme", "authentication.storeUserId"))
	e, err := transform.New([]transform.App{store, auth}, transform.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var cookies []transform.Cookie
	for i := range 20 {
		cookies = append(cookies, transform.Cookie{Name: text("cookie%d", i), Value: "x"})
	}
	cookies = append(cookies, transform.Cookie{Name: "VtexIdclientAutCookie_acme", Value: "token"})
	session, err := e.Run(b.Context(), nil, transform.Change{Created: true, Cookies: cookies, Values: vals("public.utm_source=a", "public.sc=1", "public.country=BRA")})
	if err != nil {
		b.Fatal(err)
	}
	for name, values := range map[string][2]transform.Values{"read": {}, "edit": {vals("public.locale=pt-BR"), vals("public.locale=en-US")}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			last := session
			for i := 0; b.Loop(); i++ {
				if last, err = e.Run(b.Context(), last.Values, transform.Change{Values: values[i%2], Cookies: cookies, Marks: last.Marks}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
