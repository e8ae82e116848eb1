package obs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/obs"
)

func ask(h http.Handler, method, target string, header ...string) (int, string) {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestAdminEndpoints(t *testing.T) {
	a := obs.NewAdmin(obs.AdminOptions{Registry: obs.NewRegistry()})
	f := func(method, target string, status int, holds string) {
		t.Helper()
		code, body := ask(a, method, target)
		if code != status || !strings.Contains(body, holds) {
			t.Errorf("%s %s = %d %.200q, want %d and %q", method, target, code, body, status, holds)
		}
	}
	f("GET", "/metrics", 200, "aisle_build_info{")
	f("GET", "/metrics", 200, "promhttp_metric_handler_errors_total")
	f("GET", "/healthz", 200, "ok\n")
	f("HEAD", "/healthz", 200, "")
	f("GET", "/readyz", 200, "ready\n")
	f("GET", "/debug/pprof/", 200, "goroutine")
	f("GET", "/debug/pprof/heap?debug=1", 200, "heap profile")
	f("GET", "/debug/pprof/cmdline", 200, "obs.test")
	f("GET", "/debug/pprof/symbol?0x0", 200, "num_symbols")
	f("POST", "/debug/pprof/symbol", 200, "num_symbols")
	f("GET", "/debug/pprof/trace?seconds=0.001", 200, "")
	f("GET", "/", 404, "")
	f("GET", "/purge", 404, "")
	f("POST", "/healthz", 405, "")
	f("POST", "/metrics", 405, "")
}

func TestReadiness(t *testing.T) {
	state := "starting"
	a := obs.NewAdmin(obs.AdminOptions{
		Registry: prometheus.NewRegistry(),
		Ready:    func() (bool, string) { return state == "", state },
	})
	f := func(status int, want string) {
		t.Helper()
		if code, body := ask(a, "GET", "/readyz"); code != status || body != want {
			t.Errorf("%q: %d %q, want %d %q", state, code, body, status, want)
		}
		if code, _ := ask(a, "GET", "/healthz"); code != 200 {
			t.Errorf("%q: health is %d", state, code)
		}
	}
	f(503, "starting\n")
	state = ""
	f(200, "ready\n")
	state = "draining"
	f(503, "draining\n")
}

func TestAdminHandle(t *testing.T) {
	a := obs.NewAdmin(obs.AdminOptions{Registry: prometheus.NewRegistry()})
	var calls atomic.Int32
	a.Handle("POST /purge", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	f := func(method string, status, want int32, header ...string) {
		t.Helper()
		code, _ := ask(a, method, "/purge", header...)
		if int32(code) != status || calls.Load() != want {
			t.Errorf("%s %q = %d, %d calls; want %d, %d", method, header, code, calls.Load(), status, want)
		}
	}
	f("GET", 405, 0)
	f("POST", 200, 1)
	f("POST", 200, 2, "Sec-Fetch-Site", "same-origin")
	// A page in the operator's browser must not purge the shop.
	f("POST", 403, 2, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	f("POST", 403, 2, "Origin", "https://evil.example")
}

// broken is a collector that fails.
type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}
func (broken) Collect(c chan<- prometheus.Metric) {
	c <- prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "", nil, nil), errors.New("out of order"))
}

func TestMetricsFailureIsToldAndLogged(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(broken{})
	var out strings.Builder
	log, err := obs.NewLogger(&out, "text", slog.LevelWarn)
	if err != nil {
		t.Fatal(err)
	}
	code, body := ask(obs.NewAdmin(obs.AdminOptions{Registry: reg, Logger: log}), "GET", "/metrics")
	if code != 500 || !strings.Contains(body, "out of order") {
		t.Errorf("/metrics = %d %q", code, body)
	}
	if !strings.Contains(out.String(), "out of order") {
		t.Errorf("logged %q", out.String())
	}
}

