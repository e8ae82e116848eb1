package sessions_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// shop is the demo storefront behind one edge with a sidecar inside, or behind two that share one.
type shop struct {
	edges []*rig.Edge
}

// first and last are the same edge where there is one.
func (s shop) first() *rig.Edge { return s.edges[0] }
func (s shop) last() *rig.Edge  { return s.edges[len(s.edges)-1] }

// backendKey is what the shop's backend sends as its credential.
const backendKey = "erp:0123456789abcdef"

// config is that of edges and sidecars of one shop, whose files are in dir. sessions is the rest of the section.
func config(t *testing.T, origin, dir, sessions string) string {
	t.Helper()
	for name, text := range map[string]string{"backend.keys": strings.Replace(backendKey, ":", " ", 1), "seal.keys": "k1 " + strings.Repeat("5a", 32)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return rig.Config(origin, fmt.Sprintf(`account: acme
segment:
  keys_file: %q
  channels:
    "1": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$"}
    "2": {countryCode: USA, cultureInfo: en-US, currencyCode: USD, currencySymbol: "$"}
    "3": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$", channelPrivacy: private}
sessions:
  store: {bolt: %q}
  backend_keys_file: %q
  cookies: {secure: false}
  transforms:
    apps:
      - name: demo
        url: %s/_v/demo/session/transform
        input: {public: [email, postalCode, country], store: [countryCode], cookie: [demo_customer]}
        output: {authentication: [storeUserEmail], profile: [email, isAuthenticated, priceTables], checkout: [regionId], rnb: [campaigns]}
  %s`, filepath.Join(dir, "seal.keys"), filepath.Join(dir, "sessions.db"), filepath.Join(dir, "backend.keys"), origin, sessions))
}

// everywhere runs a test with the sidecar embedded, and with `aisle sessions` on a unix socket behind two edges.
func everywhere(t *testing.T, test func(t *testing.T, s shop)) {
	t.Parallel() // they mostly wait for processes to end
	bin := rig.Aisle(t)
	// The access log is written in bulk, so it is read once the edges have ended: what is registered first is cleaned up last.
	run := func(t *testing.T, edges int, config string) {
		var s shop
		t.Cleanup(func() {
			var log strings.Builder
			for _, e := range s.edges {
				discreet(t, e.Process)
				log.WriteString(e.Stdout())
			}
			if !strings.Contains(log.String(), "/api/sessions") {
				t.Errorf("no access log was there to look at: %q", log.String())
			}
		})
		for range edges {
			s.edges = append(s.edges, rig.RunEdge(t, bin, config))
		}
		test(t, s)
	}
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		run(t, 1, config(t, rig.RunDemo(t, bin), t.TempDir(), "mode: embedded"))
	})
	t.Run("remote", func(t *testing.T) {
		t.Parallel()
		origin, dir := rig.RunDemo(t, bin), t.TempDir()
		socket := "unix:" + filepath.Join(dir, "side.sock")
		runSidecar(t, bin, dir, config(t, origin, dir, fmt.Sprintf("listen: %q", socket)))
		run(t, 2, config(t, origin, dir, fmt.Sprintf("mode: remote\n  remote: {url: %q}", socket)))
	})
}

// runSidecar runs `aisle sessions` until the test ends, when it must exit with 0.
func runSidecar(t *testing.T, bin, dir, config string) *rig.Process {
	t.Helper()
	file := filepath.Join(dir, "sidecar.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "sessions", "--config", file)
	cmd.Dir = dir
	p, err := rig.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := p.Stop(); code != 0 || err != nil {
			t.Errorf("the sidecar ended with %d, %v:\n%s", code, err, p.Stderr())
		}
		discreet(t, p)
	})
	if _, err := p.WaitStderr(`"msg":"ready"`); err != nil {
		t.Fatal(err)
	}
	return p
}

// discreet fails the test where a process has written a token, an e-mail, a postal code or a credential anywhere.
func discreet(t *testing.T, p *rig.Process) {
	t.Helper()
	secret := regexp.MustCompile(`eyJ[\w-]{10,}|v1\.k1\.\d|(gold|ben)(@|%40)|\b(04561000|01310100)\b|0123456789abcdef`)
	for line := range strings.Lines(p.Stdout() + p.Stderr()) {
		if found := secret.FindString(line); found != "" {
			t.Errorf("the log has %q: %s", found, line)
		}
	}
}

// answer is what an edge has said.
type answer struct {
	t       *testing.T
	status  int
	header  http.Header
	body    string
	cookies map[string]string
}

// raw sends a request as it stands, lines ended by \n for \r\n, and reads the answer.
func raw(t *testing.T, edge *rig.Edge, text string) *answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(edge.URL, "http://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	head, body, _ := strings.Cut(text, "\n\n")
	method, _, _ := strings.Cut(head, " ")
	if body != "" {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	if _, err := io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\nConnection: close\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{t: t, status: response.StatusCode, header: response.Header, body: string(read), cookies: map[string]string{}}
	for _, c := range response.Cookies() {
		a.cookies[c.Name] = c.Value
	}
	return a
}

// want checks status, and what is so of every answer of the API.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status || a.header.Get("Content-Type") != "application/json; charset=utf-8" {
		a.t.Fatalf("%d %q, not %d: %s", a.status, a.header.Get("Content-Type"), status, a.body)
	}
	if strings.Contains(a.header.Get("Cache-Status"), "hit") {
		a.t.Errorf("an answer of the API from the cache: %q", a.header)
	}
	return a
}

// session is the body as clients read it.
type session struct {
	ID         string
	Namespaces map[string]map[string]struct{ Value any }
}

func (s *session) value(namespace, key string) any { return s.Namespaces[namespace][key].Value }

func (a *answer) session() *session {
	a.t.Helper()
	s := &session{}
	if err := json.Unmarshal([]byte(a.body), s); err != nil || s.ID == "" {
		a.t.Fatalf("no session but %s: %v", a.body, err)
	}
	return s
}

// jar is a Cookie header's value of what was set, in a fixed order; names may leave some out.
func (a *answer) jar(names ...string) string {
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, name+"="+a.cookies[name])
	}
	return strings.Join(pairs, "; ")
}
