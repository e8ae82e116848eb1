package scenarios_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rule is one scripted answer.
type rule struct {
	request string // method and target, as in "GET /page?a=1"
	kind    string // "": the answer as written; hold: after `release`; reset, hang, half
	status  int
	header  [][2]string
	body    string
}

// parseRules reads a script: answers apart by lines of `===`. An answer is the request line, the status line with an
// optional kind, header lines, an empty line and the body. Several answers to one request are given in turn; the last
// one stays. In a body {n} is the number of the request, {field} the value of that request field.
func parseRules(text string) ([]rule, error) {
	var rules []rule
	for block := range strings.SplitSeq(text, "===\n") {
		block = strings.TrimLeft(block, "\n")
		if block == "" {
			continue
		}
		head, body, _ := strings.Cut(block, "\n\n")
		lines := strings.Split(strings.TrimSpace(head), "\n")
		if len(lines) < 2 {
			return nil, fmt.Errorf("no status in %q", block)
		}
		status, kind, _ := strings.Cut(lines[1], " ")
		r := rule{request: lines[0], kind: kind, body: strings.TrimSuffix(body, "\n")}
		var err error
		if r.status, err = strconv.Atoi(status); err != nil {
			return nil, fmt.Errorf("status in %q: %w", block, err)
		}
		if kinds := []string{"", "hold", "reset", "hang", "half"}; !slices.Contains(kinds, kind) {
			return nil, fmt.Errorf("kind %q is none of %q", kind, kinds)
		}
		for _, line := range lines[2:] {
			name, value, ok := strings.Cut(line, ": ")
			if !ok {
				return nil, fmt.Errorf("header line %q", line)
			}
			r.header = append(r.header, [2]string{name, value})
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// origin is the scripted origin server.
type origin struct {
	address string // host and port, nobody else's while it is down
	rules   []rule
	release chan struct{} // closed by releaseAll

	mu       sync.Mutex // guards what follows
	given    map[string]int
	requests []string // what was seen, a block each
	server   *http.Server
	released bool
}

func newOrigin(address string, rules []rule) *origin {
	return &origin{address: address, rules: rules, release: make(chan struct{}), given: map[string]int{}}
}

func (o *origin) up() error {
	l, err := net.Listen("tcp", o.address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: o, ReadHeaderTimeout: time.Minute}
	o.mu.Lock()
	o.server = server
	o.mu.Unlock()
	go func() { _ = server.Serve(l) }() // it ends by down
	return nil
}

// down ends the listener and cuts off every connection.
func (o *origin) down() {
	o.mu.Lock()
	server := o.server
	o.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

func (o *origin) releaseAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.released {
		close(o.release)
		o.released = true
	}
}

// next takes the rule for a request and its number, which counts from 1.
func (o *origin) next(r *http.Request) (rule, int) {
	request := r.Method + " " + r.RequestURI
	o.mu.Lock()
	defer o.mu.Unlock()
	o.given[request]++
	o.requests = append(o.requests, describe(r))
	n, found := o.given[request], rule{status: http.StatusNotFound, body: "no rule for " + request}
	for _, candidate := range o.rules {
		if candidate.request != request {
			continue
		}
		found = candidate
		if n--; n == 0 {
			break
		}
	}
	return found, o.given[request]
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rule, n := o.next(r)
	switch rule.kind {
	case "hold":
		select {
		case <-o.release:
		case <-r.Context().Done():
			return
		}
	case "hang":
		<-r.Context().Done()
		return
	case "reset":
		panic(http.ErrAbortHandler)
	}
	for _, h := range rule.header {
		w.Header().Add(h[0], h[1])
	}
	body := expand(rule.body, n, r)
	if len(rule.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(rule.status)
	if rule.kind == "half" {
		_, _ = w.Write([]byte(body[:len(body)/2]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(body)) // a client that is gone needs no answer
	}
}

func expand(body string, n int, r *http.Request) string {
	body = strings.ReplaceAll(body, "{n}", strconv.Itoa(n))
	for {
		before, rest, ok := strings.Cut(body, "{")
		if !ok {
			return body
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return body
		}
		body = before + strings.Join(r.Header.Values(name), " | ") + after
	}
}

// describe is a request as a block of text: its line, then its fields by name.
func describe(r *http.Request) string {
	lines := []string{"host: " + r.Host}
	for name, values := range r.Header {
		for _, v := range values {
			lines = append(lines, strings.ToLower(name)+": "+v)
		}
	}
	slices.Sort(lines)
	return r.Method + " " + r.RequestURI + "\n" + strings.Join(lines, "\n") + "\n"
}

func (o *origin) story() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.requests, "\n")
}

func (o *origin) count(request string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.given[request]
}

func TestParseRules(t *testing.T) {
	got, err := parseRules("GET /a?b=1\n200\nCache-Control: max-age=60\nX: a: b\n\none {n}\n\ntwo\n===\nGET /a?b=1\n503 hold\n===\n")
	want := []rule{
		{request: "GET /a?b=1", status: 200, header: [][2]string{{"Cache-Control", "max-age=60"}, {"X", "a: b"}}, body: "one {n}\n\ntwo"},
		{request: "GET /a?b=1", status: 503, kind: "hold"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(rule{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"GET /\n", "GET /\nabc\n", "GET /\n200 sideways\n", "GET /\n200\nno colon\n"} {
		if _, err := parseRules(bad); err == nil {
			t.Errorf("%q is no script and was read", bad)
		}
	}
}

func TestRulesInTurn(t *testing.T) {
	rules, err := parseRules("GET /\n200\n\na {n}\n===\nGET /\n201\n\nb {n} {x-y}\n")
	if err != nil {
		t.Fatal(err)
	}
	o := newOrigin("", rules)
	var got []string
	for range 3 {
		r, _ := http.NewRequestWithContext(context.Background(), "GET", "/", nil)
		r.RequestURI = "/"
		r.Header.Set("X-Y", "z")
		rule, n := o.next(r)
		got = append(got, fmt.Sprint(rule.status, " ", expand(rule.body, n, r)))
	}
	if diff := cmp.Diff([]string{"200 a 1", "201 b 2 z", "201 b 3 z"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
