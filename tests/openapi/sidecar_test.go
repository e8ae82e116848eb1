package openapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/bolt"
	"github.com/aislecache/aisle/sessions/transform"
)

// run starts a sidecar with a store on disk and gives its URL.
func run(t *testing.T) string {
	t.Helper()
	store, err := bolt.Open(bolt.Options{Path: t.TempDir() + "/sessions.db"})
	must(t, err)
	handler, err := sessions.NewHandler(sessions.HandlerOptions{Service: service(t, store), Cookies: sessions.CookieOptions{Insecure: true}})
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := sessions.NewServer(handler, nil)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		must(t, server.Shutdown(context.Background()))
		served.Wait()
		must(t, store.Close())
	})
	return "http://" + listener.Addr().String()
}

func service(t *testing.T, store sessions.Store) *sessions.Service {
	t.Helper()
	key, err := sessions.GenerateTokenKey()
	must(t, err)
	tokens, err := sessions.NewTokens("acme", []sessions.TokenKey{key})
	must(t, err)
	secret, err := segment.GenerateKey()
	must(t, err)
	sealer, err := segment.NewSealer("acme", []segment.SealKey{secret}, 0, nil)
	must(t, err)
	channels, err := transform.NewStore(transform.StoreOptions{Channels: []segment.Channel{
		{ID: "1", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"},
		{ID: "2", CountryCode: "USA", CultureInfo: "en-US", CurrencyCode: "USD", CurrencySymbol: "$"},
	}})
	must(t, err)
	engine, err := transform.New([]transform.App{channels}, transform.Options{})
	must(t, err)
	s, err := sessions.New(sessions.Options{Account: "acme", Store: store, Tokens: tokens, Sealer: sealer, Engine: engine})
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser calls a sidecar and keeps its cookies.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
}

func (b browser) do(method, target, body string) (status int, text []byte) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.base+target, strings.NewReader(body))
	must(b.t, err)
	response, err := b.client.Do(request)
	must(b.t, err)
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	must(b.t, err)
	return response.StatusCode, text
}

func newBrowser(t *testing.T, base string) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return browser{t, base, &http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}}
}

// TestAnswersFollowTheDescription checks every 2xx answer of a running sidecar. A write with items is checked against what
// facts 1.4 says of it, since the description does not know it.
func TestAnswersFollowTheDescription(t *testing.T) {
	d := load(t, "session-manager.openapi.json")
	withItems := json.RawMessage(`{"type":"object","required":["id","namespaces"],"properties":{"id":{"type":"string"},
		"namespaces":{"type":"object","additionalProperties":{"type":"object","additionalProperties":
		{"type":"object","required":["value"],"properties":{"value":{},"keepAlive":{"type":"boolean"}},"additionalProperties":false}}},
		"version":{"type":"integer"},"active":{"type":"boolean"},"debug":{"type":"boolean"}},"additionalProperties":false}`)
	b := newBrowser(t, run(t))
	checked := 0
	f := func(path, method, query, body string) {
		t.Helper()
		status, text := b.do(method, path+query, body)
		if status/100 != 2 {
			t.Errorf("%s %s%s: status %d: %s", method, path, query, status, text)
			return
		}
		checked++
		breaches := d.check(path, method, status, text)
		if method != "GET" && strings.Contains(query, "items") {
			breaches = d.checkText(withItems, text)
		}
		for _, breach := range breaches {
			t.Errorf("%s %s%s: %s\n%s", method, path, query, breach, text)
		}
	}
	f("/api/segments", "GET", "", "")
	f("/api/sessions", "GET", "?items=*", "")
	f("/api/sessions", "POST", "", `{"public":{"variable1":{"value":"value1"},"variable2":{"value":"value2"}}}`)
	f("/api/sessions", "PATCH", "", `{"public":{"variable2":{"value":"patched"}}}`)
	f("/api/sessions", "PATCH", "?utm_source=google&sc=2", "{}")
	f("/api/sessions", "POST", "", "")
	f("/api/sessions", "GET", "?items=public.variable1,store.channel,account.id", "")
	f("/api/sessions", "GET", "?items=", "")
	f("/api/sessions", "GET", "?items=*", "")
	f("/api/segments", "GET", "", "")
	f("/api/segments", "GET", "?cultureInfo=fr-FR&utm_campaign=black+friday", "")
	f("/api/sessions", "POST", "?items=public.variable1,store.*", "{}")
	f("/api/sessions", "PATCH", "?items=", `{"public":{"o":{"value":{"a":[1]},"keepAlive":true}}}`)
	f("/api/sessions", "PATCH", "?items=*", "{}")
	if checked != 14 {
		t.Errorf("%d answers were checked", checked)
	}
}

// TestTokensAnswerIsExact: the description would let the pair of tokens be anything at all.
func TestTokensAnswerIsExact(t *testing.T) {
	var d description
	exact := json.RawMessage(`{"type":"object","required":["sessionToken","segmentToken"],"additionalProperties":false,
		"properties":{"sessionToken":{"type":"string"},"segmentToken":{"type":"string"}}}`)
	b := newBrowser(t, run(t))
	for _, method := range []string{"POST", "PATCH"} {
		_, text := b.do(method, "/api/sessions", "{}")
		for _, breach := range d.checkText(exact, text) {
			t.Errorf("%s: %s in %s", method, breach, text)
		}
	}
}
