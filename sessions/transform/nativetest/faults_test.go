package nativetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// fault is what one call of an app does. The zero value is nothing: it answers as it should.
type fault int

const (
	sound        fault = iota
	slow               // it answers as it should, in its time, so that the time of all rounds is used up
	fails              // with an error, and all that it could give
	panics             //
	hangs              // until it is given up, then gives all that it could
	deaf               // for longer than anybody waits, and then too
	overreaches        // it answers as it should, and writes what it does not declare
	babbles            // each of its outputs is no JSON
	halfBabbles        // some are, and the others are sound
	refuses            // the request, for no reason, and gives all that it could
	numberFaults       // of faults
)

// stolen is a value that nobody has a right to.
const stolen = "stolen"

// faulty is an app that does what a schedule says, and keeps what it answered where it should have.
type faulty struct {
	transform.App
	mu       sync.Mutex
	schedule []fault // of the calls of this request
	answers  []answer
}

// answer is a call that succeeded.
type answer struct{ in, out transform.Values }

func (f *faulty) plan(schedule []fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.schedule = schedule
}

func (f *faulty) next() (now fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.schedule) > 0 {
		now, f.schedule = f.schedule[0], f.schedule[1:]
	}
	return now
}

func (f *faulty) keep(in, out transform.Values) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, answer{in.Clone(), out.Clone()})
}

// said are the calls that succeeded.
func (f *faulty) said() []answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.answers)
}

// Transform implements transform.App.
func (f *faulty) Transform(ctx context.Context, in transform.Values) (transform.Values, error) {
	switch f.next() {
	case slow:
		time.Sleep(400 * time.Millisecond)
	case fails:
		return f.loot(), errors.New("down")
	case panics:
		panic(stolen)
	case hangs:
		<-ctx.Done()
		return f.loot(), nil
	case deaf:
		time.Sleep(time.Minute)
		return f.loot(), nil
	case refuses:
		return f.loot(), &transform.Refusal{Status: http.StatusForbidden, Reason: "no"}
	case overreaches:
		out, err := f.answer(ctx, in)
		return with(out, undeclared(f.Spec())), err
	case babbles:
		return f.babble(transform.Values{}), nil
	case halfBabbles:
		out, err := f.App.Transform(ctx, in)
		return f.babble(out), err
	}
	return f.answer(ctx, in)
}

func (f *faulty) answer(ctx context.Context, in transform.Values) (transform.Values, error) {
	out, err := f.App.Transform(ctx, in)
	if out != nil && ctx.Err() == nil {
		f.keep(in, out)
	}
	return out, err
}

// loot is stolen, in every output.
func (f *faulty) loot() transform.Values {
	out := transform.Values{}
	for namespace, names := range f.Spec().Output {
		for _, name := range names {
			out.Put(transform.Key{Namespace: namespace, Name: name}, transform.TextValue(stolen))
		}
	}
	return out
}

// undeclared are outputs of others, and of nobody.
func undeclared(spec transform.Spec) transform.Values {
	out := transform.Values{}
	for _, name := range []string{
		"profile.priceTables", "profile.vip", "rnb.campaigns", "store.channelPrivacy", "authentication.adminUserEmail", "impersonate.storeUserId",
		"account.id", "cookie." + adminCookie, "search.facets", "checkout.regionId",
	} {
		if k := key(name); !slices.Contains(spec.Output[k.Namespace], k.Name) {
			out.Put(k, transform.TextValue(stolen))
		}
	}
	return out
}

func with(out, more transform.Values) transform.Values {
	all := out.Clone()
	for k, v := range more.All() {
		all.Put(k, v)
	}
	return all
}

// babble replaces outputs by what is no JSON: all of them, or of an answer every second one, the first among them.
func (f *faulty) babble(out transform.Values) transform.Values {
	whole := len(out) == 0
	at := 0
	for k := range f.loot().All() {
		if at++; whole || at%2 == 1 {
			out.Put(k, json.RawMessage(`"`+stolen))
		}
	}
	return out
}

// drawFaults adds schedules of faults to requests: of the apps that are in trouble, for the first calls of a request.
func drawFaults(t *rapid.T, requests []request, names []string) {
	for i := range requests {
		requests[i].faults = map[string][]fault{}
		for _, name := range names {
			if rapid.IntRange(0, 2).Draw(t, name+" is in trouble") == 0 {
				requests[i].faults[name] = rapid.SliceOfN(rapid.Map(rapid.IntRange(0, int(numberFaults)-1), func(i int) fault { return fault(i) }), 1, 4).Draw(t, "faults")
			}
		}
	}
}

// faultyApps puts every app into trouble.
func faultyApps(apps []transform.App) map[string]*faulty {
	all := map[string]*faulty{}
	for _, a := range apps {
		all[a.Spec().Name] = &faulty{App: a}
	}
	return all
}

func appsOf(all map[string]*faulty) (list []transform.App) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}
