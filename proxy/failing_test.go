package proxy_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/tests/ports"
)

// newRigAt starts an edge in front of an origin that is there already, or is not.
func newRigAt(t testing.TB, origin string, change ...func(*setup)) *rig {
	t.Helper()
	s := defaultSetup(t)
	for _, c := range change {
		c(s)
	}
	r := &rig{t: t, log: &syncBuffer{}, registry: prometheus.NewRegistry(), key: s.segments.Keys[0]}
	r.start(s, origin)
	return r
}

// rawOrigin answers each request on each connection with these bytes, and then
// closes it.
func rawOrigin(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, answer)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// A dead origin: the status says which kind of dead it is, and so does the body.
func TestDeadOrigin(t *testing.T) {
	f := func(origin string, status int, reason string) {
		t.Helper()
		for _, target := range []string{"/p", "/assets/x.css", "/api/x"} {
			for _, method := range []string{"GET", "HEAD"} {
				r := newRigAt(t, origin)
				a := r.do(method, target, "", "Cookie: id=7")
				body := "aisle: " + reason + "\n"
				if method == "HEAD" {
					body = ""
				}
				if a.Status != status || a.Body != body || a.detail(t) != "miss "+reason {
					t.Errorf("%s %s: %d %q %s, want %d %s", method, target, a.Status, a.Body, a.detail(t), status, reason)
				}
				if !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
					t.Errorf("%s: Cache-Control %q", target, a.Header.Get("Cache-Control"))
				}
				if n := r.count("aisle_requests_total", "outcome", "failed"); n != 1 {
					t.Errorf("%s: %v failures counted", target, n)
				}
			}
		}
	}
	f("http://"+ports.Address(t), 502, "connect")
	f(rawOrigin(t, ""), 502, "reset")
	f(rawOrigin(t, "HTTP/1.1 200 OK\r\nContent-"), 502, "reset")
	f(rawOrigin(t, "SSH-2.0-OpenSSH_9.6\r\n\r\n"), 502, "malformed")
	f(rawOrigin(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 502, "malformed")
}

// An answer in time or 504; a free connection or 503, which says when to come again.
func TestOriginTooSlowOrTooBusy(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(http.ResponseWriter, *http.Request) { <-release }, func(s *setup) {
		s.up.FirstByte, s.up.Connect, s.up.MaxConnections = 100*time.Millisecond, 100*time.Millisecond, 1
		s.options.Wait = time.Second
	})
	defer close(release)
	for _, target := range []string{"/p", "/api/x"} {
		if a := r.get(target); a.Status != 504 || a.Body != "aisle: timeout\n" {
			t.Errorf("%s: %d %q", target, a.Status, a.Body)
		}
	}
	hang := make(chan struct{})
	busy := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		<-hang
	}, func(s *setup) { s.up.Connect, s.up.MaxConnections = 50*time.Millisecond, 1 })
	defer close(hang)
	c := busy.dial()
	c.write("GET /api/x HTTP/1.1\r\n" + hostLine + "\r\n")
	c.head("GET")
	for _, target := range []string{"/p", "/api/x"} {
		if a := busy.get(target); a.Status != 503 || a.Body != "aisle: no-upstream\n" || a.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d %q Retry-After %q", target, a.Status, a.Body, a.Header.Get("Retry-After"))
		}
	}
	c.Close()
}

// A request waits no longer than its own deadline for a fetch, whose page still
// comes to be stored.
func TestWaitedTooLong(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		<-release
		cachedAs("Cache-Control: max-age=60")(w, q)
	}, func(s *setup) { s.options.Wait = 50 * time.Millisecond })
	if a := r.get("/p"); a.Status != 504 || a.Body != "aisle: waited-too-long\n" {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	close(release)
	r.waitForLandings(1)
	if a := r.get("/p"); a.detail(t) != "hit fresh" || len(r.requests()) != 1 {
		t.Errorf("%s, the origin was asked %d times", a.detail(t), len(r.requests()))
	}
}

