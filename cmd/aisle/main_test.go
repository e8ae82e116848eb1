package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aislecache/aisle/tests/ports"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aisle": main, "get": get})
}

// get is a program of its own, to have a request under way in the background: it
// prints the status and the length of the body, and how it ended.
func get() {
	res, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println("no answer:", err)
		return
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	fmt.Println(res.StatusCode, n, err)
}

// The scenarios know five commands besides testscript's own:
//
//	freeport NAME...        sets each variable to a port of the loopback that is nobody else's until the end
//	closed ADDRESS          fails if somebody listens
//	await URL STATUS TEXT   asks until the answer has the status and the text, for ten seconds
//	signal NAME COMMAND     sends TERM, INT, USR1, USR2 or HUP to the last program in the background with that subcommand
//	ask METHOD URL [BODY]   asks once; status line, header and body go to stdout
//
// A URL of the form unix:/path:/target goes to a socket.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"freeport": freePorts(t), "closed": closed, "await": await, "ask": ask, "signal": signalTo,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOMEMLIMIT", "") // aisle's own limit is part of what is tested
			return nil
		},
	})
}

// freePorts keeps the ports until all scripts are over: what a script defers runs before its programs in the background end.
func freePorts(t *testing.T) func(ts *testscript.TestScript, neg bool, names []string) {
	return func(ts *testscript.TestScript, _ bool, names []string) {
		for _, name := range names {
			port, release, err := ports.Take() // Free would end the wrong test where there is none
			ts.Check(err)
			t.Cleanup(release)
			ts.Setenv(name, strconv.Itoa(port))
		}
	}
}

func closed(ts *testscript.TestScript, _ bool, args []string) {
	network, address := "tcp", args[0]
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", ts.MkAbs(path)
	}
	conn, err := net.DialTimeout(network, address, time.Second)
	if err == nil {
		conn.Close()
		ts.Fatalf("somebody listens on %s", args[0])
	}
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	var last string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		status, text, err := request(ts, "GET", args[0], "")
		if err == nil && fmt.Sprint(status) == args[1] && strings.Contains(text, args[2]) {
			return
		}
		last = fmt.Sprintf("%d %.500s %v", status, text, err)
	}
	ts.Fatalf("%s: no %s with %q within ten seconds, last: %s", args[0], args[1], args[2], last)
}

func ask(ts *testscript.TestScript, _ bool, args []string) {
	_, text, err := request(ts, args[0], args[1], strings.Join(args[2:], " "))
	ts.Check(err)
	_, err = io.WriteString(ts.Stdout(), text)
	ts.Check(err)
}

func signalTo(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "HUP": syscall.SIGHUP}
	for _, c := range slices.Backward(ts.BackgroundCmds()) {
		if len(c.Args) > 1 && c.Args[1] == args[1] {
			ts.Check(c.Process.Signal(signals[args[0]]))
			return
		}
	}
	ts.Fatalf("no %s in the background", args[1])
}

// request returns the answer as it stands on the wire, but for the framing of its body.
func request(ts *testscript.TestScript, method, target, body string) (int, string, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	if rest, ok := strings.CutPrefix(target, "unix:"); ok {
		path, after, _ := strings.Cut(rest, ":")
		target = "http://socket" + after
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", ts.MkAbs(path))
		}
	}
	if _, err := url.Parse(target); err != nil {
		return 0, "", err
	}
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "HTTP %d\n", res.StatusCode)
	_ = res.Header.Write(&text)
	_, err = io.Copy(&text, bufio.NewReader(res.Body))
	return res.StatusCode, text.String(), err
}

// The repository's own files pass the check as an operator would run it.
func TestShippedFilesCheckWithoutWarnings(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range append(files, "../../config.yaml") {
		var stdout, stderr strings.Builder
		if code := run([]string{"check", file}, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
			t.Errorf("%s: exit %d, %s", file, code, stderr.String())
		}
		if _, err := os.Stat("data"); err == nil {
			t.Fatal("check wrote seal keys")
		}
	}
}
