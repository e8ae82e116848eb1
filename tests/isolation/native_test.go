package isolation_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// native is an edge whose own sidecar derives the segments of its shoppers, and what this test knows of its store. The
// world is another one all the while.
type native struct {
	edge   *edge
	dir    string
	binary string // aisle's, for its commands
	worlds timeline[world]
	canary canary
	voided voided
	posts  notes

	mu    sync.Mutex      // guards both
	shown []ticket        // segments that shoppers have, each with its seal
	ids   map[string]bool // of all sessions
}

// canary is a customer and a place whose values are the number of the files, and an audience with that of the configuration, so that
// the edge itself says what it goes by now.
type canary struct {
	files, audiences int
	cookies          string
}

const (
	canaryEmail  = "canary@canary.example"
	canaryPostal = "77777777"
)

// startNative writes the files of a store and runs an edge by them.
func startNative(t *testing.T, binary string, r *run) *native {
	t.Helper()
	n := &native{dir: t.TempDir(), binary: binary, edge: &edge{name: "native", native: true, memory: "32MiB"}}
	n.canary.files, n.canary.audiences = 1, 1
	n.worlds.set(world{tables: firstTables(), ranges: firstRanges(), audiences: allAudiences()})
	if err := errors.Join(n.refile(n.worlds.newest()), n.write("areas.geojson", areasJSON()), n.write("shoppers.jwks", jwks())); err != nil {
		t.Fatal(err)
	}
	n.edge.extra = n.sessionsConfig(n.worlds.newest())
	startEdge(t, binary, n.edge, r.storefront, r.special.addr)
	return n
}

