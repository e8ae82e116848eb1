package sessions_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

// direct is a transport that calls a handler without a network, from a peer on a unix socket.
type direct struct {
	handler http.Handler
	calls   atomic.Int64
	before  func(*http.Request) error
}

func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	d.calls.Add(1)
	if d.before != nil {
		if err := d.before(r); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	r.RemoteAddr = "@"
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func newClient(r *rig) (*sessions.Client, *direct) {
	d := &direct{handler: r.handler}
	return sessions.NewClient(sessions.ClientOptions{Transport: d}), d
}

func TestClientRecover(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("utm_source", "x")).want(201)
	client, _ := newClient(r)
	segmentToken, seal, cookies, err := client.Recover(t.Context(), s.jar["vtex_session"])
	if err != nil || segmentToken != s.jar["vtex_segment"] || seal != s.jar["aisle_seal"] {
		t.Fatalf("%q, %q, %v", segmentToken, seal, err)
	}
	for i, want := range []string{"vtex_segment=" + segmentToken, "aisle_seal=" + seal} {
		if !strings.HasPrefix(cookies[i], want+"; Path=/; Max-Age=43") || !strings.HasSuffix(cookies[i], "; Secure; HttpOnly; SameSite=None") {
			t.Errorf("cookie %d: %s", i, cookies[i])
		}
	}
	if len(cookies) != 2 {
		t.Errorf("cookies %q", cookies)
	}
	for _, token := range []string{"", "junk", strings.Repeat("x", 3000), issue(t, newTokens(t, "other", newKey(t)), time.Now(), &sessions.Session{ID: "x", Expires: time.Now().Add(time.Hour)})} {
		if _, _, _, err := client.Recover(t.Context(), token); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("%.20q: %v", token, err)
		}
	}
	r.counts(t, "aisle_sessions_recoveries_total", map[string]float64{"": 1})
}

// TestClientRecoverLogsNobodyOut: an edge does not know the shopper's cookies, and runs no transform.
func TestClientRecoverLogsNobodyOut(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions", "{}").want(201)
	client, _ := newClient(r)
	token, _, _, err := client.Recover(t.Context(), s.jar["vtex_session"])
	if err != nil || token != s.jar["vtex_segment"] || s.segment()["priceTables"] != "ann" {
		t.Errorf("%s, %v", token, err)
	}
}

// TestClientRemembers: one call for a shopper whose cookies do not stick, for a moment.
func TestClientRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := r.shopper()
		s.do("POST", "/api/sessions", "{}").want(201)
		token := s.jar["vtex_session"]
		client, d := newClient(r)
		f := func(want int64) {
			t.Helper()
			_, _, _, err := client.Recover(t.Context(), token)
			_, _, _, missing := client.Recover(t.Context(), "junk")
			if err != nil || !errors.Is(missing, sessions.ErrNotFound) || d.calls.Load() != want {
				t.Errorf("%v, %v, %d calls, want %d", err, missing, d.calls.Load(), want)
			}
		}
		f(2)
		f(2)
		time.Sleep(1900 * time.Millisecond)
		f(2)
		time.Sleep(100 * time.Millisecond)
		f(4)
		// What failed is asked again at once.
		time.Sleep(3 * time.Second)
		d.before = func(*http.Request) error { return io.ErrUnexpectedEOF }
		if _, _, _, err := client.Recover(t.Context(), token); !errors.Is(err, sessions.ErrUnavailable) || strings.Contains(err.Error(), token) {
			t.Errorf("%v", err)
		}
		d.before = nil
		f(7)
	})
}

// TestClientAsksOnce: many shoppers with one question, and the first of them leaves.
func TestClientAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := r.shopper()
		s.do("POST", "/api/sessions", "{}").want(201)
		client, d := newClient(r)
		d.before = func(*http.Request) error { time.Sleep(100 * time.Millisecond); return nil }
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, _, _, err := client.Recover(first, s.jar["vtex_session"]); !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			all.Go(func() {
				if token, _, _, err := client.Recover(t.Context(), s.jar["vtex_session"]); err != nil || token != s.jar["vtex_segment"] {
					t.Errorf("%q, %v", token, err)
				}
			})
		}
		synctest.Wait()
		leave()
		all.Wait()
		if d.calls.Load() != 1 {
			t.Errorf("%d calls", d.calls.Load())
		}
	})
}

