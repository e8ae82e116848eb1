package isolation_test

import (
	"bufio"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/demo"
	"github.com/aislecache/aisle/tests/ports"
)

// The variables that change a run, for whoever looks for a difference or tries a mutant:
//
//	AISLE_ISOLATION_RESPONSES  how many responses the long run checks; 200000
//	AISLE_ISOLATION_QUICK      how many the quick one does; 12000
//	AISLE_ISOLATION_RESTLESS   how many the one with reloads and restarts does; 40000
//	AISLE_ISOLATION_SEED       the seed of a run that is to be repeated; else one is drawn and printed
//	AISLE_EDGE_BIN             a binary to test in place of this tree's; the run then says nothing of coverage
//	AISLE_DEMO_BIN             the binary of the origin, which is this tree's otherwise
const (
	longRun     = 200_000
	quickRun    = 12_000
	raceRun     = 12_000
	restlessRun = 40_000
)

// clients is how many requests are under way at a time.
const clients = 24

// TestIsolation sends random shoppers through three edges and compares every answer with what must come. It is bounded
// by a number of responses, and by a time that two busy processors do not reach.
func TestIsolation(t *testing.T) {
	plain := binaryOf(t, "AISLE_EDGE_BIN", false)
	storefront := plain
	if os.Getenv("AISLE_EDGE_BIN") != "" {
		storefront = binaryOf(t, "AISLE_DEMO_BIN", false)
	}
	t.Run("quick", func(t *testing.T) {
		n := number(t, "AISLE_ISOLATION_QUICK", quickRun)
		isolate(t, plain, storefront, n, time.Minute*time.Duration(max(n, quickRun))/quickRun, false)
	})
	t.Run("restless", func(t *testing.T) {
		if testing.Short() {
			t.Skip("not within -short")
		}
		isolate(t, plain, storefront, number(t, "AISLE_ISOLATION_RESTLESS", restlessRun), 3*time.Minute, true)
	})
	t.Run("race", func(t *testing.T) {
		if testing.Short() || os.Getenv("AISLE_EDGE_BIN") != "" {
			t.Skip("this tree's binary is tested, with time enough")
		}
		isolate(t, binaryOf(t, "", true), storefront, raceRun, 90*time.Second, false)
	})
	t.Run("long", func(t *testing.T) {
		if testing.Short() {
			t.Skip("not within -short")
		}
		isolate(t, plain, storefront, number(t, "AISLE_ISOLATION_RESPONSES", longRun), 5*time.Minute, false)
	})
}

// binaryOf gives the one that a variable names, else a new one of this tree.
func binaryOf(t *testing.T, variable string, race bool) string {
	t.Helper()
	if path := os.Getenv(variable); variable != "" && path != "" {
		return path
	}
	return build(t, race)
}

func number(t *testing.T, variable string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// isolate is one run: two origins and three edges of its own. A restless one reloads and replaces the edges.
func isolate(t *testing.T, binary, storefront string, responses int64, limit time.Duration, restless bool) {
	t.Helper()
	r := &run{
		seed: uint64(number(t, "AISLE_ISOLATION_SEED", int64(rand.Uint32()))), want: responses, storefront: ports.Address(t), special: startSpecial(t),
		catalogue: demo.NewCatalogue(), tally: &tally{}, weather: &weather{}, cdn: &cdn{copies: map[string]*copied{}},
	}
	r.restless = restless
	r.oracle, r.population = newOracle(r.tally), &population{issuer: startIssuer(t, binary)}
	for _, region := range r.catalogue.Regions() {
		r.population.regions = append(r.population.regions, region.ID)
	}
	rng := rand.New(rand.NewPCG(r.seed, 0x7265677573))
	for n := range 60 {
		r.regulars = append(r.regulars, r.population.regular(rng, n))
	}
	log := start(t, storefront, "demo", "--listen", r.storefront, "--latency", "1ms", "--jitter", "4ms", "--max-age", "2s", "--grace", "1s")
	awaitReady(t, "http://"+r.storefront+"/healthz", log)
	for _, e := range []*edge{{name: "default", memory: "16MiB"}, {name: "pass", pass: true, memory: "40MiB"}} {
		startEdge(t, binary, e, r.storefront, r.special.addr)
		r.edges = append(r.edges, e)
	}
	r.native = startNative(t, binary, r)
	r.edges = append(r.edges, r.native.edge)
	r.execute(t, clients, limit)
	r.checkLogs(t)
	if os.Getenv("AISLE_EDGE_BIN") == "" {
		r.checkCoverage(t)
		r.checkResidents(t)
		if restless {
			r.checkUpheaval(t)
		} else {
			r.checkEvictions(t) // a process that is new has not had the time
		}
	}
}

// checkEvictions reads from the first edge, which has little memory, that pages had to go.
func (r *run) checkEvictions(t *testing.T) {
	t.Helper()
	resp, err := http.Get("http://" + r.edges[0].admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), `aisle_store_removals_total{cause="evicted"} `); ok {
			if value == "0" {
				t.Error("nothing was evicted: the run does not test it")
			}
			return
		}
	}
	t.Errorf("no count of evictions in the metrics (%v)", lines.Err())
}

// checkLogs: no answer may be right by a panic that was recovered, or by luck beside a data race.
func (r *run) checkLogs(t *testing.T) {
	t.Helper()
	for _, e := range r.edges {
		log := e.log.String()
		for _, bad := range []string{"DATA RACE", "panic", "level=ERROR"} {
			if strings.Contains(log, bad) {
				t.Errorf("edge %s wrote %q:\n%s", e.name, bad, last(log))
			}
		}
	}
}

// checkCoverage: a run that saw none of what it is about proves nothing.
func (r *run) checkCoverage(t *testing.T) {
	t.Helper()
	f := func(what string, got, least int64) {
		t.Helper()
		if got < least {
			t.Errorf("only %d answers %s, want %d: the run does not test what it is for", got, what, least)
		}
	}
	n := r.tally
	f("from memory", int64(n.seen("hit", "")), r.want/10)
	f("from a fetch of another request", int64(n.seen("", "collapsed")), r.want/200)
	f("stale while they were fetched", int64(n.seen("hit", "grace")), 1)
	f("of variants", int64(n.seen("vary-miss", "")), r.want/1000)
	f("by a pass because of no seal", int64(n.seen("bypass", "unsealed")), r.want/200)
	f("by a pass because they were marked", int64(n.seen("bypass", "marked")), 10)
	f("of the special origin to one alone", n.passed.Load(), r.want/100)
	f("failed in failure periods", n.failures.Load(), 1)
	f("from a client's own copy", n.own.Load(), 10)
	f("confirmed", n.confirm.Load(), 10)
	f("purges", n.purges.Load(), 50)
	f("to shoppers of the sidecar, at the least", r.population.issuer.issued.Load(), r.want/500)
}
