package nativetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// drawTagging draws apps of the operator each of whose values tells what it was made from, and one that puts members
// on the private channel. They come to rest: native apps read nothing of theirs but public.sc.
func drawTagging(t *rapid.T) []transform.App {
	ins := []string{
		"authentication.storeUserEmail", "impersonate.storeUserEmail", "profile.priceTables", "store.channel", "checkout.regionId", "rnb.campaigns",
		"search.facets", "public.utm_source", "public.storeUserEmail", "cookie." + shopperCookie,
	}
	var apps []transform.App
	for i := range rapid.IntRange(0, 2).Draw(t, "own apps") {
		name := fmt.Sprintf("own%d", i)
		apps = append(apps, newOwn(name, rapid.SliceOfNDistinct(rapid.SampledFrom(ins), 1, 3, rapid.ID[string]).Draw(t, "inputs"), name+".out",
			func(in transform.Values) string {
				if len(in) == 0 {
					return ""
				}
				return fmt.Sprint(plain(in))
			}))
	}
	if rapid.IntRange(0, 3).Draw(t, "an app chooses the channel") == 0 {
		chooser := newOwn("chooser", []string{"profile.email"}, "public.sc", func(in transform.Values) string {
			if strings.HasSuffix(in.Text(key("profile.email")), "@vip.example") {
				return "b2b"
			}
			return ""
		})
		chooser.spec.Refresh = true // the shopper may write the key at any time
		apps = append(apps, chooser)
	}
	return apps
}

// shop is a session with faulty apps, held against the proof and against what the apps answered.
type shop struct {
	browser
	w     *world
	apps  map[string]*faulty
	proof proof
	wrote map[string]bool // "key=value" that requests wrote
	seen  counter
}

func newShop(rt *rapid.T, t testing.TB, w *world, seen counter) *shop {
	trust, more := rapid.Bool().Draw(rt, "trust the e-mail"), drawTagging(rt)
	// Of the short one two slow calls after each other are the end.
	o := transform.Options{Rounds: 20, Deadline: rapid.SampledFrom([]time.Duration{0, 700 * time.Millisecond}).Draw(rt, "deadline")}
	s := &shop{w: w, seen: seen, wrote: map[string]bool{}, proof: proof{trust: trust, said: map[string][]string{}}}
	s.apps = faultyApps(slices.Concat(w.apps(t, trust, nil), more))
	var err error
	if s.engine, err = transform.New(appsOf(s.apps), o); err != nil {
		rt.Fatal(err)
	}
	return s
}

// does runs a request, and gives the faults that are found.
func (s *shop) does(ctx context.Context, r request) error {
	for name, app := range s.apps {
		app.plan(r.faults[name])
	}
	change := r.change(s.w)
	change.Created, change.Marks = !s.begun, s.marks
	result, err := s.engine.Run(ctx, s.values, change)
	if refusal := new(transform.Refusal); errors.As(err, &refusal) {
		return nil
	}
	if err != nil || result.Loop != nil {
		return fmt.Errorf("%w, loop %+v", err, result.Loop)
	}
	s.count(r, result)
	s.proof.sees(r, s.values)
	s.begun, s.values, s.marks = true, result.Values, result.Marks
	s.proof.holds(s.values)
	for k, v := range change.Values.All() {
		s.wrote[k.String()+"="+string(v)] = true
	}
	if what := s.proof.excess(s.values); what != "" {
		return errors.New(what)
	}
	return s.unreasoned()
}

func (s *shop) count(r request, result transform.Result) {
	s.seen.session(result.Values)
	for _, c := range result.Calls {
		s.seen.add(c.Outcome.String(), true)
		if c.Outcome == transform.OutcomeFailed && c.App == "profile" {
			s.seen.add("tables kept", result.Values.Get(key("profile.priceTables")) != nil)
			s.seen.add("tables lost", s.values.Get(key("profile.priceTables")) != nil && result.Values.Get(key("profile.priceTables")) == nil)
		}
	}
}

