package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

// newQuery encodes names and values in turn.
func newQuery(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return q.Encode()
}

// waitFor asks for the state of a shop until it is as wanted; the test's own deadline ends it.
func waitFor(t *testing.T, base string, ok func(demo.State) bool) {
	t.Helper()
	for t.Context().Err() == nil {
		res, err := http.Get(base + "/_demo/state")
		if err != nil {
			t.Fatal(err)
		}
		var st demo.State
		err = json.NewDecoder(res.Body).Decode(&st)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if ok(st) {
			return
		}
	}
}

func TestFaultModesHaveNamesThatReadBack(t *testing.T) {
	want := []string{"none", "500", "503", "reset", "hang", "half"}
	for i, name := range want {
		mode := demo.FaultMode(i)
		text, err := mode.MarshalText()
		if err != nil || string(text) != name || mode.String() != name {
			t.Errorf("mode %d is called %q and written %q, %v; want %q", i, mode, text, err, name)
		}
		var back demo.FaultMode
		if err := back.UnmarshalText(text); err != nil || back != mode {
			t.Errorf("%q read as %v, %v", text, back, err)
		}
	}
	if got := demo.FaultMode(len(want)).String(); got != "unknown" {
		t.Errorf("beyond the last mode: %q", got)
	}
	for _, bad := range []string{"", "unknown", "404", "Hang"} {
		mode := demo.FaultHalf
		if err := mode.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), bad) || mode != demo.FaultHalf {
			t.Errorf("%q read as %v, %v", bad, mode, err)
		}
	}
}

func TestFailuresWithAnAnswer(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(mode demo.FaultMode, status int, retry string) {
		t.Helper()
		s.Fail(mode, 1)
		for _, path := range []string{"/", "/assets/app.js", "/healthz", "/api/sessions"} {
			a := s.get(t, path)
			if a.status != status || a.header.Get("Retry-After") != retry || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v %s: %d, fields %v", mode, path, a.status, a.header)
			}
		}
		if a := s.get(t, "/_demo/state"); a.status != http.StatusOK {
			t.Errorf("%v: the controls answer %d", mode, a.status)
		}
	}
	f(demo.Fault500, 500, "")
	f(demo.Fault503, 503, "2")
	s.Fail(demo.FaultNone, 1)
	if a := s.get(t, "/"); a.status != http.StatusOK {
		t.Errorf("after the failures: %d", a.status)
	}
}

func TestResetIsAReset(t *testing.T) {
	s := newShop(t, demo.Options{})
	s.Fail(demo.FaultReset, 1)
	// A POST is not sent again by the client, as a GET on a kept connection would be.
	res, err := s.client.Post(s.url+"/api/sessions", "application/json", strings.NewReader("{}"))
	if err == nil {
		res.Body.Close()
		t.Fatalf("an answer: %s", res.Status)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want a reset connection", err)
	}
}

func TestHalfABodyIsSeenAsOne(t *testing.T) {
	s := newShop(t, demo.Options{})
	whole := s.get(t, "/c/lamps")
	s.Fail(demo.FaultHalf, 1)
	res, err := s.client.Get(s.url + "/c/lamps")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	part, err := io.ReadAll(res.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want an unexpected end", err)
	}
	if res.ContentLength != int64(len(whole.body)) || len(part) != len(whole.body)/2 || res.StatusCode != 200 {
		t.Errorf("status %d, Content-Length %d, %d bytes; want 200, %d and half of it", res.StatusCode, res.ContentLength, len(part), len(whole.body))
	}
	if diff := cmp.Diff(string(whole.body[:len(part)]), string(part)); diff != "" {
		t.Error("the half is not that of the page")
	}
	if res.Header.Get("Cache-Control") != whole.header.Get("Cache-Control") {
		t.Errorf("fields %v", res.Header)
	}
}

func TestHangLastsUntilTheClientGoes(t *testing.T) {
	s := newShop(t, demo.Options{})
	s.Fail(demo.FaultHang, 1)
	hangs(t, s, http.MethodGet, "/", "", "home")
	// With a body the server must have read it to notice that the client went.
	hangs(t, s, http.MethodPost, "/api/sessions", "{}", "sessions")
	http.DefaultClient.CloseIdleConnections()
}

func hangs(t *testing.T, s *shop, method, path, body, class string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
		if err != nil {
			done <- err
			return
		}
		res, err := s.client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		done <- err
	}()
	waitFor(t, s.url, func(st demo.State) bool { return st.Requests[class] == 1 })
	select {
	case err := <-done:
		t.Fatalf("it ended by itself: %v", err)
	default:
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%s %s: error %v", method, path, err)
	}
}

