package proxy_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// serveFront opens one more listener of the rig's edge and returns its address.
func (r *rig) serveFront(network, address string, f proxy.Front) string {
	r.t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.edge.ServeFront(l, f) }()
	r.t.Cleanup(func() {
		r.shutdown()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	return l.Addr().String()
}

// dialed sends bytes on a new connection and gives what comes back, up to its end.
func dialed(t *testing.T, network, address, sent string) string {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, sent); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%q: %v", sent, err)
	}
	return string(got)
}

const lastGet = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"

// whoAsks is an origin that says what it is told of the client.
func whoAsks(w http.ResponseWriter, q *http.Request) {
	fields(w, "Cache-Control: no-store")
	fmt.Fprint(w, "for=", q.Header["X-Forwarded-For"], " proto=", q.Header["X-Forwarded-Proto"], " host=", q.Header["X-Forwarded-Host"])
}

func passEverything(s *setup) {
	s.options.Routes = []proxy.Route{{Name: "all", Match: proxy.Match{Path: "/**"}, Scope: cache.ScopePrivate}}
}

// What a trusted balancer states of its client is what the client is, for the log, the
// origin and the walk over forwarding fields; every request of the connection has it.
func TestProxyProtocol(t *testing.T) {
	r := newRig(t, whoAsks, trustLoopback, passEverything)
	addr := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{ProxyProtocol: true})
	var clients []any
	f := func(header, more, client, forwarded, scheme string) {
		t.Helper()
		first := strings.Replace(lastGet, "Connection: close", "X-First: y", 1)
		got := dialed(t, "tcp", addr, header+strings.Replace(first+lastGet, "\r\n\r\n", "\r\n"+more+"\r\n", 2))
		want := "for=[" + forwarded + "] proto=[" + scheme + "] host=[shop.example]"
		if strings.Count(got, want) != 2 {
			t.Errorf("%q: %q, want %s twice", header, got, want)
		}
		clients = append(clients, client, client)
	}
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n", "", "1.2.3.4", "1.2.3.4", "http")
	f("PROXY TCP6 2001:db8::1 ::1 80 443\r\n", "", "2001:db8::1", "2001:db8::1", "http")
	f(header2(0x21, 0x11, fourToFour), "", "1.2.3.4", "1.2.3.4", "http")
	f(header2(0x21, 0x11, fourToFour+tlv(0x20, "\x01\x00\x00\x00\x00")), "", "1.2.3.4", "1.2.3.4", "https")
	f("PROXY UNKNOWN\r\n", "", "127.0.0.1", "127.0.0.1", "http")
	f(header2(0x20, 0x00, ""), "", "127.0.0.1", "127.0.0.1", "http")
	// A shopper's own fields are not believed, those of a proxy before the balancer are.
	lie := "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n", lie, "1.2.3.4", "1.2.3.4", "http")
	f("PROXY TCP4 127.0.0.9 5.6.7.8 80 443\r\n", lie, "9.9.9.9", "9.9.9.9, 127.0.0.9", "https")
	var logged []any
	for _, line := range r.logged() {
		logged = append(logged, line["client"])
	}
	if diff := cmp.Diff(clients, logged); diff != "" {
		t.Errorf("clients in the log: %s", diff)
	}
}

// A trusted balancer has to send a header: a connection without one ends without a word.
func TestProxyProtocolIsDue(t *testing.T) {
	r := newRig(t, whoAsks, trustLoopback)
	addr := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{ProxyProtocol: true})
	sent := []string{"GET / HTTP/1", "PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n", header2(0x21, 0x11, "1234")}
	for _, s := range sent {
		if got := dialed(t, "tcp", addr, s); got != "" {
			t.Errorf("%q: %q", s, got)
		}
	}
	if n := r.count("aisle_connections_refused_total", "reason", "proxy-protocol"); int(n) != len(sent) {
		t.Errorf("%v counted, want %d", n, len(sent))
	}
	if n := len(r.requests()); n != 0 {
		t.Errorf("%d requests reached the origin", n)
	}
}

