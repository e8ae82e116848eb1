package proxy_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/segment"
)

// trustLoopback makes the test's own connections those of a trusted proxy.
func trustLoopback(s *setup) {
	s.options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

const defaultSegment = `{"campaigns":null,"channel":"1","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,` +
	`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"pt-BR","channelPrivacy":"public"}`

// segmentJSON is the default segment with values replaced: name, value, name, …
func segmentJSON(pairs ...string) string {
	s := defaultSegment
	for i := 0; i < len(pairs); i += 2 {
		s = regexp.MustCompile(`"`+pairs[i]+`":(null|"[^"]*")`).ReplaceAllLiteralString(s, `"`+pairs[i]+`":"`+pairs[i+1]+`"`)
	}
	return s
}

func tokenOf(text string) string { return base64.RawStdEncoding.EncodeToString([]byte(text)) }

// shopper is the Cookie line of one with a segment, and its seal.
func (r *rig) shopper(text string, others ...string) string {
	r.t.Helper()
	sealer, err := segment.NewSealer("acme", []segment.SealKey{r.key}, time.Hour, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	token := tokenOf(text)
	return "Cookie: " + strings.Join(append(others, "vtex_segment="+token, "aisle_seal="+sealer.Seal(time.Now(), []byte(token))), "; ")
}

var tokens = regexp.MustCompile(`eyJ[A-Za-z0-9+/]+`)

// String shows a request as the origin saw it, whole: one line per field in
// order of their names, segment tokens decoded.
func (q *seenRequest) String() string {
	var b strings.Builder
	b.WriteString(q.Method + " " + q.URI + " of " + q.Host + "\n")
	names := make([]string, 0, len(q.Header))
	for name := range q.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range q.Header[name] {
			b.WriteString(name + ": " + decodeTokens(v) + "\n")
		}
	}
	if q.Body != "" {
		b.WriteString("\n" + q.Body + "\n")
	}
	return b.String()
}

func decodeTokens(s string) string {
	return tokens.ReplaceAllStringFunc(s, func(token string) string {
		text, err := base64.RawStdEncoding.DecodeString(token)
		if err != nil {
			return token
		}
		return string(text)
	})
}

func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

// views are the requests that reached the origin.
func (r *rig) views() []string {
	var all []string
	for _, q := range r.requests() {
		all = append(all, q.String())
	}
	return all
}

// status takes the last member of Cache-Status apart: that of the edge.
func (a answer) status(t testing.TB) map[string]any {
	t.Helper()
	list, err := httpsfv.UnmarshalList(a.Header.Values("Cache-Status"))
	if err != nil || len(list) == 0 {
		t.Fatalf("Cache-Status %q: %v", a.Header.Values("Cache-Status"), err)
	}
	item, ok := list[len(list)-1].(httpsfv.Item)
	if !ok || item.Value != httpsfv.Token("aisle") {
		t.Fatalf("Cache-Status %q: the last member is not ours", a.Header.Values("Cache-Status"))
	}
	m := map[string]any{}
	for _, name := range item.Params.Names() {
		v, _ := item.Params.Get(name)
		if token, ok := v.(httpsfv.Token); ok {
			v = string(token)
		}
		m[name] = v
	}
	return m
}

// detail is the reason in Cache-Status, and hit or how it was forwarded.
func (a answer) detail(t testing.TB) string {
	t.Helper()
	m := a.status(t)
	how, _ := m["fwd"].(string)
	if m["hit"] == true {
		how = "hit"
	}
	reason, _ := m["detail"].(string)
	if reason == "landing" {
		reason = "fresh" // whether the store shows a page yet is a matter of microseconds
	}
	return strings.TrimSpace(how + " " + reason)
}

// logged ends the access log and gives its lines.
func (r *rig) logged() []map[string]any {
	r.t.Helper()
	r.shutdown()
	if err := r.access.Close(); err != nil {
		r.t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(r.log.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			r.t.Fatalf("log line %q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// count gives the value of a counter or gauge: name, label, value, label, value, …
func (r *rig) count(name string, labels ...string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	sum, found := 0.0, false
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			have := prometheus.Labels{}
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			ok := true
			for i := 0; i < len(labels); i += 2 {
				ok = ok && have[labels[i]] == labels[i+1]
			}
			if ok {
				found, sum = true, sum+m.GetCounter().GetValue()+m.GetGauge().GetValue()
			}
		}
	}
	if !found {
		r.t.Fatalf("no counter %s %v", name, labels)
	}
	return sum
}

// client is one keep-alive connection.
type client struct {
	t testing.TB
	net.Conn
	br *bufio.Reader
}

func (r *rig) dial() *client {
	r.t.Helper()
	c, err := net.DialTimeout("tcp", r.addr, 5*time.Second)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{r.t, c, bufio.NewReader(c)}
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads the next answer whole.
func (c *client) answer(method string) answer {
	c.t.Helper()
	return readAnswer(c.t, c.br, method)
}

// head reads the head of the next answer; its body is the caller's to read.
func (c *client) head(method string) *http.Response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	return resp
}

// ended says whether the edge closes the connection without a further byte.
func (c *client) ended() bool {
	n, err := io.Copy(io.Discard, c.br)
	return n == 0 && err == nil
}

// fields sets the answer's fields, "Name: value" each.
func fields(w http.ResponseWriter, list ...string) {
	for _, f := range list {
		name, value, _ := strings.Cut(f, ": ")
		w.Header().Add(name, value)
	}
}

// cachedAs is an origin whose pages say what they are of, with these fields.
func cachedAs(list ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		fields(w, list...)
		_, _ = io.WriteString(w, q.Method+" "+q.RequestURI+" for "+decodeTokens(q.Header.Get("X-Vtex-Segment")))
	}
}