func TestRateIsAShareThatASeedRepeats(t *testing.T) {
	count := func(seed uint64) (failed int, pattern string) {
		s := newShop(t, demo.Options{Seed: seed, FailureRate: 0.3})
		for range 300 {
			if s.get(t, "/healthz").status == http.StatusInternalServerError {
				failed++
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return failed, pattern
	}
	n, first := count(5)
	if n < 60 || n > 120 {
		t.Errorf("%d of 300 failed at a rate of 0.3", n)
	}
	if _, again := count(5); again != first {
		t.Error("the same seed gave other failures")
	}
	if _, other := count(6); other == first {
		t.Error("another seed gave the same failures")
	}
}

func TestControls(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(path string, want func(demo.State) bool) {
		t.Helper()
		a := s.do(t, http.MethodPost, "/_demo/"+path, "")
		var st demo.State
		a.json(t, &st)
		if a.status != http.StatusOK || !want(st) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	f("reprice", func(st demo.State) bool { return st.Revision == 1 })
	f("reprice", func(st demo.State) bool { return st.Revision == 2 })
	f("fail?mode=503&rate=0.25", func(st demo.State) bool { return st.Mode == demo.Fault503 && st.Rate == 0.25 })
	f("fail?mode=half", func(st demo.State) bool { return st.Mode == demo.FaultHalf && st.Rate == 1 })
	f("fail?mode=none", func(st demo.State) bool { return st.Mode == demo.FaultNone })
	f("latency?latency=15ms&jitter=2ms", func(st demo.State) bool { return st.Latency == "15ms" && st.Jitter == "2ms" })
	f("latency", func(st demo.State) bool { return st.Latency == "0s" && st.Jitter == "0s" })
	if b := blockOf(t, s.get(t, "/").body); b.Revision != 2 {
		t.Errorf("the page is of revision %d", b.Revision)
	}
}

func TestControlsRefuse(t *testing.T) {
	s := newShop(t, demo.Options{})
	before := s.State()
	f := func(path string, status int, says string) {
		t.Helper()
		a := s.do(t, http.MethodPost, "/_demo/"+path, "")
		if a.status != status || !strings.Contains(string(a.body), says) {
			t.Errorf("%s: %d %q; want %d, %q", path, a.status, a.body, status, says)
		}
	}
	f("fail", 400, `failure mode ""`)
	f("fail?mode=explode", 400, `"explode"`)
	f("fail?mode=500&rate=2", 400, `rate "2"`)
	f("fail?mode=500&rate=-1", 400, `rate "-1"`)
	f("fail?mode=500&rate=NaN", 400, `rate "NaN"`)
	f("latency?latency=soon", 400, `latency "soon"`)
	f("latency?jitter=-1s", 400, `jitter "-1s"`)
	f("latency?latency=2h", 400, `latency "2h"`)
	f("nothing", 404, "no such control")
	after := s.State()
	before.Requests, after.Requests = nil, nil
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a refused control changed something:\n%s", diff)
	}
}

func TestRepricingChangesEveryPriceOfAPage(t *testing.T) {
	s := newShop(t, demo.Options{})
	paths := []string{"/", "/c/prints", "/s?q=oak", s.Catalogue().ByID(4).Path(), s.Catalogue().ByID(5).Path()}
	before := map[string]block{}
	for _, path := range paths {
		before[path] = blockOf(t, s.get(t, path).body)
	}
	if got := s.Reprice(); got != 1 {
		t.Errorf("Reprice returned %d", got)
	}
	for _, path := range paths {
		after := blockOf(t, s.get(t, path).body)
		if after.Revision != 1 || len(after.Products) != len(before[path].Products) {
			t.Errorf("%s: revision %d", path, after.Revision)
		}
		for i, o := range after.Products {
			if o.Price == before[path].Products[i].Price {
				t.Errorf("%s: product %d still costs %d", path, o.ID, o.Price)
			}
		}
	}
}

func TestStateCountsRequestsByClass(t *testing.T) {
	s := newShop(t, demo.Options{})
	s.get(t, "/")
	s.get(t, "/")
	s.get(t, "/c/lamps")
	s.get(t, "/nothing")
	s.do(t, http.MethodPost, "/api/sessions", "{}")
	s.Fail(demo.Fault500, 1)
	s.get(t, s.Catalogue().ByID(1).Path())
	st := s.State()
	want := map[string]uint64{"home": 2, "category": 1, "other": 1, "sessions": 1, "product": 1}
	for name, n := range st.Requests {
		if n != want[name] {
			t.Errorf("%d requests of class %s, want %d", n, name, want[name])
		}
	}
	if len(st.Requests) != int(demo.ClassOther)+1 || st.Sessions != 1 {
		t.Errorf("state %+v", st)
	}
}

func TestFlags(t *testing.T) {
	f := func(want demo.Options, args ...string) {
		t.Helper()
		fs := flag.NewFlagSet("demo", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		o := demo.Flags(fs)
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, *o); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
	}
	def := demo.Options{Listen: "127.0.0.1:9000", FailureMode: demo.Fault500, Seed: 1, MaxAge: time.Minute, Grace: 30 * time.Second, Account: "demo"}
	f(def)
	o := def
	o.Listen, o.Latency, o.Jitter, o.FailureRate, o.FailureMode, o.Seed = ":1", time.Second, time.Millisecond, 0.5, demo.FaultReset, 9
	o.MaxAge, o.Grace, o.Store, o.Account = time.Hour, 0, "/x", "acme"
	f(o, "--listen", ":1", "--latency", "1s", "--jitter=1ms", "--failure-rate", "0.5", "--failure-mode", "reset", "--seed=9", "--max-age", "1h", "--grace=0", "--store", "/x", "--account=acme")
	for _, bad := range []string{"--failure-mode=x", "--latency=x", "--failure-rate=x"} {
		fs := flag.NewFlagSet("demo", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		demo.Flags(fs)
		if err := fs.Parse([]string{bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
