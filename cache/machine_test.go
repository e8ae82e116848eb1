package cache_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
	"pgregory.net/rapid"
)

// site is the oracle's idea of one storefront: what each target's page depends on,
// how long it is good, and what was purged when. It is far simpler than the engine.
type site struct {
	targets []string
	depends map[string][]string // by target: names of segment and request fields
	heads   map[string][]string // by target: the fields that say so
	ttl     time.Duration
	grace   time.Duration
	keep    time.Duration

	mu       sync.Mutex
	revision map[string]int
	failing  string // "", "error", "5xx" or "cut"
	latency  time.Duration
	fetches  int
	hard     map[string]int // by target: so many fetches had begun at the last hard purge
	soft     map[string]int
	softAt   map[string]time.Time
	seen     map[string]int // how often what happened, so that the test cannot pass by doing nothing
}

func newSite() *site {
	return &site{
		targets: []string{"/whole", "/lang", "/table", "/both", "/same", "/moody"},
		depends: map[string][]string{
			"/whole": {"segment-channel", "segment-priceTables", "segment-regionId"},
			"/lang":  {"accept-language", "segment-channel", "segment-priceTables", "segment-regionId"},
			"/table": {"segment-priceTables"},
			"/both":  {"accept-language", "segment-channel", "segment-priceTables"},
			"/same":  {},
			"/moody": {"segment-channel", "segment-priceTables"},
		},
		heads: map[string][]string{
			"/lang":  {"Vary: Accept-Language"},
			"/table": {"Segment-Vary: priceTables"},
			"/both":  {"Segment-Vary: priceTables, channel", "Vary: accept-language"},
			"/same":  {"Segment-Vary: "},
			"/moody": {"Segment-Vary: channel, priceTables"},
		},
		ttl: 4 * sec, grace: 3 * sec, keep: 20 * sec,
		revision: map[string]int{}, hard: map[string]int{}, soft: map[string]int{}, softAt: map[string]time.Time{}, seen: map[string]int{},
	}
}

// answer is the origin: a page that says which fetch, which revision and which values it is of.
func (s *site) answer(_ int, q *cache.OriginRequest) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.fetches
	s.fetches++
	revision := s.revision[q.Target]
	values := ""
	for _, name := range s.depends[q.Target] {
		values += asks(q, name) + "&"
	}
	head := s.heads[q.Target]
	if q.Target == "/moody" && revision%2 == 1 { // now and then it says nothing, and depends on all it said before
		head = nil
	}
	tag := fmt.Sprintf("%q", fmt.Sprint(revision, values))
	re := fresh(fmt.Sprintf("%d|%d|%s", n, revision, values), append([]string{"ETag: " + tag, "X-Born: " + strconv.FormatInt(time.Now().UnixNano(), 10), "xkey: " + q.Target}, head...)...)
	re.fields[len(re.fields)-1].Value = "max-age=4, stale-while-revalidate=3, stale-if-error=20"
	re.after = s.latency
	switch {
	case s.failing == "error":
		re.err = errDown
	case s.failing == "5xx":
		re.status, re.body = 503, "down"
	case s.failing == "cut":
		re.chunks = []chunk{{err: errDown}}
	case asks(q, "If-None-Match") == tag:
		re.status, re.body = 304, ""
		s.seen["304"]++
	}
	return re
}

// floor is what a request may not see any more when it starts.
type floor struct {
	hard, soft int
	softAt     time.Time
	started    time.Time
}

func (s *site) floorOf(target string) floor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return floor{s.hard[target], s.soft[target], s.softAt[target], time.Now()}
}

// purged notes that a purge of these targets has returned; before is how many fetches had
// begun when it was called.
func (s *site) purged(before int, soft bool, targets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		if soft {
			s.soft[t], s.softAt[t] = before, time.Now()
		} else {
			s.hard[t] = before
		}
	}
}

