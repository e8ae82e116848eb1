package transform_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/tests/ports"
)

// remote is an App over HTTP on a server of the test's own.
func remote(t *testing.T, handler http.HandlerFunc) *transform.HTTP {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return remoteAt(t, server.URL+"/_v/app/session/transform")
}

func remoteAt(t *testing.T, url string) *transform.HTTP {
	t.Helper()
	h, err := transform.NewHTTP(transform.Spec{
		Name: "app", Input: declare("public.zip public.any cookie.auth"), Output: declare("app.tier app.other public.sc"),
	}, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// TestHTTPExchange: the request to the byte, and the reply's way into the session.
func TestHTTPExchange(t *testing.T) {
	var got struct {
		line, body string
		header     http.Header
	}
	h := remote(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got.line, got.body, got.header = r.Method+" "+r.URL.String()+" "+r.Proto, string(body), r.Header
		_, _ = io.WriteString(w, `{"app":{"tier":{"value":"gold"},"undeclared":{"value":1}},"public":{"any":{"value":2}}}`)
	})
	e, err := transform.New([]transform.App{h}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	state := vals("public.zip=1", "app.other=stays", "private.x=y")
	r, err := e.Run(t.Context(), state, transform.Change{
		Values:  transform.Values{"public": {"any": []byte(`{"a":[1]}`)}},
		Cookies: []transform.Cookie{{Name: "auth", Value: "<t>"}, {Name: "other", Value: "z"}}, Operation: "op-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, r, "app:dropped")
	if r.Calls[0].Dropped != 2 {
		t.Errorf("%d dropped", r.Calls[0].Dropped)
	}
	wantValues(t, "session", r.Values, transform.Values{
		"public": {"zip": []byte(`"1"`), "any": []byte(`{"a":[1]}`)}, "app": {"other": []byte(`"stays"`), "tier": []byte(`"gold"`)},
		"private": {"x": []byte(`"y"`)}, "cookie": {"auth": []byte(`"<t>"`)},
	})
	if want := "POST /_v/app/session/transform HTTP/1.1"; got.line != want {
		t.Errorf("%q, want %q", got.line, want)
	}
	if want := `{"cookie":{"auth":{"value":"<t>"}},"public":{"any":{"value":{"a":[1]}},"zip":{"value":"1"}}}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"aisle"}, "X-Vtex-Operation-Id": {"op-1"},
		"Content-Length": {text("%d", len(got.body))}, "Accept-Encoding": {"gzip"},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// TestHTTPOperation: without an id of the request each call has one of its own.
func TestHTTPOperation(t *testing.T) {
	seen := map[string]bool{}
	h := remote(t, func(_ http.ResponseWriter, r *http.Request) { seen[r.Header.Get("X-Vtex-Operation-Id")] = true })
	for range 3 {
		_, _ = h.Transform(t.Context(), nil)
	}
	if len(seen) != 3 || seen[""] {
		t.Errorf("ids %v", seen)
	}
}

// TestHTTPFailures: each is an error of the call that says nothing of what went over the wire.
func TestHTTPFailures(t *testing.T) {
	f := func(want string, handler http.HandlerFunc) {
		t.Helper()
		h := remote(t, handler)
		got, err := h.Transform(t.Context(), vals("public.zip=secret"))
		if err == nil || err.Error() != want || got != nil {
			t.Errorf("%v, %v; want %q", got, err, want)
		}
		h.Close()
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"app":{"tier":{"value":"secret"}}}`)
		}
	}
	f("status 500", status(500))
	f("status 401", status(401))
	f("status 403", status(403))
	f("status 404", status(404))
	f("status 304", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	f("reply is not JSON, at byte 1", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>secret") })
	f("reply is not JSON, at byte 0", func(http.ResponseWriter, *http.Request) {})
	f("reply of more than 262144 bytes", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"app":{"tier":{"value":"`+strings.Repeat("x", 1<<20)+`"}}}`)
	})
	f("reply of more than 262144 bytes", func(w http.ResponseWriter, _ *http.Request) { // a bomb
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat(" ", 64<<20))
		_ = z.Close()
	})
	f("no sound HTTP answer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "secret")
	})
	f("no sound HTTP answer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"app":`)
	})
	f("no sound HTTP answer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://secret:x/%zz")
		w.WriteHeader(302)
	})
	f("no sound HTTP answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

// TestHTTPMalformedAnswer: net/http quotes what it cannot read; the error must not.
func TestHTTPMalformedAnswer(t *testing.T) {
	f := func(answer string) {
		t.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, err = io.WriteString(conn, answer)
				_ = conn.Close()
			}
			served <- err
		}()
		_, err = remoteAt(t, "http://"+listener.Addr().String()).Transform(t.Context(), nil)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", answer, err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = listener.Close()
	}
	f("secret\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nsecret\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n")
	f("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n")
}

