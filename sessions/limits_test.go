package sessions_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions"
)

func limited(t *testing.T, l sessions.Limits) *shopper {
	t.Helper()
	s := newRig(t, func(o *options) { o.service.Limits = l }).shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	return s
}

// keys is a body of n public keys.
func keys(prefix string, n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("%s%03d", prefix, i), "1")
	}
	return public(pairs...)
}

func publicKeys(s *shopper) int { return len(s.read().Namespaces["public"]) }

func TestLimitBody(t *testing.T) {
	s := limited(t, sessions.Limits{Body: 40})
	s.do("PATCH", "/api/sessions", `{"public":{"a":{"value":"1234567890"}}}`).want(200)
	s.do("PATCH", "/api/sessions", `{"public":{"a":{"value":"123456789012"}}}`).fault(413, "TooLarge")
}

func TestLimitKeys(t *testing.T) {
	s := limited(t, sessions.Limits{Keys: 5})
	s.do("PATCH", "/api/sessions", keys("a", 6)).fault(400, "BadRequest")
	s.do("PATCH", "/api/sessions", keys("a", 4)+"").want(200)
	// The query takes what is left, and never fails the call.
	s.do("PATCH", "/api/sessions?q1=1&q2=1&q3=1", keys("b", 4)).want(200)
	if got := publicKeys(s); got != 9 {
		t.Errorf("%d public keys", got)
	}
	s.counts(s.t.(*testing.T), "aisle_sessions_dropped_total", map[string]float64{"excess-query": 2})
}

func TestLimitPublicKeys(t *testing.T) {
	s := limited(t, sessions.Limits{PublicKeys: 6})
	s.do("PATCH", "/api/sessions", keys("a", 5)).want(200)
	s.do("PATCH", "/api/sessions", keys("b", 2)).fault(413, "TooLarge")
	s.do("PATCH", "/api/sessions?q1=1&q2=1", keys("b", 1)).want(200)
	if got := publicKeys(s); got != 6 {
		t.Errorf("%d public keys", got)
	}
	s.do("PATCH", "/api/sessions?q1=1", `{"public":{"a000":{"value":""}}}`).want(200) // one goes, one comes
	if got := s.read(); got.value("public", "q1") != `"1"` || got.value("public", "a000") != "" {
		t.Errorf("%+v", got)
	}
}

func TestLimitNames(t *testing.T) {
	s := limited(t, sessions.Limits{})
	long := strings.Repeat("k", 128)
	s.do("PATCH", "/api/sessions?q"+long[1:]+"=1", public(long, "1")).want(200)
	s.do("PATCH", "/api/sessions", public(long+"k", "1")).fault(400, "BadRequest")
	s.do("PATCH", "/api/sessions?q"+long+"=1", "{}").want(200)
	if got := publicKeys(s); got != 2 {
		t.Errorf("%d public keys", got)
	}
}

func TestLimitValue(t *testing.T) {
	s := limited(t, sessions.Limits{})
	s.do("PATCH", "/api/sessions?q="+strings.Repeat("v", 8<<10), public("a", strings.Repeat("v", 8<<10-2))).want(200)
	s.do("PATCH", "/api/sessions", public("a", strings.Repeat("w", 8<<10-1))).fault(413, "TooLarge")
	s.do("PATCH", "/api/sessions?p="+strings.Repeat("v", 8<<10+1), "{}").want(200)
	if got := publicKeys(s); got != 2 {
		t.Errorf("%d public keys", got)
	}
}

func TestLimitDepth(t *testing.T) {
	s := limited(t, sessions.Limits{})
	f := func(deep int, ok bool) {
		t.Helper()
		body := `{"public":{"a":{"value":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}}}`
		a := s.do("PATCH", "/api/sessions", body)
		if ok {
			a.want(200)
		} else {
			a.fault(400, "BadRequest")
		}
	}
	f(16, true)
	f(17, false)
	f(30_000, false)
}

func TestLimitNamespaces(t *testing.T) {
	s := limited(t, sessions.Limits{Namespaces: 4}) // account and store are there
	f := func(body string, ok bool) {
		t.Helper()
		a := s.do("PATCH", "/api/sessions", body, "X-Aisle-Backend-Key", testBackend)
		if ok {
			a.want(200)
		} else {
			a.fault(413, "TooLarge")
		}
	}
	f(`{"a":{"x":{"value":1}},"b":{"x":{"value":1}}}`, true)
	f(`{"c":{"x":{"value":1}}}`, false)
	f(`{"c":{"x":{"value":1}},"b":{"x":{"value":""}}}`, true)
}

func TestLimitSession(t *testing.T) {
	s := limited(t, sessions.Limits{Session: 4000})
	s.do("PATCH", "/api/sessions", public("a", strings.Repeat("v", 2000))).want(200)
	s.do("PATCH", "/api/sessions", public("b", strings.Repeat("v", 2000))).fault(413, "TooLarge")
	s.do("PATCH", "/api/sessions?"+url.Values{"b": {strings.Repeat("v", 2000)}}.Encode(), public("c", "1")).want(200)
	if got := s.read(); got.value("public", "b") != "" || got.value("public", "c") != `"1"` {
		t.Errorf("%d public keys", len(got.Namespaces["public"]))
	}
}

// TestCreationRate: 429 with the time to wait, for strangers alone.
func TestCreationRate(t *testing.T) {
	r := newRig(t, func(o *options) { o.http.CreateRate, o.http.CreateBurst = 0.001, 2 })
	s := r.shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	r.do("GET", "/api/sessions/invalidToken?items=*", "").want(200)
	for _, method := range []string{"POST", "PATCH", "GET"} {
		a := r.do(method, "/api/sessions", "")
		a.fault(429, "TooManyRequests")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	s.do("PATCH", "/api/sessions", public("a", "1")).want(200) // who has a session goes on
	r.do("GET", "/api/segments", "").want(200)
	r.do("POST", "/api/sessions", "{}", "X-Aisle-Backend-Key", testBackend).want(201)
	// The word of a peer that is no edge of ours does not make another address.
	r.do("POST", "/api/sessions", "{}", "X-Forwarded-For", "203.0.113.9").fault(429, "TooManyRequests")
	r.counts(t, "aisle_sessions_creations_refused_total", map[string]float64{"": 4})
}