// unreasoned finds an output that its app has never given for inputs which the session still has (transform's package doc,
// Failures).
func (s *shop) unreasoned() error {
	for name, app := range s.apps {
		answers := app.said()
		for k := range declared(app.Spec()) {
			v := s.values.Get(k)
			place := name == "search" && k.Namespace == transform.PublicNamespace // stays, as if the shopper had said it
			if v == nil || place || s.wrote[k.String()+"="+string(v)] {
				continue
			}
			reason := func(a answer) bool { return bytes.Equal(a.out.Get(k), v) && s.stillHas(a.in) }
			if !slices.ContainsFunc(answers, reason) {
				return fmt.Errorf("%s: %s=%s has no reason left; session %v", name, k, v, plain(s.values))
			}
		}
	}
	return nil
}

func declared(spec transform.Spec) map[transform.Key]bool {
	all := map[transform.Key]bool{}
	for namespace, names := range spec.Output {
		for _, name := range names {
			all[transform.Key{Namespace: namespace, Name: name}] = true
		}
	}
	return all
}

// stillHas: of public any value will do, but for the two that are a customer's e-mail.
func (s *shop) stillHas(in transform.Values) bool {
	for k, v := range in.All() {
		if transform.Empty(v) {
			continue // it was taken away
		}
		now := s.values.Get(k)
		free := k.Namespace == transform.PublicNamespace && k.Name != "storeUserEmail" && k.Name != wish
		if now == nil || !free && !bytes.Equal(now, v) {
			return false
		}
	}
	return true
}

// recovers is that after all faults the session is what its public values and cookies alone give.
func (s *shop) recovers(ctx context.Context, last request) error {
	last.faults = nil
	last.public = nil
	for range 3 {
		if err := s.does(ctx, last); err != nil {
			return fmt.Errorf("recovering: %w", err)
		}
	}
	anew := transform.Values{}
	for k, v := range s.values.All() {
		if k.Namespace == transform.PublicNamespace {
			anew.Put(k, v)
		}
	}
	if stopped := key("impersonate.stopped"); s.values.Get(stopped) != nil {
		anew.Put(stopped, s.values.Get(stopped)) // no cookie says that it counts no more
	}
	result, err := s.engine.Run(ctx, anew, last.change(s.w))
	if err != nil {
		return err
	}
	got, want := plain(s.values), plain(result.Values)
	delete(got, "impersonate.told") // what was told before is not told again
	delete(want, "impersonate.told")
	if !maps.Equal(got, want) {
		return fmt.Errorf("recovered: %v\nwant %v", got, want)
	}
	return nil
}

// TestFailuresOfNativeApps: whatever apps fail, panic, hang or babble whenever, a session never holds more than its shopper
// proves and says, nor what its app never gave them. When all is well again nothing is left of it.
func TestFailuresOfNativeApps(t *testing.T) {
	w := newWorld(t)
	seen := counter{}
	rapid.Check(t, func(rt *rapid.T) {
		s := newShop(rt, t, w, seen)
		requests := drawRequests(rt, 8)
		drawFaults(rt, requests, s.engine.Names())
		var fault error
		synctest.Test(t, func(t *testing.T) {
			fault = s.all(t.Context(), requests)
			time.Sleep(time.Hour) // for the deaf
		})
		if fault != nil {
			rt.Fatal(fault)
		}
	})
	seen.wants(t, 200, "tables", "impersonated", "campaign", "region", "facets", "ok", "dropped", "failed", "timeout", "panicked")
	seen.wants(t, 5000, "private", "withheld", "refused", "tables kept", "tables lost")
}

// all runs requests, in time that is over at once.
func (s *shop) all(ctx context.Context, requests []request) error {
	for i, r := range requests {
		if err := s.does(ctx, r); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
	}
	return s.recovers(ctx, requests[len(requests)-1])
}
