package lost_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions/store/redis/redistest"
	"github.com/aislecache/aisle/tests/rig"
)

// rounds is how often each test kills.
func rounds() int {
	if os.Getenv("AISLE_SOAK") != "" {
		return 50
	}
	return 3
}

// place is where sidecars keep what outlives them: all of them have its configuration and its token keys.
type place struct {
	t        *testing.T
	bin, dir string
	redis    *redistest.Server // nil: bbolt
}

func newPlace(t *testing.T, server *redistest.Server) *place {
	t.Helper()
	dir := t.TempDir()
	bin, err := rig.Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	store := "bolt: sessions.db"
	if server != nil {
		store = fmt.Sprintf("redis: {addresses: [%q]}", server.Addr)
	}
	config := rig.Config("http://127.0.0.1:9", fmt.Sprintf("sessions: {mode: embedded, listen: \"127.0.0.1:0\", creates_per_minute: 0, store: {%s}}", store))
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return &place{t: t, bin: bin, dir: dir, redis: server}
}

// sidecar is a process of `aisle sessions`.
type sidecar struct {
	*rig.Process
	url string
}

func (p *place) start() *sidecar {
	p.t.Helper()
	cmd := exec.Command(p.bin, "sessions", "--config", "c.yaml")
	cmd.Dir = p.dir
	process, err := rig.Start(cmd)
	if err != nil {
		p.t.Fatal(err)
	}
	s := &sidecar{Process: process}
	p.t.Cleanup(func() { s.kill(p.t) })
	text, err := process.WaitStderr(`"msg":"ready"`)
	if err != nil {
		p.t.Fatal(err)
	}
	var line struct{ Sessions string }
	if err := json.Unmarshal([]byte(text), &line); err != nil || line.Sessions == "" {
		p.t.Fatalf("%s: no address, %v", text, err)
	}
	s.url = "http://" + line.Sessions
	return s
}

// kill ends the process as the kernel's out-of-memory killer would. One that has ended is left alone.
func (s *sidecar) kill(t *testing.T) {
	if err := s.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if _, err := s.Wait(); err != nil {
		t.Error(err)
	}
}

// answer is what a sidecar says of a session.
type answer struct {
	ID         string
	Version    uint64
	Namespaces map[string]map[string]struct{ Value json.RawMessage }
	token      string
}

func (a answer) public(key string) string { return string(a.Namespaces["public"][key].Value) }

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// call asks for keys of the session of token, or of a new one, after writing body, if there is one.
func call(c *http.Client, url, token, items string, body []byte) (a answer, err error) {
	method, want := http.MethodGet, http.StatusOK
	if body != nil {
		method, want = http.MethodPost, http.StatusCreated
	}
	req, err := http.NewRequest(method, url+"/api/sessions?items="+items, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	if token != "" {
		req.AddCookie(&http.Cookie{Name: "vtex_session", Value: token})
	}
	res, err := c.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return a, err
	}
	if res.StatusCode != want {
		return a, fmt.Errorf("%s: %d %s", method, res.StatusCode, text)
	}
	for _, cookie := range res.Cookies() {
		if cookie.Name == "vtex_session" {
			a.token = cookie.Value
		}
	}
	return a, json.Unmarshal(text, &a)
}

// write writes a number under a key of the public namespace and checks that the answer is of that.
func write(c *http.Client, url, token, key string, n int) (answer, error) {
	a, err := call(c, url, token, "public."+key, fmt.Appendf(nil, `{"public":{"%s":{"value":%d}}}`, key, n))
	if err != nil {
		return a, err
	}
	if got := a.public(key); got != fmt.Sprint(n) {
		return a, fmt.Errorf("wrote %d to %s, and the answer says %q", n, key, got)
	}
	return a, nil
}