// TestHTTPRedirect: the session goes to nobody but the app.
func TestHTTPRedirect(t *testing.T) {
	var hits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(other.Close)
	for _, code := range []int{301, 302, 303, 307, 308} {
		h := remote(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, code) })
		if _, err := h.Transform(t.Context(), nil); err == nil || err.Error() != text("status %d", code) {
			t.Errorf("%v, want status %d", err, code)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests followed a redirect", hits.Load())
	}
}

// TestHTTPLeavesAsIs: what is no write.
func TestHTTPLeavesAsIs(t *testing.T) {
	f := func(handler http.HandlerFunc) {
		t.Helper()
		got, err := remote(t, handler).Transform(t.Context(), vals("public.zip=1"))
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	}
	f(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	f(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	f(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"app":{"tier":{}}}`)
	})
}

// TestHTTPSlow: whether the head or the body is late, it is a timeout, and the engine takes no longer.
func TestHTTPSlow(t *testing.T) {
	f := func(write string) {
		t.Helper()
		release := make(chan struct{})
		h := remote(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, write)
			if write != "" {
				_ = http.NewResponseController(w).Flush()
			}
			<-release
		})
		defer close(release)
		e, err := transform.New([]transform.App{h}, transform.Options{Timeout: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Run(t.Context(), nil, transform.Change{Values: vals("public.zip=1")})
		if err != nil {
			t.Fatal(err)
		}
		wantOutcomes(t, r, "app:timeout")
		if !errors.Is(r.Calls[0].Err, context.DeadlineExceeded) {
			t.Errorf("error %v", r.Calls[0].Err)
		}
	}
	f("")
	f(`{"app":`)
}

// TestHTTPDown: nobody listens. The error tells the address, and is no timeout.
func TestHTTPDown(t *testing.T) {
	address := ports.Address(t)
	_, err := remoteAt(t, "http://"+address+"/secret").Transform(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "secret") || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestHTTPConnections: one is enough for calls in a row, failures with a page included.
func TestHTTPConnections(t *testing.T) {
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 2 {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, strings.Repeat("sorry ", 300))
			return
		}
		_, _ = io.WriteString(w, "{}\n")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	h := remoteAt(t, server.URL)
	for i := range 20 {
		in := vals("public.zip=1")
		if i%2 == 0 {
			in = nil
		}
		if _, err := h.Transform(t.Context(), in); (err == nil) != (i%2 == 0) {
			t.Fatal(err)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
}

// TestNewHTTP: what it refuses, and that a client of the caller's neither follows nor keeps anything.
func TestNewHTTP(t *testing.T) {
	good := transform.Spec{Name: "app", Input: declare("public.x")}
	f := func(spec transform.Spec, url, want string) {
		t.Helper()
		if _, err := transform.NewHTTP(spec, url, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", url, err, want)
		}
	}
	f(good, "", "is no http or https URL")
	f(good, "localhost:80", "is no http or https URL")
	f(good, "ftp://a/b", "is no http or https URL")
	f(good, "http:///b", "is no http or https URL")
	f(good, "http://a/#b", "is no http or https URL")
	f(good, "http://a\x00", `app "app": url`)
	f(transform.Spec{Name: "account"}, "http://a", "the name is reserved")
	if _, err := transform.NewHTTP(good, "gopher://user:pass@a", nil); err == nil || strings.Contains(err.Error(), "pass") {
		t.Errorf("tells a password: %v", err)
	}
	h, err := transform.NewHTTP(good, "https://a.example/x?y=z", &http.Client{CheckRedirect: nil})
	if err != nil || h.Spec().Name != "app" {
		t.Errorf("%v, %+v", err, h)
	}
}
