package native_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/auth"
)

// TestUnusableKeysAreTold: where in the set, and why, and nothing of them.
func TestUnusableKeysAreTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[{"kty":"OKP"},{"kty":"oct","k":"c2VjcmV0"},{"kty":"RSA","kid":7}]}`)
	}))
	t.Cleanup(server.Close)
	o := whole(t)
	o.Authentication = &auth.Options{JWKSURL: server.URL}
	var log strings.Builder
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	_, engine := open(t, o)
	if _, err := engine.Run(t.Context(), transform.Values{}, transform.Change{
		Created: true, Cookies: []transform.Cookie{{Name: "VtexIdclientAutCookie_acme", Value: "a.b.c"}},
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), `keys=0 passed_over=3 unusable="keys[1]: k is not`) || strings.Contains(log.String(), "c2VjcmV0") ||
		!strings.Contains(log.String(), `\nkeys[2]: no JWK`) {
		t.Errorf("the log:\n%s", &log)
	}
}
