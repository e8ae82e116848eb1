package nativetest_test

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// Transform implements transform.App.
func (o own) Transform(_ context.Context, in transform.Values) (transform.Values, error) {
	out := transform.Values{}
	for k := range o.spec.Output {
		out.Put(transform.Key{Namespace: k, Name: o.spec.Output[k][0]}, transform.TextValue(o.f(in)))
	}
	return out, nil
}

// drawOwn draws apps that write different keys, which no native app writes. Each is a table from its inputs, so that
// chains and loops through the native apps happen.
func drawOwn(t *rapid.T) []transform.App {
	outs := []string{"own0.out", "own1.out", "own2.out", "public.sc", "public.utm_source", "public.cultureInfo"}
	ins := append([]string{
		"authentication.storeUserId", "authentication.adminUserEmail", "impersonate.storeUserEmail", "profile.priceTables", "profile.email",
		"profile.isAuthenticated", "store.channel", "store.cultureInfo", "checkout.regionId", "rnb.campaigns", "search.facets", "public.postalCode",
	}, outs...)
	var apps []transform.App
	for i, out := range rapid.Permutation(outs).Draw(t, "outputs")[:rapid.IntRange(0, 3).Draw(t, "own apps")] {
		in := rapid.SliceOfNDistinct(rapid.SampledFrom(ins), 1, 3, rapid.ID[string]).Draw(t, "inputs")
		table := rapid.SliceOfN(rapid.SampledFrom([]string{"", "1", "2", "b2b", "en-US"}), 7, 7).Draw(t, "table")
		a := newOwn("own"+strconv.Itoa(i), in, out, func(in transform.Values) string {
			h := fnv.New32a()
			for k, v := range in.All() {
				_, _ = h.Write([]byte(k.String() + "=" + string(v) + ";"))
			}
			return table[h.Sum32()%7]
		})
		a.spec.RunOnCreate = rapid.Bool().Draw(t, "create")
		a.spec.Refresh = rapid.Bool().Draw(t, "refresh")
		apps = append(apps, a)
	}
	return apps
}

// clerk is an Engine that keeps the steps of impersonations.
type clerk struct {
	browser
	steps []transform.Step
}

// outcome is what a request came to, for comparison.
type outcome struct {
	Values  map[string]string
	Segment string
	Marks   transform.Marks
	Rounds  int
	Loop    *transform.Loop
	Changed []transform.Key
	Refused int // the status
	Steps   []transform.Step
}

func (c *clerk) does(ctx context.Context, t *rapid.T, change transform.Change) outcome {
	change.Created, change.Marks = !c.begun, c.marks
	r, err := c.engine.Run(ctx, c.values, change)
	var refusal *transform.Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	o := outcome{Steps: c.steps}
	c.steps = nil
	if refusal != nil {
		o.Refused = refusal.Status
		return o
	}
	for _, call := range r.Calls {
		switch call.Outcome {
		case transform.OutcomeFailed, transform.OutcomePanicked, transform.OutcomeTimeout, transform.OutcomeDropped:
			t.Fatalf("%+v", call)
		}
	}
	c.begun, c.values, c.marks = true, r.Values, r.Marks
	o.Values, o.Segment, o.Marks, o.Rounds, o.Loop, o.Changed = plain(r.Values), tells(r.Values), r.Marks, r.Rounds, r.Loop, r.Changed
	return o
}

// clerks are two Engines over the same apps, in two orders.
func clerks(tt *testing.T, t *rapid.T, w *world, trust bool, more []transform.App) (one, two *clerk) {
	one, two = &clerk{}, &clerk{}
	order := rapid.Permutation(slices.Collect(numbers(7+len(more)))).Draw(t, "order")
	for i, c := range []*clerk{one, two} {
		apps := slices.Concat(w.apps(tt, trust, func(s transform.Step) { c.steps = append(c.steps, s) }), more)
		if i == 1 {
			permuted := make([]transform.App, len(apps))
			for at, from := range order {
				permuted[at] = apps[from]
			}
			apps = permuted
		}
		var err error
		// Of a race detector on a busy machine no call is slow.
		if c.engine, err = transform.New(apps, transform.Options{Timeout: time.Minute, Deadline: 10 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		if o := c.engine.Overlaps(); len(o) > 0 {
			t.Fatalf("two apps write one key: %v", o)
		}
	}
	return one, two
}

func numbers(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// TestOrderOfNativeApps: in whatever order the apps are configured, each request of a shopper comes to the same session, the
// same segment, the same refusal and the same record of impersonations.
func TestOrderOfNativeApps(t *testing.T) {
	w := newWorld(t)
	seen := counter{}
	rapid.Check(t, func(rt *rapid.T) {
		one, two := clerks(t, rt, w, rapid.Bool().Draw(rt, "trust the e-mail"), drawOwn(rt))
		for _, r := range drawRequests(rt, 6) {
			a, b := one.does(t.Context(), rt, r.change(w)), two.does(t.Context(), rt, r.change(w))
			if d := cmp.Diff(a, b); d != "" {
				rt.Fatalf("%+v: -%v +%v:\n%s", r, one.engine.Names(), two.engine.Names(), d)
			}
			seen.session(one.values)
			seen.add("refused", a.Refused != 0)
			seen.add("loop", a.Loop != nil)
			seen.add("step", len(a.Steps) > 0)
		}
	})
	seen.wants(t, 200, "tables", "impersonated", "campaign", "region", "facets", "refused", "step")
	seen.wants(t, 5000, "private", "loop")
}

// counter counts what happened, so that a property does not hold for want of cases.
type counter map[string]int

func (c counter) add(what string, is bool) {
	if is {
		c[what]++
	}
}

func (c counter) session(v transform.Values) {
	c["all"]++
	for what, name := range map[string]string{
		"tables": "profile.priceTables", "impersonated": "impersonate.storeUserId", "campaign": "rnb.campaigns", "region": "checkout.regionId",
		"facets": "search.facets",
	} {
		c.add(what, v.Get(key(name)) != nil)
	}
	c.add("private", v.Text(key("store.channelPrivacy")) == "private")
}

// wants that all of it happened, once there were so many requests that it must have.
func (c counter) wants(t *testing.T, requests int, words ...string) {
	t.Helper()
	t.Log(c)
	for _, what := range words {
		if c["all"] >= requests && c[what] == 0 {
			t.Errorf("%s never happened in %d requests", what, c["all"])
		}
	}
}
