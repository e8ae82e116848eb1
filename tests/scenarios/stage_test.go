package scenarios_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aislecache/aisle/tests/ports"
	"github.com/aislecache/aisle/tests/rig"
)

type stageKey struct{}

// stage is what one scenario has running.
type stage struct {
	bin, dir string
	origin   *origin
	edge     *rig.Edge
	stopped  bool // the script has ended the edge itself
	pending  map[string]chan outcome
}

// outcome is what became of a request in the background.
type outcome struct {
	response *rig.Response
	err      error
}

// end runs after the scenario. An edge that does not end in order fails it; a data race is one reason.
func (s *stage) end(t testscript.T) {
	if s.origin != nil {
		s.origin.releaseAll()
	}
	if s.edge != nil && !s.stopped {
		if code, err := s.edge.Stop(); err != nil || code != 0 {
			defer t.Fatal(fmt.Sprintf("the edge ended with %d, %v:\n%s", code, err, s.edge.Stderr()))
		}
	}
	if s.origin != nil {
		s.origin.down()
	}
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// usage ends a script that calls a command wrongly.
func usage(ts *testscript.TestScript, neg, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// cmdOrigin: `origin FILE` starts the scripted origin and sets $ORIGIN; `origin down` ends it and all its
// connections; `origin up` starts it again at the same address.
func cmdOrigin(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "origin FILE|down|up")
	s := stageOf(ts)
	switch args[0] {
	case "down":
		s.origin.down()
	case "up":
		ts.Check(s.origin.up())
	default:
		rules, err := parseRules(ts.ReadFile(args[0]))
		ts.Check(err)
		port, release, err := ports.Take()
		ts.Check(err)
		ts.Defer(release)
		s.origin = newOrigin("127.0.0.1:"+strconv.Itoa(port), rules)
		ts.Check(s.origin.up())
		ts.Setenv("ORIGIN", "http://"+s.origin.address)
	}
}

// cmdSeen: `seen N METHOD TARGET` holds if the origin has seen so many of these requests; with no arguments all that
// it saw is printed, a block per request.
func cmdSeen(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	if len(args) == 0 {
		writeOut(ts, s.origin.story())
		return
	}
	usage(ts, neg, len(args) == 3, "seen [N METHOD TARGET]")
	if got := fmt.Sprint(s.origin.count(args[1] + " " + args[2])); got != args[0] {
		ts.Fatalf("the origin has seen %s of %s %s, not %s:\n%s", got, args[1], args[2], args[0], s.origin.story())
	}
}

// cmdRelease lets the origin's answers of kind `hold` go, those that wait and those to come.
func cmdRelease(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "release")
	stageOf(ts).origin.releaseAll()
}

// cmdEdge: `edge FILE` starts the edge on a configuration in which $ORIGIN is the origin, with listeners that need not
// be named. `! edge FILE` demands that it does not start, and prints why.
func cmdEdge(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] edge FILE")
	}
	s := stageOf(ts)
	config := strings.NewReplacer("$ORIGIN", ts.Getenv("ORIGIN"), "$EDGE", ts.Getenv("EDGE")).Replace(ts.ReadFile(args[0]))
	if !strings.Contains(config, "upstreams:") {
		config = rig.Config(ts.Getenv("ORIGIN"), config)
	}
	edge, err := rig.StartEdge(s.bin, s.dir, config)
	if neg {
		if err == nil {
			s.edge = edge
			ts.Fatalf("the edge started")
		}
		writeOut(ts, err.Error())
		return
	}
	ts.Check(err)
	s.edge, s.stopped = edge, false
	ts.Setenv("EDGE", strings.TrimPrefix(edge.URL, "http://"))
	ts.Setenv("ADMIN", strings.TrimPrefix(edge.Admin, "http://"))
}

// cmdStop: `stop` sends the edge a SIGTERM and does not wait; `stop USR1` sends that signal; `stop wait` waits for its end,
// which must be in order.
func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	switch strings.Join(args, " ") {
	case "":
		ts.Check(s.edge.Signal(syscall.SIGTERM))
	case "USR1":
		ts.Check(s.edge.Signal(syscall.SIGUSR1))
	case "wait":
		s.stopped = true
		code, err := s.edge.Wait()
		ts.Check(err)
		if code != 0 {
			ts.Fatalf("the edge ended with %d:\n%s", code, s.edge.Stderr())
		}
	default:
		usage(ts, neg, false, "stop [USR1|wait]")
	}
}

// writeOut puts text where `stdout` looks for it.
func writeOut(ts *testscript.TestScript, text string) {
	_, err := fmt.Fprint(ts.Stdout(), text)
	ts.Check(err)
}