func (s *site) begun() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// check compares an answer with what its request may see; "" is fine.
func (s *site) check(a *answer, d *dims, target string, f floor) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[a.Outcome.String()]++
	s.seen[a.Reason.String()]++
	if a.PassOn || a.Err != nil || a.body == "down" || a.bodyErr != nil {
		return ""
	}
	parts := strings.SplitN(a.body, "|", 3)
	want := ""
	for _, name := range s.depends[target] {
		want += valueOf(d, name) + "&"
	}
	if len(parts) != 3 || parts[2] != want {
		return fmt.Sprintf("a page of others: %q, want values %q", a.body, want)
	}
	fetch, _ := strconv.Atoi(parts[0])
	return s.checkAge(a, fetch, f)
}

func valueOf(d *dims, name string) string {
	if field, ok := strings.CutPrefix(name, "segment-"); ok {
		return strings.TrimPrefix(d.show(d.segment, field), "=")
	}
	v := d.show(d.sent, name)
	return strings.TrimPrefix(strings.TrimPrefix(v, "absent"), "=")
}

func (s *site) checkAge(a *answer, fetch int, f floor) string {
	var head *cache.Head
	switch {
	case a.Entry != nil:
		head = &a.Entry.Head
	case a.Stream != nil:
		head = a.Stream.Head
	default:
		return "" // fetched for this request alone
	}
	born := time.Time{}
	for _, field := range head.Header.Fields() {
		if field.Name == "X-Born" {
			n, _ := strconv.ParseInt(field.Value, 10, 64)
			born = time.Unix(0, n)
		}
	}
	staleAt := born.Add(s.ttl)
	if fetch < f.soft && f.softAt.Before(staleAt) {
		staleAt = f.softAt
	}
	switch {
	case fetch < f.hard:
		return fmt.Sprintf("purged: fetch %d, purged at %d", fetch, f.hard)
	case a.Outcome == cache.Hit && !f.started.Before(staleAt):
		return fmt.Sprintf("a hit %v after it became stale", f.started.Sub(staleAt))
	case a.Reason == cache.ReasonStaleOnError && !f.started.Before(staleAt.Add(s.keep)):
		return fmt.Sprintf("on error, %v after it became stale", f.started.Sub(staleAt))
	case a.Outcome == cache.Stale && a.Reason == cache.ReasonGrace && !f.started.Before(staleAt.Add(s.grace)):
		return fmt.Sprintf("in grace, %v after it became stale", f.started.Sub(staleAt))
	case a.Outcome != cache.Hit && a.Outcome != cache.Stale && fetch < f.soft && a.Outcome != cache.Revalidated:
		return fmt.Sprintf("fetched before a soft purge, and fresh: %d of %d", fetch, f.soft)
	}
	return ""
}

// TestMachine drives the engine by random actions and compares every answer with
// the oracle: never a page of another segment or variant, never one fetched before a
// purge that had returned, never one older than ttl and grace unless the origin fails.
func TestMachine(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func(t *testing.T) {
			s := newSite()
			// Two URLs at a time, so that much happens to each of them.
			s.targets = rapid.Permutation(s.targets).Draw(rt, "targets")[:2]
			r := newRig(t, s.answer)
			rt.Repeat(s.actions(r))
			for k, n := range s.seen {
				seen[k] += n
			}
		})
	})
	for _, must := range []string{"hit", "stale", "miss", "collapsed", "revalidated", "failed", "grace", "stale-on-error", "purged-soft", "purged-hard", "variant-absent", "304"} {
		if seen[must] == 0 {
			t.Errorf("never saw %q: %v", must, seen)
		}
	}
}

// bubble runs f on fake time. rapid ends a check by a panic, which must not leave the bubble
// by any other way than out of this function.
func bubble(t *testing.T, f func(t *testing.T)) {
	var ended any
	synctest.Test(t, func(t *testing.T) {
		defer func() { ended = recover() }()
		f(t)
	})
	// From two places: rapid takes two failures of one place for the same one, and would
	// shrink a complaint to a run that merely is too short.
	switch fmt.Sprintf("%T", ended) {
	case "<nil>":
	case "rapid.invalidData":
		panic(ended)
	default:
		panic(ended)
	}
}