// Where there is a page, dead origins do not matter.
func TestStaleInsteadOfAFailure(t *testing.T) {
	var dead atomic.Bool
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if dead.Load() {
			panic(http.ErrAbortHandler)
		}
		cachedAs("Cache-Control: max-age=0, stale-if-error=60", `Etag: "v1"`)(w, q)
	})
	r.get("/p")
	r.waitForLandings(1)
	dead.Store(true)
	for _, method := range []string{"GET", "HEAD"} {
		a := r.do(method, "/p", "")
		if a.Status != 200 || a.detail(t) != "hit stale-on-error" || a.Header.Get("Age") == "" {
			t.Errorf("%s: %d %s", method, a.Status, a.detail(t))
		}
	}
	if a := r.get("/other"); a.Status != 502 || a.Body != "aisle: reset\n" {
		t.Errorf("without a page: %d %q", a.Status, a.Body)
	}
}

// faulty is an origin port with a fault of ours in it.
type faulty struct {
	cache.Origin
	mode *atomic.Value
}

func (f faulty) Fetch(ctx context.Context, q *cache.OriginRequest) (*cache.OriginResponse, error) {
	switch f.mode.Load() {
	case "fetch":
		panic("a fault")
	case "body":
		resp, err := f.Origin.Fetch(ctx, q)
		if err == nil {
			resp.Body = &faultyBody{ReadCloser: resp.Body}
		}
		return resp, err
	case "upload":
		_, _ = q.Body.Read(make([]byte, 10))
		panic("a fault while an upload is read")
	}
	return f.Origin.Fetch(ctx, q)
}

type faultyBody struct {
	io.ReadCloser
	reads int
}

func (b *faultyBody) Read(p []byte) (int, error) {
	if b.reads++; b.reads > 1 {
		panic("a fault in a body")
	}
	return b.ReadCloser.Read(p[:1])
}

// A panic is a 500, is counted, and ends that connection alone. Behind the head
// of an answer nothing more is said: it would be read as body.
func TestPanicIsOneAnswersEnd(t *testing.T) {
	mode := new(atomic.Value)
	mode.Store("")
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		if q.URL.RawQuery == "" {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, "the whole page")
	}, func(s *setup) {
		s.wrap = func(o cache.Origin) cache.Origin { return faulty{o, mode} }
	})
	f := func(at, request, want string, panics, fetchPanics float64) {
		t.Helper()
		mode.Store(at)
		c := r.dial()
		c.write(request)
		all, err := io.ReadAll(c.br)
		if err != nil || !strings.HasPrefix(string(all), want) || strings.Count(string(all), "HTTP/1.1 ") != 1 {
			t.Errorf("%s: %q, %v", at, all, err)
		}
		if got := r.count("aisle_panics_total"); got != panics {
			t.Errorf("%s: %v panics counted, want %v", at, got, panics)
		}
		if got := r.count("aisle_fetch_panics_total"); got != fetchPanics {
			t.Errorf("%s: %v panics in fetches counted, want %v", at, got, fetchPanics)
		}
	}
	f("fetch", "GET /api/x HTTP/1.1\r\n"+hostLine+"\r\n", "HTTP/1.1 500 ", 1, 0)
	f("fetch", "HEAD /api/x HTTP/1.1\r\n"+hostLine+"\r\n", "HTTP/1.1 500 ", 2, 0)
	f("upload", "POST /api/x HTTP/1.1\r\n"+hostLine+"Content-Length: 100000\r\n\r\n"+numbers(20000), "HTTP/1.1 500 ", 3, 0)
	f("body", "GET /api/x HTTP/1.1\r\n"+hostLine+"\r\n", "HTTP/1.1 200 ", 4, 0)
	f("body", "GET /api/x?length HTTP/1.1\r\n"+hostLine+"\r\n", "HTTP/1.1 200 ", 5, 0)
	f("fetch", "GET /p HTTP/1.1\r\n"+hostLine+"Connection: close\r\n\r\n", "HTTP/1.1 500 ", 5, 1)
	f("body", "GET /p HTTP/1.1\r\n"+hostLine+"\r\n", "HTTP/1.1 200 ", 5, 2)
	mode.Store("")
	for _, target := range []string{"/api/x", "/p"} {
		if a := r.get(target); a.Status != 200 || a.Body != "the whole page" {
			t.Errorf("then %s: %d %q", target, a.Status, a.Body)
		}
	}
}