func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		client, d := newClient(r)
		d.before = func(q *http.Request) error { <-q.Context().Done(); return q.Context().Err() }
		began := time.Now()
		_, _, _, err := client.Recover(t.Context(), "some token")
		if !errors.Is(err, sessions.ErrUnavailable) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := client.Ready(t.Context()); !errors.Is(err, sessions.ErrUnavailable) || time.Since(began) != 2*time.Second {
			t.Errorf("ready: %v after %v", err, time.Since(began))
		}
	})
}

func TestClientFacets(t *testing.T) {
	r := withFacets(t)
	s := r.shopper()
	facets := strings.Repeat("productClusterIds=158;", 60)
	s.do("POST", "/api/sessions", public("wish", facets)).want(201)
	short, _ := s.segment()["facets"].(string)
	reference := strings.TrimPrefix(short, "ref=")
	client, d := newClient(r)
	for range 3 { // its meaning never changes
		if got, err := client.Facets(t.Context(), reference); got != facets || err != nil {
			t.Errorf("%.40q, %v", got, err)
		}
	}
	if d.calls.Load() != 1 {
		t.Errorf("%d calls", d.calls.Load())
	}
	for _, unknown := range []string{"", "x", strings.Repeat("0", 64), strings.ToUpper(reference), strings.Repeat("../", 21) + "a", reference + "/"} {
		if _, err := client.Facets(t.Context(), unknown); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
	if d.calls.Load() != 2 {
		t.Errorf("%d calls: what is no reference need not be asked", d.calls.Load())
	}
}

// TestClientDistrusts: another text under a reference, and answers that are none.
func TestClientDistrusts(t *testing.T) {
	f := func(status int, body string) {
		t.Helper()
		d := &direct{handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})}
		client := sessions.NewClient(sessions.ClientOptions{Transport: d})
		if got, err := client.Facets(t.Context(), strings.Repeat("0", 64)); !errors.Is(err, sessions.ErrUnavailable) || got != "" {
			t.Errorf("%d %.30q: facets %q, %v", status, body, got, err)
		}
		if token, _, _, err := client.Recover(t.Context(), "x"); status != 200 && !errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("%d %.30q: recovered %q, %v", status, body, token, err)
		}
	}
	f(200, `{"facets":"another text"}`)
	f(200, `not JSON`)
	f(200, ``)
	f(200, `{"facets":"`+strings.Repeat("x", 2<<20)+`"}`)
	f(500, `{}`)
	f(503, ``)
	f(302, ``)
}

// TestInternalIsForEdges: a stranger finds nothing there, whatever the path looks like.
func TestInternalIsForEdges(t *testing.T) {
	r := newRig(t, func(o *options) { o.http.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	f := func(remote, method, target string, status int) {
		t.Helper()
		request := httptest.NewRequest(method, target, nil)
		request.RemoteAddr = remote
		if a := r.serve(request); a.status != status {
			t.Errorf("%s %s from %s: %d %s", method, target, remote, a.status, a.body)
		}
	}
	f("@", "GET", "/_aisle/ready", 200)
	f("10.0.0.1:1", "GET", "/_aisle/ready", 200)
	f("10.0.0.1:1", "HEAD", "/_aisle/ready", 200)
	f("192.0.2.1:1", "GET", "/_aisle/ready", 404)
	f("192.0.2.1:1", "POST", "/_aisle/sessions/recover", 404)
	f("10.0.0.1:1", "POST", "/_aisle/sessions/recover", 404) // no token
	f("10.0.0.1:1", "GET", "/_aisle/sessions/recover", 404)
	f("10.0.0.1:1", "POST", "/_aisle/ready", 404)
	f("10.0.0.1:1", "GET", "/_aisle/facets/", 404)
	f("10.0.0.1:1", "GET", "/x/_aisle/ready", 404)
	f("10.0.0.1:1", "PUT", "/_aisle/ready", 405)
	f("10.0.0.1:1", "OPTIONS", "/_aisle/ready", 204)
}

func TestReady(t *testing.T) {
	r := newRig(t, nil)
	client, _ := newClient(r)
	if err := client.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	r.must(r.store.Close())
	if err := client.Ready(t.Context()); !errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("with a closed store: %v", err)
	}
}

// TestDialURL: over a real unix socket, and what is no place to dial.
func TestDialURL(t *testing.T) {
	r := newRig(t, nil)
	path := filepath.Join(t.TempDir(), "s.sock")
	listener, err := net.Listen("unix", path)
	r.must(err)
	server := sessions.NewServer(r.handler, nil)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { r.must(server.Close()); served.Wait() })
	transport, base, err := sessions.DialURL("unix:" + path)
	r.must(err)
	t.Cleanup(transport.CloseIdleConnections)
	if err := sessions.NewClient(sessions.ClientOptions{Transport: transport, Base: base}).Ready(t.Context()); err != nil {
		t.Error(err)
	}
	f := func(where, base string) {
		t.Helper()
		_, got, err := sessions.DialURL(where)
		if got != base || (err == nil) != (base != "") {
			t.Errorf("%s: %q, %v", where, got, err)
		}
	}
	f("http://sessions:8082", "http://sessions:8082")
	f("https://sessions/", "https://sessions")
	f("unix:", "")
	f("", "")
	f("sessions:8082", "")
	f("ftp://sessions", "")
	f("http://", "")
	f("http://sessions/path", "")
	f("http://sessions?x=1", "")
}