// write puts a file in place by a rename, as operators are told to.
func (n *native) write(name, text string) error {
	path := filepath.Join(n.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// refile puts both files in place.
func (n *native) refile(w world) error {
	if err := n.write("customers.csv", n.customersCSV(w)); err != nil {
		return err
	}
	return n.write("regions.csv", n.regionsCSV(w))
}

func (n *native) customersCSV(w world) string {
	var b strings.Builder
	b.WriteString("id,email,firstName,lastName,document,phone,priceTables\n")
	for _, c := range customers() {
		fmt.Fprintf(&b, "%s,%s,First,Last,,,%s\n", c.id, c.email, strings.Join(w.tables[c.email], ";"))
	}
	fmt.Fprintf(&b, "c-canary,%s,Canary,Bird,,,v%d\n", canaryEmail, n.canary.files)
	return b.String()
}

func (n *native) regionsCSV(w world) string {
	var b strings.Builder
	b.WriteString("country,from,to,channel,sellers\n")
	for _, r := range w.ranges {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s\n", r.country, r.from, r.to, r.channel, strings.Join(r.sellers, ";"))
	}
	fmt.Fprintf(&b, "BRA,%s,%s,,%s\n", canaryPostal, canaryPostal, n.canarySellers())
	return b.String()
}

func (n *native) canarySellers() string { return fmt.Sprintf("v%d", n.canary.files) }

func areasJSON() string {
	var features []string
	for _, a := range areas() {
		sellers, _ := json.Marshal(a.sellers) // texts cannot fail
		features = append(features, fmt.Sprintf(`{"type":"Feature","properties":{"country":%q,"sellers":%s},"geometry":{"type":"Polygon","coordinates":`+
			`[[[%[3]g,%[5]g],[%[4]g,%[5]g],[%[4]g,%[6]g],[%[3]g,%[6]g],[%[3]g,%[5]g]]]}}`, a.country, sellers, a.west, a.east, a.south, a.north))
	}
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

// loginSecret is what the store signs log-ins with.
func loginSecret() []byte { return []byte("the isolation test signs log-ins with it") }

func jwks() string {
	return fmt.Sprintf(`{"keys":[{"kty":"oct","kid":"test","k":%q}]}`, base64.RawURLEncoding.EncodeToString(loginSecret()))
}

// sessionsConfig is the part of the configuration that makes the segments.
func (n *native) sessionsConfig(w world) string {
	at := func(name string) string { return filepath.Join(n.dir, name) }
	text := fmt.Sprintf(`
sessions:
  mode: embedded
  store: {bolt: %q, sync: interval}
  token_keys_file: %q
  cookies: {secure: false}
  creates_per_minute: 0
  transforms:
    store: {members: {"3": 'profile.isAuthenticated == "true" and "gold" in split(profile.priceTables, ",")'}}
    authentication: {keys_file: %q}
    profile: {customers: {file: %q}}
    checkout: {regions: {file: %q}, polygons: {file: %q}}
    impersonate: {operators: 'authentication.adminUserEmail endsWith "@acme.example"'}
    search: {facets: [productClusterIds]}
    rnb:
      audiences:
        - {id: v%d, priority: 100, when: 'profile.email == "%s"'}
`, at("sessions.db"), "./data/session.keys", at("shoppers.jwks"), at("customers.csv"), at("regions.csv"), at("areas.geojson"), n.canary.audiences, canaryEmail)
	for _, a := range w.audiences {
		until := ""
		if !a.until.IsZero() {
			until = fmt.Sprintf(", until: %q", a.until.UTC().Format(time.RFC3339Nano))
		}
		text += fmt.Sprintf("        - {id: %s, priority: %d, when: '%s'%s}\n", a.id, a.priority, a.when, until)
	}
	return text
}

// show has everybody find a segment with its seal, to take the seal for their own.
func (n *native) show(k ticket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shown = append(n.shown, k); len(n.shown) > 50 {
		n.shown = n.shown[1:]
	}
}

// born notes a session's id, which must be one that there was not before.
func (n *native) born(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ids == nil {
		n.ids = map[string]bool{}
	}
	before := n.ids[id]
	n.ids[id] = true
	return id != "" && !before
}

func (n *native) found(at int) (k ticket, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.shown) == 0 {
		return ticket{}, false
	}
	return n.shown[at%len(n.shown)], true
}

// reconfigure has the edge go by other audiences, in one of the two ways.
func (n *native) reconfigure(ctx context.Context, w world, bySignal bool) error {
	if err := n.edge.rewrite(n.sessionsConfig(w)); err != nil {
		return err
	}
	if bySignal {
		return syscall.Kill(int(n.edge.log.pid.Load()), syscall.SIGHUP)
	}
	return post(ctx, "http://"+n.edge.admin+"/-/reload", "", nil)
}

// followed waits until the edge shows the numbers that its files and its configuration have now.
func (n *native) followed(ctx context.Context) error {
	want := fmt.Sprintf("v%d %s v%d", n.canary.files, regionOfSellers([]string{n.canarySellers()}), n.canary.audiences)
	last := ""
	for deadline := time.Now().Add(patience); ctx.Err() == nil && time.Now().Before(deadline); pause(ctx, 10*time.Millisecond) {
		var err error
		if last, err = n.sing(ctx); err != nil {
			return err
		}
		if last == want {
			return nil
		}
	}
	return fmt.Errorf("the native edge goes by %q, want %q, after %s", last, want, patience)
}

// sing asks for the session of the canary, which has the three numbers.
func (n *native) sing(ctx context.Context) (string, error) {
	url := "http://" + n.edge.addr + "/api/sessions?items=profile.priceTables,checkout.regionId,rnb.campaigns"
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"public":{"postalCode":{"value":"`+canaryPostal+`"},"country":{"value":"BRA"}}}`))
	if err != nil {
		return "", err
	}
	q.Host, q.Close = "shop.test", true // an idle connection would keep the edge from ending
	q.Header.Set("Cookie", n.canary.cookies+"; "+shopperCookie+"="+signed(claims(customer{"c-canary", canaryEmail}, time.Hour)))
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		if c.Name == "vtex_session" {
			n.canary.cookies = "vtex_session=" + c.Value
		}
	}
	view, err := viewOf(resp.Body)
	if err != nil {
		return "", fmt.Errorf("the canary's session: %d %w", resp.StatusCode, err)
	}
	first, _, _ := strings.Cut(view.text("rnb", "campaigns"), ",")
	return view.text("profile", "priceTables") + " " + view.text("checkout", "regionId") + " " + first, nil
}