// A shutdown closes idle connections, takes no new ones, and lets what is under
// way end, on its last answer.
func TestShutdownDrains(t *testing.T) {
	d := newDrip("max-age=60", false)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/idle" {
			return
		}
		d.serve(w, q)
	})
	idle, streaming, waiting := r.dial(), r.dial(), r.dial()
	idle.write("GET /idle HTTP/1.1\r\n" + hostLine + "\r\n")
	idle.answer("GET")
	resp := streaming.half("GET /api/x HTTP/1.1\r\n" + hostLine + "\r\n")
	<-d.began
	half := make(chan struct{})
	var late *http.Response
	go func() {
		defer close(half)
		late = waiting.half("GET /p HTTP/1.1\r\n" + hostLine + "\r\n")
	}()
	<-d.began
	<-half
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.shutdown()
	}()
	if !idle.ended() {
		t.Error("an idle connection got bytes")
	}
	select {
	case <-over:
		t.Fatal("the shutdown did not wait")
	default:
	}
	if c, err := net.DialTimeout("tcp", r.addr, time.Second); err == nil {
		c.Close()
		t.Error("a new connection was taken")
	}
	close(d.finish)
	for i, resp := range []*http.Response{resp, late} {
		if rest, err := io.ReadAll(resp.Body); string(rest) != secondHalf || err != nil {
			t.Errorf("%d: %q, %v", i, rest, err)
		}
	}
	<-over
	if !streaming.ended() || !waiting.ended() {
		t.Error("a connection outlived the shutdown")
	}
}

// A shutdown ends a Serve that has just begun, and one that comes behind it.
func TestShutdownBesideServe(t *testing.T) {
	for range 20 {
		newRigAt(t, "http://127.0.0.1:1").shutdown()
	}
	r := newRigAt(t, "http://127.0.0.1:1")
	r.shutdown()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.edge.Serve(l); err != nil {
		t.Error(err)
	}
	if c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
		c.Close()
		t.Error("the listener was left open")
	}
}

// While it drains, the edge says on each answer that it is the connection's last.
func TestDrainingAnswersSayClose(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	r := newRig(t, func(http.ResponseWriter, *http.Request) {
		close(began)
		<-release
	})
	c := r.dial()
	c.write("GET /api/x HTTP/1.1\r\n" + hostLine + "\r\n")
	<-began
	var wait sync.WaitGroup
	wait.Go(r.shutdown)
	r.waitUntil("the listener to close", func() bool {
		probe, err := net.DialTimeout("tcp", r.addr, time.Second)
		if err == nil {
			probe.Close()
		}
		return err != nil
	})
	close(release)
	if a := c.answer("GET"); a.Status != 200 || !a.Closed || !c.ended() {
		t.Errorf("%d, closed %v", a.Status, a.Closed)
	}
	wait.Wait()
}

