package regions_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// script is an origin without a network, for tests in a bubble of time.
type script struct {
	mu     sync.Mutex
	asked  []string
	status int
	body   string
	err    error
	takes  time.Duration
}

// RoundTrip implements http.RoundTripper.
func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.RequestURI())
	status, body, err, takes := s.status, s.body, s.err, s.takes
	s.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}, Request: r}, nil
}

func (s *script) says(status int, body string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body, s.err = status, body, err
}

// calls gives what was asked since it was called last.
func (s *script) calls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.asked = nil }()
	return strings.Join(s.asked, " ")
}

func (s *script) app(t testing.TB, told func(error)) *regions.Checkout {
	t.Helper()
	return checkout(t, regions.Options{Origin: "http://origin", Client: &http.Client{Transport: s}, Told: told})
}

const (
	spAnswer  = `[{"id":"U1cjc3A=","sellers":[{"id":"sp","name":"sp","logo":""}]}]`
	rioAnswer = `{"id":"U1cjcmlv","sellers":[]}`
)

// TestOriginLifetimes: an answer is kept for an hour, and asked for again behind the request from the tenth minute on.
func TestOriginLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hearer
		s := &script{status: 200, body: spAnswer}
		app := s.app(t, h.hear)
		in := vals("public.country=BRA", "public.postalCode=04561-000")
		f := func(after time.Duration, want string, asked bool) {
			t.Helper()
			time.Sleep(after)
			if got := given(t, app, in); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			synctest.Wait()
			if got := s.calls(); (got != "") != asked {
				t.Errorf("asked %q", got)
			}
		}
		f(0, "SW#sp", true)
		f(0, "SW#sp", false)
		f(10*time.Minute-1, "SW#sp", false)
		s.says(200, rioAnswer, nil)
		f(1, "SW#sp", true) // the old one, while the new one is fetched
		f(0, "SW#rio", false)

		// A revalidation that fails leaves what there is, is told, and is not tried at each request.
		s.says(503, "", nil)
		f(10*time.Minute, "SW#rio", true)
		if got := h.heard(); got != "regions: status 503" {
			t.Errorf("told %q", got)
		}
		f(10*time.Second-1, "SW#rio", false)
		f(1, "SW#rio", true)
		f(49*time.Minute, "SW#rio", true)
		// An hour after it was fetched it is gone.
		time.Sleep(50 * time.Second)
		if out, err := app.Transform(t.Context(), in); err == nil || out != nil || err.Error() != "regions: status 503" {
			t.Errorf("%v, %v", out, err)
		}
		s.says(200, spAnswer, nil)
		f(0, "SW#sp", true)
	})
}

// TestOriginQueries: what FastStore asks, and one question for all spellings of a code.
func TestOriginQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{status: 200, body: spAnswer}
		app := s.app(t, nil)
		f := func(want string, words ...string) {
			t.Helper()
			given(t, app, vals(words...))
			if got := s.calls(); got != want {
				t.Errorf("%q: %s, want %s", words, got, want)
			}
		}
		const root = "/api/checkout/pub/regions/?"
		f(root+"country=BRA&postalCode=04561000&sc=2", "public.country=BRA", "public.postalCode=04561-000", "public.sc=2")
		f("", "public.country=bra", "public.postalCode=04.561 000", "store.channel=2")
		f(root+"country=BRA&postalCode=04561000&sc=1", "public.country=BRA", "public.postalCode=04561-000", "store.channel=1")
		f(root+"country=BRA&geoCoordinates=-46.68%3B-23.6&sc=1", "public.country=BRA", "public.geoCoordinates=-46.68,-23.6", "store.channel=1")
		f(root+"country=GBR&postalCode=SW1A1AA", "public.country=GBR", "public.postalCode=sw1a 1aa")
		f(root+"country=BRA&postalCode=04561000", "public.region_id=dnRleDpCUkE6MDQ1NjEwMDA=")
		f("", "public.country=BRA")
		f("", "public.country=BRA", "public.postalCode=<script>")
		f("", "public.country=XX", "public.postalCode=04561000")
		f("", "public.country=BRA", "public.postalCode=04561001", "public.regionId=U1cj")
		f("", "public.country=BRA", "public.postalCode=04561001", "public.sc="+strings.Repeat("9", 100))

		other := checkout(t, regions.Options{Origin: "http://origin/br/regions?an=acme", Client: &http.Client{Transport: s}})
		given(t, other, vals("public.country=BRA", "public.postalCode=1"))
		if got := s.calls(); got != "/br/regions?an=acme&country=BRA&postalCode=1" {
			t.Error(got)
		}
	})
}

func TestOriginAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		app := s.app(t, nil)
		code := 0
		f := func(status int, body, want string) {
			t.Helper()
			code++
			s.says(status, body, nil)
			out, err := app.Transform(t.Context(), vals("public.country=BRA", fmt.Sprintf("public.postalCode=%08d", code)))
			got := out.Text(transform.Key{Namespace: "checkout", Name: "regionId"})
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%d %s: %q, want %q", status, body, got, want)
			}
		}
		f(200, spAnswer, "U1cjc3A=")
		f(200, rioAnswer, "U1cjcmlv")
		f(200, "[]", "")
		f(200, `[{"id":"a","sellers":[]},{"id":"b"}]`, "a")
		f(400, `{"fields":{},"error":{"code":"001"}}`, "") // no such place: that is an answer
		f(200, `[{"sellers":[]}]`, "regions: the answer has no id of a region")
		f(200, `{"id":"a b"}`, "regions: the answer has no id of a region")
		f(200, `{"id":1}`, "regions: the answer is no JSON of regions")
		f(200, `<html>`, "regions: the answer is no JSON of regions")
		f(200, strings.Repeat(" ", 4<<20)+"[]", "regions: an answer of over 4194304 bytes")
		f(302, "", "regions: status 302")
		f(404, "", "regions: status 404")
		f(500, "", "regions: status 500")
		s.calls()
		f(400, "", "")
		code--
		f(500, "", "") // kept
		if got := strings.Count(s.calls(), "country"); got != 1 {
			t.Errorf("a 400 was asked for %d times", got)
		}
	})
}

// TestOriginFailures: an error tells nothing of where a shopper is, and is not kept.
func TestOriginFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hearer
		s := &script{err: errors.New("refused")}
		app := s.app(t, h.hear)
		in := vals("public.country=BRA", "public.postalCode=04561000")
		for range 2 {
			if _, err := app.Transform(t.Context(), in); err == nil || err.Error() != "regions: refused" {
				t.Error(err)
			}
			if s.calls() == "" {
				t.Error("it was not asked")
			}
		}
		if got := h.heard(); got != "" {
			t.Errorf("the caller has the error, and it was told: %q", got)
		}
	})
}

// TestOriginSharesFetches: callers of one place share a fetch, which goes on when they give up; it ends by itself after 5 s.
func TestOriginSharesFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{status: 200, body: spAnswer, takes: 2 * time.Second}
		app := s.app(t, nil)
		in := vals("public.country=BRA", "public.postalCode=04561000")
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				if _, err := app.Transform(ctx, in); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		time.Sleep(2 * time.Second)
		if got := given(t, app, in); got != "SW#sp" || strings.Count(s.calls(), "country") != 1 {
			t.Errorf("%s", got)
		}
		s.mu.Lock()
		s.takes = time.Hour
		s.mu.Unlock()
		began := time.Now()
		if _, err := app.Transform(t.Context(), vals("public.country=BRA", "public.postalCode=1")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestOriginIsBounded: an origin that hangs has no more than 256 fetches waiting, and Close ends them.
func TestOriginIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{takes: time.Hour}
		app := s.app(t, nil)
		var refused, callers sync.WaitGroup
		refused.Add(44)
		for i := range 300 {
			callers.Go(func() {
				_, err := app.Transform(t.Context(), vals("public.country=BRA", fmt.Sprintf("public.postalCode=%08d", i)))
				if err == nil {
					t.Error("a region from nowhere")
				} else if strings.Contains(err.Error(), "cannot be asked now") {
					refused.Done()
				}
			})
		}
		refused.Wait()
		app.Close()
		callers.Wait()
		if _, err := app.Transform(t.Context(), vals("public.country=BRA", "public.postalCode=1")); err == nil {
			t.Error("closed, and asked")
		}
	})
}

// TestOriginRedirects: one is not followed, whatever the client says.
func TestOriginRedirects(t *testing.T) {
	followed := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		followed = followed || r.URL.Path == "/elsewhere"
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	app := checkout(t, regions.Options{Origin: server.URL, Client: client})
	_, err := app.Transform(t.Context(), vals("public.country=BRA", "public.postalCode=04561000"))
	if err == nil || err.Error() != "regions: status 302" || followed {
		t.Errorf("%v, followed: %v", err, followed)
	}
}

// TestOriginForReal: over a connection, against the endpoints of aisle itself.
func TestOriginForReal(t *testing.T) {
	data := shop(t)
	var fields http.Header
	handler := regions.NewHandler(regions.HandlerOptions{Table: data.Table})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fields = r.Header.Clone()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	app := checkout(t, regions.Options{Origin: server.URL})
	f := func(want string, words ...string) {
		t.Helper()
		if got := given(t, app, vals(words...)); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	f("SW#sp", "public.country=BRA", "public.postalCode=04561000")
	f("SW#outlet;rio", "public.country=BRA", "public.postalCode=20000-000", "public.sc=2")
	f("SW#sp", "public.country=BRA", "public.geoCoordinates=-46.68,-23.6")
	f("SW#", "public.country=BRA", "public.postalCode=99999999")
	f("", "public.country=BRA", "public.postalCode=220500")
	if fields.Get("Cookie") != "" || fields.Get("Accept") != "application/json" {
		t.Errorf("%v", fields)
	}
}
