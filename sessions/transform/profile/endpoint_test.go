package profile_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions/transform/profile"
)

// server answers by f, which gets the body of the question.
func server(t *testing.T, f func(w http.ResponseWriter, body string)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.RawQuery != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		f(w, string(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestEndpoint(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, body string) {
		switch body {
		case `{"id":"c1"}`, `{"id":"c1","email":"ann@x.example"}`, `{"email":"ann@x.example"}`:
			_, _ = io.WriteString(w, `{"id":"c1","email":"Ann@x.example","firstName":"Ann","lastName":"Ash","document":"111","phone":"+55 11 1","priceTables":["gold","vip"]}`)
		case `{"id":"c9","email":"ann@x.example"}`:
			_, _ = io.WriteString(w, `{"id":"c1","email":"Ann@x.example","priceTables":["gold","vip"]}`)
		case `{"id":"c9","email":"dee@x.example"}`:
			_, _ = io.WriteString(w, `{"email":"dee@x.example","priceTables":["gold"]}`)
		case `{"id":"c3"}`:
			_, _ = io.WriteString(w, `{"priceTables":"silver"}`)
		case `{"id":"gone"}`:
			w.WriteHeader(http.StatusNoContent)
		default:
			http.NotFound(w, nil)
		}
	})
	f := asked(t, newApp(t, profile.Options{HTTP: url}))
	f("", "isAuthenticated=false")
	f("authentication.storeUserId=c1", ann()...)
	f("authentication.storeUserId=c1 authentication.storeUserEmail=ANN@x.example", ann()...)
	f("authentication.storeUserId=c3", "id=c3", "priceTables=silver", "isAuthenticated=true")
	f("authentication.storeUserId=gone", "id=gone", "isAuthenticated=true")
	f("authentication.storeUserId=c9", "id=c9", "isAuthenticated=true")
	f("authentication.storeUserId=c9 authentication.storeUserEmail=ann@x.example", "id=c9", "email=ann@x.example", "isAuthenticated=true")
	f("authentication.storeUserId=c9 authentication.storeUserEmail=dee@x.example", "id=c9", "email=dee@x.example", "priceTables=gold", "isAuthenticated=true")
	f("public.storeUserEmail=ann@x.example", "isAuthenticated=false")
	asked(t, newApp(t, profile.Options{HTTP: url, TrustPublicEmail: true}))("public.storeUserEmail=ann@x.example", "priceTables=gold,vip", "isAuthenticated=false")
}

// TestEndpointFails: whatever is no sound answer about this customer is a failure, which tells no value.
func TestEndpointFails(t *testing.T) {
	f := func(want string, answer func(w http.ResponseWriter)) {
		t.Helper()
		url := server(t, func(w http.ResponseWriter, _ string) { answer(w) })
		out, err := newApp(t, profile.Options{HTTP: url}).Transform(t.Context(), vals("authentication.storeUserId=c1"))
		if err == nil || out != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, %v; want %q", out, err, want)
		}
	}
	says := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
	}
	f("another customer", says(`{"id":"secret","priceTables":["gold"]}`))
	f("another customer", says(`{"email":"secret@x","priceTables":["gold"]}`))
	f("no JSON object", says(`secret`))
	f("no JSON object", says(``))
	f("more than 65536", says(strings.Repeat("secret", 20_000)))
	f("status 500", func(w http.ResponseWriter) { http.Error(w, "secret", http.StatusInternalServerError) })
	f("status 401", func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) })
	f("status 302", func(w http.ResponseWriter) {
		w.Header().Set("Location", "http://127.0.0.1:1/secret")
		w.WriteHeader(http.StatusFound)
	})
	f("no sound HTTP answer", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "secret")
	})
}

func TestEndpointInTime(t *testing.T) {
	release := make(chan struct{})
	url := server(t, func(http.ResponseWriter, string) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := newApp(t, profile.Options{HTTP: url}).Transform(ctx, vals("authentication.storeUserId=c1"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestEndpointAway: a server that cannot be reached takes no price table from a customer who stays, and leaves none to
// the next.
func TestEndpointAway(t *testing.T) {
	var down atomic.Bool
	url := server(t, func(w http.ResponseWriter, _ string) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"priceTables":["gold"]}`)
	})
	s := newSession(t, newApp(t, profile.Options{HTTP: url}))
	s.does("authentication.storeUserId=c1")
	s.tables("gold")
	down.Store(true)
	s.does()
	s.tables("gold")
	s.does("authentication.storeUserId=c2")
	s.tables("")
	down.Store(false)
	s.does()
	s.tables("gold")
}