// keep-alive over requests of all kinds: no answer is mixed up with another, and
// each is of its own request.
func TestKeepAliveOverMixedRequests(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: "+q.URL.Query().Get("cc"), `Etag: "v1"`)
		if q.URL.Query().Get("s") == "204" {
			w.WriteHeader(204)
			return
		}
		if q.URL.Query().Get("s") == "404" {
			w.WriteHeader(404)
		}
		_, _ = io.WriteString(w, q.Method+" "+q.URL.Path)
		if q.URL.Query().Get("f") == "chunks" {
			w.(http.Flusher).Flush()
		}
	})
	c := r.dial()
	for i := range 120 {
		path := "/p" + itoa(i%7)
		k := i % 10
		requests := []struct{ method, target, rest, body string }{
			{"GET", path + "?cc=max-age%3D60", "\r\n", "GET " + path},
			{"GET", path + "?cc=max-age%3D60&f=chunks", "\r\n", "GET " + path},
			{"HEAD", path + "?cc=max-age%3D60", "\r\n", ""},
			{"POST", "/api" + path, "Content-Length: 3\r\n\r\nabc", "POST /api" + path},
			{"PUT", path, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "PUT " + path},
			{"GET", path + "?cc=private", "Cookie: id=7\r\n\r\n", "GET " + path},
			{"GET", path + "?cc=max-age%3D60&s=204", "\r\n", ""},
			{"GET", path + "?cc=max-age%3D60&s=404", "\r\n", "GET " + path},
			{"HEAD", "/api" + path + "?f=chunks", "\r\n", ""},
			{"GET", "/assets" + path + ".css?cc=max-age%3D60", "If-None-Match: \"v1\"\r\n\r\n", "GET /assets" + path + ".css"},
		}
		q := requests[k]
		c.write(q.method + " " + q.target + " HTTP/1.1\r\n" + hostLine + q.rest)
		a := c.answer(q.method)
		body := q.body
		if a.Status == 304 {
			body = ""
		}
		if a.Body != body || a.Err != nil || a.Closed {
			t.Fatalf("request %d, %s %s: %d %q %v, want %q", i, q.method, q.target, a.Status, a.Body, a.Err, body)
		}
	}
}

// New names all that is wrong with its options.
func TestNewRefusesBadOptions(t *testing.T) {
	s := defaultSetup(t)
	r := newRigAt(t, "http://127.0.0.1:1")
	f := func(change func(*proxy.Options), want string) {
		t.Helper()
		o := s.options
		change(&o)
		if _, err := proxy.New(o, proxy.Parts{Engine: r.engine, Registry: prometheus.NewRegistry()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := proxy.Describe(o); want != "hosts:" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Describe: %v, want %s", err, want)
		}
	}
	f(func(o *proxy.Options) { o.Hosts = []string{"a b"} }, "hosts:")
	f(func(o *proxy.Options) { o.Routes = []proxy.Route{{Match: proxy.Match{Path: "no-slash"}}} }, "routes[0].match.path:")
	if diff := cmp.Diff(r.edge.Describe(), mustDescribe(t, s.options)); diff != "" {
		t.Error(diff)
	}
}

func mustDescribe(t *testing.T, o proxy.Options) []string {
	t.Helper()
	list, err := proxy.Describe(o)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d lines, %v", len(list), err)
	}
	return list
}

// PurgeLabels names a URL as the requests of both scopes do.
func TestPurgeLabelsMeetTheKeys(t *testing.T) {
	r := newRig(t, cachedAs("Cache-Control: max-age=60"))
	f := func(purged, target string, gone bool, headers ...string) {
		t.Helper()
		r.get(target, headers...)
		labels, err := r.edge.PurgeLabels(purged)
		if err != nil {
			t.Fatal(err)
		}
		r.engine.Purge(false, labels...)
		want := "hit fresh"
		if gone {
			want = "uri-miss purged-hard"
		}
		if a := r.get(target, headers...); a.detail(t) != want {
			t.Errorf("%s after a purge of %s: %s, want %s", target, purged, a.detail(t), want)
		}
	}
	f("/a", "/a", true)
	f("http://SHOP.example:80/b?y=2&x=1&utm_source=n", "/b?x=1&y=2", true)
	f("https://shop.example/c", "/c?sc=2", true)
	f("http://other.example/d", "/d", false)
	f("/e?x=1", "/e", false)
	f("/assets/x.css?sc=2", "/assets/x.css?sc=2", true)
	f("http://shop.example/caf%c3%a9/../f", "/f", true)
	f("/g", "/g", true, "Cookie: vtex_segment="+tokenOf(`{"channel":"2"}`))
	for _, bad := range []string{"", "shop.example/a", "/a\\b", "ftp://shop.example/", "http://a b/"} {
		if labels, err := r.edge.PurgeLabels(bad); err == nil {
			t.Errorf("%q: %q", bad, labels)
		}
	}
}
