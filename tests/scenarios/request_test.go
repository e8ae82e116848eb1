package scenarios_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aislecache/aisle/tests/rig"
)

// ask reads `[-X METHOD] [-d BODY] [-H LINE]... TARGET` and sends that to the edge.
func ask(ts *testscript.TestScript, base string, args []string) (*rig.Response, error) {
	method, body, headers := "GET", "", []string{"Host: shop.example"}
	for len(args) > 1 {
		value := args[1]
		switch args[0] {
		case "-X":
			method = value
		case "-d":
			body = value
		case "-H":
			if strings.HasPrefix(strings.ToLower(value), "host:") {
				headers = headers[1:]
			}
			headers = append(headers, value)
		default:
			ts.Fatalf("no such option: %s", args[0])
		}
		args = args[2:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: req [-X METHOD] [-d BODY] [-H LINE]... TARGET")
	}
	return rig.Fetch(method, base+args[0], body, headers...)
}

// show is an answer as text: the status line, the fields by name in lower case, an empty line and the body.
func show(r *rig.Response) string {
	var lines []string
	for name, values := range r.Header {
		for _, v := range values {
			lines = append(lines, strings.ToLower(name)+": "+v)
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("status: %d\n%s\n\n%s\n", r.Status, strings.Join(lines, "\n"), r.Body)
}

// cmdReq sends a request to the edge, prints the answer and keeps its entity tag in $ETAG and its
// cookies, as a Cookie field has them, in $COOKIES. `! req` demands that there is none, or a broken one.
func cmdReq(ts *testscript.TestScript, neg bool, args []string) {
	r, err := ask(ts, stageOf(ts).edge.URL, args)
	report(ts, neg, r, err)
}

func report(ts *testscript.TestScript, neg bool, r *rig.Response, err error) {
	if neg {
		if err == nil {
			ts.Fatalf("there was a whole answer:\n%s", show(r))
		}
		writeOut(ts, err.Error())
		return
	}
	ts.Check(err)
	ts.Setenv("ETAG", r.Header.Get("ETag"))
	ts.Setenv("COOKIES", cookiesOf(r))
	writeOut(ts, show(r))
}

func cookiesOf(r *rig.Response) string {
	var pairs []string
	for _, line := range r.Header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, "; ")
}

// cmdBegin: `begin NAME ARGS` is `req ARGS` in the background.
func cmdBegin(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "begin NAME REQ-ARGS")
	s := stageOf(ts)
	done := make(chan outcome, 1)
	s.pending[args[0]] = done
	go func() {
		r, err := ask(ts, s.edge.URL, args[1:])
		done <- outcome{r, err}
	}()
	// The request must be on its way before the next line: the origin or the edge has to have it.
	eventually(ts, "the origin to be asked", func() bool { return s.origin.count("GET "+args[len(args)-1]) > 0 })
}

// cmdFinish: `finish NAME` waits for what begin began and prints it.
func cmdFinish(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] finish NAME")
	}
	o := <-stageOf(ts).pending[args[0]]
	report(ts, neg, o.response, o.err)
}

// cmdRaw: `raw FILE` sends the bytes of the file with CRLF for each line end and prints what comes until the edge
// closes the connection, or has been silent for a second.
func cmdRaw(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "raw FILE")
	conn, err := net.Dial("tcp", strings.TrimPrefix(stageOf(ts).edge.URL, "http://"))
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(time.Minute)))
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	_, err = io.WriteString(conn, strings.ReplaceAll(text, "<NUL>", "\x00"))
	ts.Check(err)
	// Half-closed, so that the edge ends the connection when it has answered all.
	ts.Check(conn.(*net.TCPConn).CloseWrite())
	got, _ := io.ReadAll(conn) // a reset after the answer is the edge's right
	writeOut(ts, strings.ReplaceAll(string(got), "\r", ""))
}

// cmdAdmin is req to the admin listener.
func cmdAdmin(ts *testscript.TestScript, neg bool, args []string) {
	r, err := ask(ts, stageOf(ts).edge.Admin, args)
	report(ts, neg, r, err)
}

// cmdPurge: `purge JSON` purges; the answer must be a 200, or with `!` must not.
func cmdPurge(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] purge JSON")
	}
	body := strings.ReplaceAll(args[0], "$EDGE", ts.Getenv("EDGE"))
	r, err := rig.Fetch("POST", stageOf(ts).edge.Admin+"/purge", body, "Content-Type: application/json")
	ts.Check(err)
	if (r.Status == 200) == neg {
		ts.Fatalf("purge %s: %d %s", body, r.Status, r.Body)
	}
	writeOut(ts, r.Body)
}

// cmdMetric: `metric SERIES VALUE` waits until the series has the value.
func cmdMetric(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "metric SERIES VALUE")
	want := args[0] + " " + args[1]
	eventually(ts, want, func() bool {
		r, err := rig.Fetch("GET", stageOf(ts).edge.Admin+"/metrics", "")
		ts.Check(err)
		return slices.Contains(strings.Split(r.Body, "\n"), want)
	})
}

// cmdLog: `log PART...` waits until a line of the access log contains all parts; `! log PART...` demands that none does
// once the edge has ended.
func cmdLog(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	has := func() bool {
		return slices.ContainsFunc(strings.Split(s.edge.Stdout(), "\n"), func(line string) bool {
			return !slices.ContainsFunc(args, func(part string) bool { return !strings.Contains(line, part) })
		})
	}
	if !neg {
		eventually(ts, fmt.Sprintf("a log line with %q", args), has)
		return
	}
	if !s.stopped {
		ts.Fatalf("only a log that is whole can lack something: stop the edge before")
	}
	if has() {
		ts.Fatalf("a line of the access log has %q:\n%s", args, s.edge.Stdout())
	}
}

// cmdNotice: `notice PART` waits until a line of the edge's own log contains the part.
func cmdNotice(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "notice PART")
	_, err := stageOf(ts).edge.WaitStderr(args[0])
	ts.Check(err)
}

// cmdWaitFile: `wait-file NAME [PART]` waits until a file is there, and contains the part.
func cmdWaitFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 2, "wait-file NAME [PART]")
	eventually(ts, strings.Join(args, " with "), func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && strings.Contains(string(text), strings.Join(args[1:], ""))
	})
}

// eventually polls: counters and log lines follow an answer within moments, and nothing tells when.
func eventually(ts *testscript.TestScript, what string, ok func() bool) {
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			s := stageOf(ts)
			ts.Fatalf("waited in vain for %s\naccess log:\n%s\nlog:\n%s", what, s.edge.Stdout(), s.edge.Stderr())
		}
		time.Sleep(5 * time.Millisecond)
	}
}