// TestPanic: answered, counted, and the next request is served.
func TestPanic(t *testing.T) {
	var log strings.Builder
	r := newRig(t, func(o *options) { o.http.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	r.store.before = func(op string) error {
		if op == "load" {
			panic("a postal code")
		}
		return nil
	}
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	s.do("GET", "/api/sessions?items=*", "").fault(500, "InternalError")
	r.store.before = nil
	if got := s.read(); got.value("public", "a") != `"1"` {
		t.Errorf("%+v", got)
	}
	r.counts(t, "aisle_sessions_panics_total", map[string]float64{"": 1})
	if got := log.String(); !strings.Contains(got, "a value of type string") || strings.Contains(got, "postal") || strings.Contains(got, "vtex_session") {
		t.Errorf("logged: %s", got)
	}
}

// TestRequestMetrics: every request is counted once, by endpoint and class.
func TestRequestMetrics(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = []transform.App{} })
	r.do("POST", "/api/sessions", "{}").want(201)
	r.do("POST", "/br/api/sessions", "{").want(400)
	r.do("GET", "/api/segments", "").want(200)
	r.do("GET", "/api/sessions/.well-known/jwks.json", "").want(200)
	r.do("GET", "/other", "").want(404)
	r.do("OPTIONS", "/api/sessions", "").want(204)
	want := map[string]float64{"2xx sessions": 2, "4xx sessions": 1, "2xx segments": 1, "2xx jwks": 1, "4xx none": 1}
	r.counts(t, "aisle_sessions_requests_total", want)
	if diff := cmp.Diff(map[string]float64{"sessions": 3, "segments": 1, "jwks": 1, "none": 1}, r.gather(t, "aisle_sessions_request_duration_seconds")); diff != "" {
		t.Errorf("durations (-want +got)\n%s", diff)
	}
	if got := r.do("GET", "/api/sessions/.well-known/jwks.json", ""); got.body != string(r.tokens.JWKS()) || got.header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%v %s", got.header, got.body)
	}
}

// TestClientRevoke: what was remembered of sessions is forgotten, and others who share the segment get a seal that counts.
func TestClientRevoke(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	two := [2]*shopper{r.shopper(), r.shopper()}
	client, _ := newClient(r)
	for _, s := range two {
		s.jar["login"] = "gold"
		s.do("POST", "/api/sessions", "{}").want(201)
		_, _, _, err := client.Recover(t.Context(), s.jar["vtex_session"])
		r.must(err)
	}
	token, seal := two[0].jar["vtex_segment"], two[0].jar["aisle_seal"]
	done, err := client.Revoke(t.Context(), two[0].jar["vtex_session"])
	if err != nil || len(done.Seals) != 1 || done.Seals[0].Until <= time.Now().Add(time.Hour).Unix() {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, _, _, err := client.Recover(t.Context(), two[0].jar["vtex_session"]); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("the revoked session: %v", err)
	}
	again, anew, _, err := client.Recover(t.Context(), two[1].jar["vtex_session"])
	if state, until := r.sealer.Open(time.Now(), []byte(token), []byte(anew)); err != nil || again != token || anew == seal || state != segment.SealValid || until.Unix() <= done.Seals[0].Until {
		t.Errorf("the other shopper: %v until %v, %v", state, until, err)
	}
	if _, err := client.Revoke(t.Context(), "junk"); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("junk: %v", err)
	}
}