// serve starts an Admin on loopback with a handler that waits for release.
func serve(t *testing.T) (a *obs.Admin, url string, served chan error, entered, release chan struct{}) {
	t.Helper()
	entered, release, served = make(chan struct{}), make(chan struct{}), make(chan error, 1)
	a = obs.NewAdmin(obs.AdminOptions{Registry: prometheus.NewRegistry()})
	a.Handle("GET /slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { served <- a.Serve(l) }()
	return a, "http://" + l.Addr().String(), served, entered, release
}

// get asks over a connection of its own and gives the status, or 0 and the error.
func get(url string) (int, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

func TestAdminShutdownWaits(t *testing.T) {
	a, url, served, entered, release := serve(t)
	answered := make(chan int, 1)
	go func() {
		status, _ := get(url + "/slow")
		answered <- status
	}()
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- a.Shutdown(context.Background()) }()
	if err := <-served; err != nil { // it listens no more
		t.Errorf("Serve = %v", err)
	}
	if status, err := get(url + "/healthz"); err == nil {
		t.Errorf("answered %d after Shutdown began", status)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if status := <-answered; status != 200 {
		t.Errorf("the request under way got %d", status)
	}
}

func TestAdminShutdownGivesUp(t *testing.T) {
	a, url, served, entered, _ := serve(t)
	failed := make(chan error, 1)
	go func() {
		_, err := get(url + "/slow")
		failed <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := a.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request under way was answered")
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// pipes is a listener without sockets, for bubbles.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A client that is slow at anything is cut off, each time after the patience that
// is due, so that a hundred of them do not add up.
func TestAdminTimeouts(t *testing.T) {
	for _, c := range []struct {
		name, sent string
		read       int // bytes that the client takes of the answer
		after      time.Duration
	}{
		{"silent", "", 0, 5 * time.Second},
		{"half a header", "GET /healthz HTTP/1.1\r\nHost:", 0, 5 * time.Second},
		{"half a body", "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12", 0, 30 * time.Second},
		{"an answer that is not read", "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 1, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { cutOff(t, c.sent, c.read, c.after) })
		})
	}
}

// cutOff checks how long a handler or, where none is reached, the connection lasts.
func cutOff(t *testing.T, sent string, read int, after time.Duration) {
	a := obs.NewAdmin(obs.AdminOptions{Registry: prometheus.NewRegistry()})
	handled := make(chan time.Duration, 1)
	a.Handle("/big", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		_, err := io.Copy(io.Discard, r.Body)
		for err == nil {
			_, err = w.Write(make([]byte, 4096))
		}
		handled <- time.Since(began)
	}))
	l, served := make(pipes), make(chan error, 1)
	go func() { served <- a.Serve(l) }()
	client, server := net.Pipe()
	l <- server
	began := time.Now()
	if _, err := io.WriteString(client, sent); err != nil {
		t.Fatal(err)
	}
	var took time.Duration
	if read > 0 {
		if _, err := io.ReadFull(client, make([]byte, read)); err != nil {
			t.Fatal(err)
		}
		took = <-handled
	} else if _, err := io.Copy(io.Discard, client); err != nil {
		t.Error(err)
	} else {
		took = time.Since(began)
	}
	if took != after {
		t.Errorf("cut off after %v, want %v", took, after)
	}
	if err := errors.Join(client.Close(), a.Shutdown(t.Context()), <-served); err != nil {
		t.Error(err)
	}
}

// A request that comes on a connection of before is answered, though a shutdown has begun; a connection on which nothing
// comes keeps nobody waiting for long.
func TestAdminShutdownAnswers(t *testing.T) {
	f := func(asked bool, atLeast, atMost time.Duration) { // by the bubble's clock
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			a := obs.NewAdmin(obs.AdminOptions{Registry: prometheus.NewRegistry()})
			l, served, down := make(pipes), make(chan error, 1), make(chan error, 1)
			go func() { served <- a.Serve(l) }()
			client, server := net.Pipe()
			l <- server
			began := time.Now()
			go func() { down <- a.Shutdown(t.Context()) }()
			synctest.Wait()
			if asked {
				if _, err := io.WriteString(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				if answer, err := io.ReadAll(client); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
					t.Errorf("the answer is %q %v", answer, err)
				}
			}
			if err := errors.Join(<-down, <-served); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < atLeast || took > atMost {
				t.Errorf("it took %v, want %v to %v", took, atLeast, atMost)
			}
			client.Close()
		})
	}
	f(true, 0, 100*time.Millisecond)
	f(false, 500*time.Millisecond, 600*time.Millisecond)
}

func TestAdminServeFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := obs.NewAdmin(obs.AdminOptions{Registry: prometheus.NewRegistry()}).Serve(l); err == nil {
		t.Error("serving on a closed listener gave no error")
	}
}