func (s *site) actions(r *rig) map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"burst":  func(t *rapid.T) { s.burst(t, r, false) },
		"purge":  func(t *rapid.T) { s.purge(r, s.draw(t)) },
		"purged": func(t *rapid.T) { s.burst(t, r, true) },
		"advance": func(t *rapid.T) {
			time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 10, 500, 2000, 5000, 9000, 30000}).Draw(t, "ms")) * time.Millisecond)
		},
		"change": func(t *rapid.T) {
			target := rapid.SampledFrom(s.targets).Draw(t, "target")
			s.set(func() { s.revision[target]++ })
		},
		"fail": func(t *rapid.T) {
			how := rapid.SampledFrom([]string{"", "", "", "error", "5xx", "cut"}).Draw(t, "how")
			s.set(func() { s.failing = how })
		},
		"slow": func(t *rapid.T) {
			ms := rapid.IntRange(0, 300).Draw(t, "ms")
			s.set(func() { s.latency = time.Duration(ms) * time.Millisecond })
		},
		"outage": func(t *rapid.T) { // past grace, within keep
			s.set(func() { s.failing = "" })
			s.burst(t, r, false)
			time.Sleep(9 * sec)
			s.set(func() { s.failing = "error" })
			s.burst(t, r, false)
		},
		"evict": func(*rapid.T) { r.store.evict() },
		"drop": func(t *rapid.T) {
			drop := rapid.Bool().Draw(t, "drop")
			r.store.mu.Lock()
			r.store.forget = func(*cache.Entry) bool { return drop }
			r.store.mu.Unlock()
		},
		"forget": func(*rapid.T) { r.engine.ForgetVariants() },
	}
}

func (s *site) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// purging is one purge: by url, tag, or all.
type purging struct {
	by, target string
	soft       bool
}

func (s *site) draw(t *rapid.T) purging {
	return purging{rapid.SampledFrom([]string{"url", "tag", "all"}).Draw(t, "by"), rapid.SampledFrom(s.targets).Draw(t, "target"), rapid.Bool().Draw(t, "soft")}
}

func (s *site) purge(r *rig, p purging) {
	before := s.begun()
	targets := []string{p.target}
	switch p.by {
	case "url":
		r.engine.Purge(p.soft, cache.URLLabel(host, p.target))
	case "tag":
		r.engine.Purge(p.soft, cache.TagLabel(p.target))
	case "all":
		r.engine.PurgeAll(p.soft)
		targets = s.targets
	}
	s.purged(before, p.soft, targets...)
}

// burst serves some requests at once or spread over a quarter of a second, with a purge in
// their midst if so asked, and checks every answer.
func (s *site) burst(t *rapid.T, r *rig, purged bool) {
	n := rapid.IntRange(1, 8).Draw(t, "requests")
	target := rapid.SampledFrom(s.targets).Draw(t, "target")
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	var wg sync.WaitGroup
	complaints := make([]string, n)
	for i := range n {
		d := shopper(pick("channel", "1", "2"), pick("table", "", "gold"), pick("region", "", "r1"))
		if language := pick("language", "", "pt"); language != "" {
			d = d.with("accept-language", language)
		}
		after := time.Duration(rapid.IntRange(0, 250).Draw(t, "after")) * time.Millisecond
		wg.Go(func() {
			time.Sleep(after)
			f := s.floorOf(target)
			q := r.requestOf(d, target, within(10*sec))
			complaints[i] = s.check(read(r.engine.Serve(q)), d, target, f)
		})
	}
	if purged {
		p, after := s.draw(t), time.Duration(rapid.IntRange(0, 250).Draw(t, "purged after"))*time.Millisecond+time.Microsecond
		wg.Go(func() { time.Sleep(after); s.purge(r, p) })
	}
	wg.Wait()
	for i, c := range complaints {
		if c != "" {
			t.Fatalf("request %d of %s: %s", i, target, c)
		}
	}
}
