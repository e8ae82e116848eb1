package isolation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// trouble is what happens around the clients: reprices, purges, failing origins, and the crowd moving on.
type trouble struct {
	*run
	rng    *rand.Rand
	storms int
}

func newTrouble(r *run) *trouble {
	return &trouble{run: r, rng: rand.New(rand.NewPCG(r.seed, 0x74726f75626c65))}
}

// pace is how many responses go by between two troubles. Counted in time, a slow machine would be purged all the while.
const pace = 30

// unfold makes trouble until ctx ends. Each kind has its own rhythm.
func (t *trouble) unfold(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ctx.Err() == nil; n++ {
		var err error
		switch {
		case n%240 == 60:
			err = t.storm(ctx)
		case n%151 == 75 && t.restless:
			err = t.replace(ctx)
		case n%61 == 0:
			err = t.reprice(ctx)
		case n%37 == 0:
			err = t.purgeTag(ctx, chance(t.rng, 40))
		case n%2 == 0:
			err = t.moveOn(ctx)
		}
		if err != nil && ctx.Err() == nil {
			t.report(&request{edge: t.edges[0], shopper: &shopper{}, path: "/purge", method: http.MethodPost, nonce: nonceMark}, nil, differ("%v", err))
		}
		for next := t.tally.checked.Load() + pace; t.tally.checked.Load() < next && ctx.Err() == nil; {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
	// Whoever runs next finds a calm origin.
	_ = t.fail(context.WithoutCancel(ctx), "none", 0, 0)
}

// moveOn leads the crowd to another page, which has just been purged, so that many fetch it at once for many segments.
func (t *trouble) moveOn(ctx context.Context) error {
	s := t.anywhere(t.rng)
	before := t.hot.Swap(s)
	if routeOf(s.path).special && chance(t.rng, 50) {
		// Its fetches take a few milliseconds: this purge comes while they are under way.
		pause(ctx, 2*time.Millisecond)
		if err := t.purgeURL(ctx, s); err != nil {
			return err
		}
	}
	if err := t.purgeURL(ctx, s); err != nil || before == nil {
		return err
	}
	// The page that the crowd comes from is purged while it is asked for: a purge must not be lost on those who read it.
	return t.purgeURL(ctx, before)
}

func (t *trouble) purgeURL(ctx context.Context, s *spot) error {
	r := routeOf(s.path)
	if r.scope == private {
		return nil
	}
	t.special.version.Add(1)
	host, target := pick(t.rng, "shop.test", "other.test", ""), r.target(s.path, s.query)
	url := target
	if host != "" {
		url = "http://" + host + target
	}
	return t.purge(ctx, map[string]any{"urls": []string{url}}, r.special, urlName(host, target))
}

func (t *trouble) purgeTag(ctx context.Context, soft bool) error {
	t.special.version.Add(1)
	if soft {
		return t.purge(ctx, map[string]any{"tags": []string{"catalogue", "special"}, "soft": true}, false)
	}
	if chance(t.rng, 50) {
		tag := "mode-" + pick(t.rng, modes()...).name
		return t.purge(ctx, map[string]any{"tags": []string{tag}}, true, tagName(tag))
	}
	tag := fmt.Sprintf("product-%d", 1+t.rng.IntN(40))
	return t.purge(ctx, map[string]any{"tags": []string{tag}}, false, tagName(tag))
}

// reprice changes every price and then purges everything, or all that shows one.
func (t *trouble) reprice(ctx context.Context) error {
	if err := t.control(ctx, "reprice"); err != nil {
		return err
	}
	t.special.version.Add(1)
	if chance(t.rng, 50) {
		return t.purge(ctx, map[string]any{"tags": []string{"catalogue"}}, false, tagName("catalogue"))
	}
	version := t.special.version.Load()
	if err := t.purge(ctx, map[string]any{"all": true}, false, allDemo); err != nil {
		return err
	}
	for _, e := range t.edges {
		e.floors.raise(version, allSpecial)
	}
	return nil
}

// purge asks every edge and raises its floors once it has acknowledged. What is current before it is sent is the
// least that anybody may see after it.
func (t *trouble) purge(ctx context.Context, body map[string]any, special bool, names ...string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for _, e := range t.edges {
		revision := t.tally.revision.Load()
		if special {
			revision = t.special.version.Load()
		}
		if err := post(ctx, "http://"+e.admin+"/purge", string(text), nil); err != nil {
			return err
		}
		e.floors.raise(revision, names...)
		t.tally.purges.Add(1)
	}
	return nil
}

// storm lets the origins fail for a moment, each in its own way.
func (t *trouble) storm(ctx context.Context) error {
	mode := []string{"500", "half", "reset", "503", "500", "half", "reset", "503", "hang"}[t.storms%9]
	t.storms++
	rate, calm := 0.2+t.rng.Float64()*0.8, 400*time.Millisecond
	if mode == "hang" {
		rate, calm = 0.01, 4*time.Second
	}
	t.weather.storm()
	err := t.fail(ctx, mode, rate, int32(20+t.rng.IntN(80)))
	pause(ctx, time.Duration(100+t.rng.IntN(200))*time.Millisecond)
	if e := t.fail(context.WithoutCancel(ctx), "none", 0, 0); err == nil {
		err = e
	}
	t.weather.calm(calm)
	return err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d): // other processes: there is nothing to wait on
	case <-ctx.Done():
	}
}

func (t *trouble) fail(ctx context.Context, mode string, rate float64, special int32) error {
	t.special.failing.Store(special)
	return t.control(ctx, fmt.Sprintf("fail?mode=%s&rate=%.3f", mode, rate))
}

// control posts to the demo and notes its revision.
func (t *trouble) control(ctx context.Context, what string) error {
	var state struct {
		Revision uint64 `json:"revision"`
	}
	if err := post(ctx, "http://"+t.storefront+"/_demo/"+what, "", &state); err != nil {
		return err
	}
	t.tally.revision.Store(state.Revision)
	return nil
}

func post(ctx context.Context, url, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %d %.200s %v", url, resp.StatusCode, text, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