// Of a peer that is not trusted a header is no HTTP, and without one it is served.
func TestProxyProtocolOfStrangers(t *testing.T) {
	r := newRig(t, whoAsks, passEverything)
	addr := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{ProxyProtocol: true})
	for _, header := range []string{"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n", header2(0x21, 0x11, fourToFour)} {
		if got := dialed(t, "tcp", addr, header); !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.HasSuffix(got, "\r\n\r\naisle: bad-framing\n") {
			t.Errorf("%q: %q", header, got)
		}
	}
	if got := dialed(t, "tcp", addr, lastGet); !strings.HasSuffix(got, "for=[127.0.0.1] proto=[http] host=[shop.example]") {
		t.Errorf("%q", got)
	}
}

func TestTLS(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 50000)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		fields(w, "Cache-Control: max-age=60")
		io.WriteString(w, q.Header.Get("X-Forwarded-Proto")+big)
	})
	pair := newAuthority(t).issue(t, "shop.example")
	addr := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{TLS: pair.serve(t, 0)})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: pair.client("shop.example"), ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	for i := range 3 {
		resp, err := client.Get("https://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "https"+big || err != nil || resp.ProtoMajor != 1 || resp.TLS.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%d: %d bytes, %v, %s, %q", i, len(body), err, resp.Proto, resp.TLS.NegotiatedProtocol)
		}
	}
	if a := r.get("/"); a.Body != "http"+big {
		t.Errorf("by http: %.10q", a.Body) // another page, as the scheme is keyed
	}
	if n := len(r.requests()); n != 2 {
		t.Errorf("the origin was asked %d times, want 2", n)
	}
	if got := dialed(t, "tcp", addr, lastGet); strings.Contains(got, "0123456789abcdef") {
		t.Errorf("plain HTTP got %.40q", got)
	}
	if n := r.count("aisle_connections_refused_total", "reason", "tls-handshake"); n != 1 {
		t.Errorf("%v handshakes counted as refused", n)
	}
}

// Behind the PROXY protocol TLS comes second.
func TestTLSBehindProxyProtocol(t *testing.T) {
	r := newRig(t, whoAsks, trustLoopback, passEverything)
	pair := newAuthority(t).issue(t, "shop.example")
	addr := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{ProxyProtocol: true, TLS: pair.serve(t, 0)})
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(raw, "PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n")
	c := tls.Client(raw, pair.client("shop.example"))
	defer c.Close()
	_, _ = io.WriteString(c, lastGet)
	if a := readAnswer(t, bufio.NewReader(c), "GET"); a.Body != "for=[1.2.3.4] proto=[https] host=[shop.example]" {
		t.Errorf("%+v", a)
	}
}

func TestUnixSocket(t *testing.T) {
	r := newRig(t, whoAsks, passEverything)
	addr := r.serveFront("unix", filepath.Join(t.TempDir(), "s"), proxy.Front{})
	if got := dialed(t, "unix", addr, lastGet); !strings.HasSuffix(got, "for=[127.0.0.1] proto=[http] host=[shop.example]") {
		t.Errorf("%q", got)
	}
}

// A client that somebody else wrote says the same as ours.
func TestCurlInFront(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	r := newRig(t, whoAsks, trustLoopback, passEverything)
	authority := newAuthority(t)
	pair := authority.issue(t, "shop.example")
	addr := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{ProxyProtocol: true, TLS: pair.serve(t, tls.VersionTLS13)})
	_, port, _ := net.SplitHostPort(addr)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, authority.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(curl, "-sS", "--noproxy", "*", "--haproxy-protocol", "--cacert", ca, "--connect-to", "shop.example:443:127.0.0.1:"+port, "https://shop.example/").CombinedOutput()
	if want := "for=[127.0.0.1] proto=[https] host=[shop.example]"; string(out) != want || err != nil {
		t.Errorf("%q %v, want %q", out, err, want)
	}
}

