package sessions_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

const (
	testAccount = "acme"
	testBackend = "erp:a-secret-of-the-erp"
)

// options are those of a rig.
type options struct {
	service sessions.Options
	http    sessions.HandlerOptions
	apps    []transform.App // beside the store app
}

// rig is a sidecar over a store in memory, called without a network.
type rig struct {
	t        testing.TB
	store    *memStore
	tokens   *sessions.Tokens
	sealer   *segment.Sealer
	service  *sessions.Service
	handler  *sessions.Handler
	registry *prometheus.Registry
}

func testChannels() []segment.Channel {
	return []segment.Channel{
		{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"},
		{ID: "2", CountryCode: "USA", CultureInfo: "en-US", CurrencyCode: "USD", CurrencySymbol: "$"},
		{ID: "3", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$", Private: true},
	}
}

func newRig(t testing.TB, change func(*options)) *rig {
	t.Helper()
	r := &rig{t: t, store: newMemStore(), registry: prometheus.NewRegistry(), tokens: newTokens(t, testAccount, newKey(t)), sealer: newSealer(t)}
	backends, err := sessions.ParseBackendKeys([]byte(strings.Replace(testBackend, ":", " ", 1)))
	r.must(err)
	metrics := sessions.NewMetrics(r.registry)
	o := options{
		service: sessions.Options{Account: testAccount, Store: r.store, Tokens: r.tokens, Sealer: r.sealer, Metrics: metrics},
		http:    sessions.HandlerOptions{Backends: backends, CreateRate: -1},
	}
	if change != nil {
		change(&o)
	}
	if o.service.Engine == nil {
		o.service.Engine = newEngine(t, metrics, o.apps...)
	}
	r.service, err = sessions.New(o.service)
	r.must(err)
	o.http.Service = r.service
	r.handler, err = sessions.NewHandler(o.http)
	r.must(err)
	return r
}

func newSealer(t testing.TB) *segment.Sealer {
	t.Helper()
	key, err := segment.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := segment.NewSealer(testAccount, []segment.SealKey{key}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func newEngine(t testing.TB, metrics *sessions.Metrics, apps ...transform.App) *transform.Engine {
	t.Helper()
	store, err := transform.NewStore(transform.StoreOptions{Channels: testChannels()})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := transform.New(append([]transform.App{store}, apps...), transform.Options{Observe: metrics.Transform})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// conflicts has the next saves fail, as if another process were faster.
func (r *rig) conflicts(left int) {
	r.store.before = func(op string) error {
		if op == "save" && left > 0 {
			left--
			return sessions.ErrConflict
		}
		return nil
	}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// app is a transform that a test writes down.
type app struct {
	spec transform.Spec
	do   func(ctx context.Context, in transform.Values) (transform.Values, error)
}

func (a app) Spec() transform.Spec { return a.spec }
func (a app) Transform(ctx context.Context, in transform.Values) (transform.Values, error) {
	return a.do(ctx, in)
}

// login is an app in the manner of `authentication` and `profile`: the cookie login names the shopper and brings their
// price table.
func login() transform.App {
	return app{transform.Spec{
		Name: "login", Input: transform.Declaration{"cookie": {"login"}},
		Output: transform.Declaration{"profile": {"email", "priceTables", "isAuthenticated"}},
	}, func(_ context.Context, in transform.Values) (transform.Values, error) {
		out := transform.Values{}
		name := in.Text(transform.Key{Namespace: "cookie", Name: "login"})
		texts := map[string]string{"email": "", "priceTables": "", "isAuthenticated": "false"}
		if name != "" {
			texts = map[string]string{"email": name + "@shop.example", "priceTables": name, "isAuthenticated": "true"}
		}
		for key, text := range texts {
			out.Put(transform.Key{Namespace: "profile", Name: key}, transform.TextValue(text))
		}
		return out, nil
	}}
}

// copier is an app that copies public keys into a namespace of other apps' making.
func copier(pairs map[string]transform.Key) transform.App {
	spec := transform.Spec{Name: "copier", Input: transform.Declaration{}, Output: transform.Declaration{}}
	for from, to := range pairs {
		spec.Input["public"] = append(spec.Input["public"], from)
		spec.Output[to.Namespace] = append(spec.Output[to.Namespace], to.Name)
	}
	return app{spec, func(_ context.Context, in transform.Values) (transform.Values, error) {
		out := transform.Values{}
		for from, to := range pairs {
			value := in.Get(transform.Key{Namespace: "public", Name: from})
			if value == nil {
				value = json.RawMessage(`""`)
			}
			out.Put(to, value)
		}
		return out, nil
	}}
}

// answer is an answer, read.
type answer struct {
	t       testing.TB
	status  int
	header  http.Header
	body    string
	cookies map[string]*http.Cookie
}

// do sends a request; fields are pairs of name and value, given as lines of their own.
func (r *rig) do(method, target, body string, fields ...string) *answer {
	r.t.Helper()
	var reader *strings.Reader
	request := httptest.NewRequest(method, target, nil)
	if body != "" {
		reader = strings.NewReader(body)
		request = httptest.NewRequest(method, target, reader)
	}
	for i := 0; i < len(fields); i += 2 {
		request.Header.Add(fields[i], fields[i+1])
	}
	return r.serve(request)
}

func (r *rig) serve(request *http.Request) *answer {
	r.t.Helper()
	recorder := httptest.NewRecorder()
	r.handler.ServeHTTP(recorder, request)
	result := recorder.Result()
	a := &answer{t: r.t, status: result.StatusCode, header: result.Header, body: recorder.Body.String(), cookies: map[string]*http.Cookie{}}
	for _, c := range result.Cookies() {
		a.cookies[c.Name] = c
	}
	return a
}

// want checks the status.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// read is the body as JSON.
func (a *answer) read(into any) {
	a.t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		a.t.Fatalf("content type %q of %s", got, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
}

// same checks the body as JSON, whatever the order of its keys.
func (a *answer) same(want string) {
	a.t.Helper()
	var got, wanted any
	a.read(&got)
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		a.t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		a.t.Errorf("(-want +got)\n%s", diff)
	}
}

// fault checks that the answer is an error of this type, and sets no cookie.
func (a *answer) fault(status int, kind string) {
	a.t.Helper()
	a.failure(status, kind)
	if len(a.cookies) != 0 {
		a.t.Errorf("cookies %v", a.cookies)
	}
}

// failure checks that the answer is an error of this type, with its operation id.
func (a *answer) failure(status int, kind string) {
	a.t.Helper()
	a.want(status)
	var got struct{ Type, Message, OperationID string }
	a.read(&got)
	switch {
	case got.Type != kind || got.Message == "":
		a.t.Errorf("the error is %+v, want type %s", got, kind)
	case got.OperationID == "" || got.OperationID != a.header.Get("x-vtex-operation-id"):
		a.t.Errorf("operation %q, in the header %q", got.OperationID, a.header.Get("x-vtex-operation-id"))
	case a.header.Get("Cache-Control") != "private, no-store":
		a.t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
}

// session is what a read shows.
type session struct {
	ID         string
	Version    uint64
	Active     bool
	Debug      bool
	Namespaces map[string]map[string]struct {
		Value     json.RawMessage
		KeepAlive bool
	}
}

func (a *answer) session() session {
	a.t.Helper()
	var s session
	a.read(&s)
	return s
}

// value gives a value as JSON, "" where it is absent.
func (s session) value(namespace, key string) string {
	return string(s.Namespaces[namespace][key].Value)
}

// shopper is a browser: it keeps cookies.
type shopper struct {
	*rig
	jar map[string]string
}

func (r *rig) shopper() *shopper { return &shopper{r, map[string]string{}} }

func (s *shopper) do(method, target, body string, fields ...string) *answer {
	s.t.Helper()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(s.jar)) {
		pairs = append(pairs, name+"="+s.jar[name])
	}
	if len(pairs) > 0 {
		fields = append(fields, "Cookie", strings.Join(pairs, "; "))
	}
	a := s.rig.do(method, target, body, fields...)
	for name, c := range a.cookies {
		s.jar[name] = c.Value
	}
	return a
}

// read gets the whole session.
func (s *shopper) read() session {
	s.t.Helper()
	return s.do("GET", "/api/sessions?items=*", "").want(200).session()
}

// segment is the shopper's cookie, decoded, whose seal must be good.
func (s *shopper) segment() map[string]any {
	s.t.Helper()
	token := s.jar["vtex_segment"]
	if state, _ := s.sealer.Open(time.Now(), []byte(token), []byte(s.jar["aisle_seal"])); state != segment.SealValid {
		s.t.Errorf("the seal is %v", state)
	}
	text, err := base64.RawStdEncoding.DecodeString(token)
	s.must(err)
	var fields map[string]any
	s.must(json.Unmarshal(text, &fields))
	return fields
}

// public is a body that writes public texts, given as pairs.
func public(pairs ...string) string {
	keys := map[string]map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		keys[pairs[i]] = map[string]string{"value": pairs[i+1]}
	}
	text, err := json.Marshal(map[string]any{"public": keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}
