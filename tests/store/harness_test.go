package store_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// product is one whose price hangs on price tables.
const product = "/table-lamp-aurora/p"

// shop is the worked store with files of its own, which a test may replace.
type shop struct {
	t    *testing.T
	bin  string
	dir  string
	edge *rig.Edge
}

// start runs the store on a copy of examples/store; change edits its configuration.
func start(t *testing.T, change func(config string) string) *shop {
	t.Helper()
	s := &shop{t: t, bin: rig.Aisle(t), dir: t.TempDir()}
	s.must(os.CopyFS(s.dir, os.DirFS("../../examples/store")))
	demo := rig.RunDemo(t, s.bin)
	text := strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:0", "127.0.0.1:8081", "127.0.0.1:0", "http://127.0.0.1:9000", demo).
		Replace(s.read("config.yaml"))
	if change != nil {
		text = change(text)
	}
	var err error
	s.edge, err = rig.StartEdge(s.bin, s.dir, text)
	s.must(err)
	t.Cleanup(func() {
		if code, err := s.edge.Stop(); code != 0 || err != nil {
			t.Errorf("the edge ended with %d, %v:\n%s", code, err, s.edge.Stderr())
		}
		for _, log := range []string{s.edge.Stderr(), s.edge.Stdout()} {
			if strings.Contains(log, "@gold.example") || strings.Contains(log, "eyJ") {
				t.Errorf("an e-mail or a token is in the log:\n%s", log)
			}
		}
	})
	return s
}

// restart ends the edge, does something without one, and starts it anew.
func (s *shop) restart(between func()) {
	s.t.Helper()
	if code, err := s.edge.Stop(); code != 0 || err != nil {
		s.t.Fatalf("the edge ended with %d, %v:\n%s", code, err, s.edge.Stderr())
	}
	if between != nil {
		between()
	}
	var err error
	s.edge, err = rig.StartEdge(s.bin, s.dir, s.read("edge.yaml"))
	s.must(err)
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	s.must(err)
	return string(text)
}

// replace puts a file in place by a rename, with some text of it replaced.
func (s *shop) replace(name string, pairs ...string) {
	s.t.Helper()
	was := s.read(name)
	text := strings.NewReplacer(pairs...).Replace(was)
	if text == was {
		s.t.Fatalf("%s has no %q", name, pairs)
	}
	next := filepath.Join(s.dir, name+".next")
	s.must(os.WriteFile(next, []byte(text), 0o600))
	s.must(os.Rename(next, filepath.Join(s.dir, name)))
}

// reload has the edge follow its configuration, which is in edge.yaml.
func (s *shop) reload() {
	s.t.Helper()
	a, err := rig.Fetch("POST", s.edge.Admin+"/-/reload", "")
	s.must(err)
	if a.Status != 200 || !strings.Contains(a.Body, `"reloaded"`) {
		s.t.Fatalf("reload: %d %s", a.Status, a.Body)
	}
}

// tool runs a command of aisle upon the running edge.
func (s *shop) tool(args ...string) string {
	s.t.Helper()
	args = append(args, "--config", filepath.Join(s.dir, "edge.yaml"), "--admin", strings.TrimPrefix(s.edge.Admin, "http://"))
	cmd := exec.CommandContext(s.t.Context(), s.bin, args...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("aisle %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// shopper is a browser without a screen: cookies, and no script.
type shopper struct {
	*shop
	jar map[string]string
}

func (s *shop) shopper() *shopper { return &shopper{s, map[string]string{}} }

// do sends a request with the cookies that there are, and takes over those that the answer sets. Redirects are not followed.
func (p *shopper) do(method, target, body string, headers ...string) *rig.Response {
	p.t.Helper()
	var cookies []string
	for name, value := range p.jar {
		cookies = append(cookies, name+"="+value)
	}
	if len(cookies) > 0 {
		headers = append(headers, "Cookie: "+strings.Join(cookies, "; "))
	}
	a, err := rig.Fetch(method, p.edge.URL+target, body, headers...)
	p.must(err)
	for _, line := range a.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		p.must(err)
		if p.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(p.jar, c.Name)
		}
	}
	return a
}

// says calls the sessions API with public values, "key=value", as a storefront's script does after each step.
func (p *shopper) says(words ...string) *rig.Response {
	p.t.Helper()
	public := map[string]map[string]string{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		public[name] = map[string]string{"value": value}
	}
	body, err := json.Marshal(map[string]any{"public": public})
	p.must(err)
	return p.do("POST", "/api/sessions", string(body), "Content-Type: application/json")
}

// logsIn by the shop's own form, with more fields as pairs, and then calls the sessions API.
func (p *shopper) logsIn(email string, more ...string) {
	p.t.Helper()
	form := url.Values{"email": {email}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	if a := p.do("POST", "/login", form.Encode(), "Content-Type: application/x-www-form-urlencoded"); a.Status != http.StatusSeeOther {
		p.t.Fatalf("logging in: %d %s", a.Status, a.Body)
	}
	if a := p.says(); a.Status != http.StatusCreated {
		p.t.Fatalf("the sessions API: %d %s", a.Status, a.Body)
	}
}

var livePrice = regexp.MustCompile(`data-live-price>([^<]+)<`) // read only

// sees fetches the product's page and gives its price.
func (p *shopper) sees() string {
	p.t.Helper()
	a := p.do("GET", product, "")
	m := livePrice.FindStringSubmatch(a.Body)
	if a.Status != 200 || m == nil {
		p.t.Fatalf("%d without a price: %s", a.Status, a.Body)
	}
	return strings.ReplaceAll(m[1], "\u00a0", " ")
}

// value is one of the session, by namespace.key.
func (p *shopper) value(name string) string {
	p.t.Helper()
	a := p.do("GET", "/api/sessions?items="+name, "")
	var s struct {
		Namespaces map[string]map[string]struct{ Value any }
	}
	if a.Status != 200 || json.Unmarshal([]byte(a.Body), &s) != nil {
		p.t.Fatalf("reading the session: %d %s", a.Status, a.Body)
	}
	namespace, key, _ := strings.Cut(name, ".")
	text, _ := s.Namespaces[namespace][key].Value.(string)
	return text
}

// becomes waits until a value of the session is so: files are looked at every two seconds.
func (p *shopper) becomes(name, want string) {
	p.t.Helper()
	var got string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = p.value(name); got == want {
			return
		}
	}
	p.t.Fatalf("%s is still %q, not %q:\n%s", name, got, want, p.edge.Stderr())
}

// keeps is a browser that has the cookies of now and no session: what a seal alone is worth.
func (p *shopper) keeps() *shopper {
	return &shopper{p.shop, map[string]string{"vtex_segment": p.jar["vtex_segment"], "aisle_seal": p.jar["aisle_seal"]}}
}