// Trailers end at the edge: none becomes a field of its request, or of the next one.
func TestTrailersReachNobody(t *testing.T) {
	r := newRig(t, page("no-store"), passEverything)
	sent := "POST /up HTTP/1.1\r\nHost: shop.example\r\nTrailer: X-Late\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Late: a\r\nCookie: b=c\r\nX-Vtex-Segment: d\r\n\r\n" + lastGet
	if got := dialed(t, "tcp", r.addr, sent); strings.Count(got, "HTTP/1.1 200 OK\r\n") != 2 {
		t.Errorf("%q", got)
	}
	type told struct {
		Body   string
		Fields []string
	}
	var got []told
	for _, q := range r.requests() {
		one := told{Body: q.Body}
		for _, name := range []string{"X-Late", "Cookie", "X-Vtex-Segment", "Trailer"} {
			one.Fields = append(one.Fields, q.Header[name]...)
		}
		got = append(got, one)
	}
	if diff := cmp.Diff([]told{{Body: "hello"}, {}}, got); diff != "" {
		t.Error(diff)
	}
}

// Why a connection was ended because of its client is counted, once.
func TestConnEndsAreCounted(t *testing.T) {
	f := func(want string, ours func(c net.Conn, send func(head, body []byte) (int64, error)) error, theirs func(net.Conn)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			var ends []string
			c, send := proxy.NewCountedConn(server, func(end string) { ends = append(ends, end) })
			done := make(chan struct{})
			go func() { defer close(done); theirs(client) }()
			if err := ours(c, send); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %v", want, err)
			}
			c.Close()
			<-done
			client.Close()
			if diff := cmp.Diff([]string{want}, ends); diff != "" {
				t.Error(diff)
			}
		})
	}
	read := func(d time.Duration) func(net.Conn, func(head, body []byte) (int64, error)) error {
		return func(c net.Conn, _ func(head, body []byte) (int64, error)) (err error) {
			_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
			buf := make([]byte, 1000)
			_, err = c.Read(buf)
			_ = c.SetReadDeadline(time.Now().Add(d))
			for err == nil {
				_, err = c.Read(buf)
			}
			return err
		}
	}
	f("slow-head", read(30*time.Second), func(c net.Conn) { _, _ = io.WriteString(c, "GET / HT") })
	f("slow-upload", read(proxy.BodyTimeout), func(c net.Conn) { _, _ = io.WriteString(c, postHead+"Content-Length: 5\r\n\r\nab") })
	f("slow-reader", func(_ net.Conn, send func(head, body []byte) (int64, error)) error {
		_, err := send([]byte("head"), make([]byte, 1<<20))
		return err
	}, func(net.Conn) {})
}

// Idle connections and those with a request under way are told apart.
func TestConnectionsAreCounted(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
	}, passEverything)
	idle, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	done := make(chan string)
	go func() { done <- dialed(t, "tcp", r.addr, lastGet) }()
	<-asked
	want := func(state string, n float64) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); r.count("aisle_connections", "state", state) != n; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%v %s", r.count("aisle_connections", "state", state), state)
			}
		}
	}
	want("active", 1)
	want("idle", 1)
	close(answer)
	if got := <-done; !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("%q", got)
	}
	want("active", 0)
	want("idle", 1)
}

// Every reason has its series from the start, so that a first one shows as a rise.
func TestConnEndsHaveSeries(t *testing.T) {
	r := newRig(t, whoAsks)
	for _, reason := range []string{"proxy-protocol", "tls-handshake", "slow-head", "slow-upload", "slow-reader"} {
		if n := r.count("aisle_connections_refused_total", "reason", reason); n != 0 {
			t.Errorf("%s: %v", reason, n)
		}
	}
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); f.GetName() == "aisle_connections_refused_total" && n != 5 {
			t.Errorf("%d reasons, want those five", n)
		}
	}
}
