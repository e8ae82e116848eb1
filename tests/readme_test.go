package tests_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/tests/rig"
)

// printedCommands are the commands to try as tools/run prints them out of the README, one a line.
func printedCommands(t *testing.T, printed string) []string {
	t.Helper()
	var commands []string
	for line := range strings.Lines(printed) {
		if strings.Contains(line, "curl ") {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	if len(commands) != 5 {
		t.Fatalf("%d commands are printed, not five:\n%s", len(commands), printed)
	}
	return commands
}

// TestRun runs `make run`'s script and the five commands of the README, and ends it as Ctrl-C does.
func TestRun(t *testing.T) {
	p, _ := rig.MakeRun(t, "..")
	jars := t.TempDir()
	run := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(command, "/tmp/", jars+"/"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return strings.ReplaceAll(string(out), "\r", "")
	}
	f := func(command string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, essence(run(command))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", command, diff)
		}
	}
	commands := printedCommands(t, p.Stdout())
	f(commands[0], "miss stored", "R$ 168,90", "hit", "R$ 168,90")
	f(commands[1], "miss stored", "R$ 143,57", "hit", "R$ 143,57")
	place := []string{`data-stock="10"`, "Delivered to <b>São Paulo</b> tomorrow by atelier-paulista and casa-lume"}
	f(commands[2], "miss stored", place[0], place[1], "hit", place[0], place[1])
	f(commands[3], "miss stored", "R$ 215,93", "hit", "R$ 215,93")
	metrics := run(commands[4])
	for _, want := range []string{
		`aisle_requests_total{outcome="hit",route="/**/p"} 4`,
		`aisle_requests_total{outcome="miss",route="/**/p"} 4`,
		`aisle_requests_total{outcome="pass",route="builtin:login"} 1`,
		`aisle_requests_total{outcome="pass",route="sidecar:sessions"} 3`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s:\n%s", want, metrics)
		}
	}
	interrupted(t, p)
}

// essence says in a word per line what the first three commands print.
func essence(out string) []string {
	var words []string
	for line := range strings.Lines(out) {
		_, price, isPrice := strings.Cut(strings.TrimSpace(line), "data-live-price>")
		switch {
		case isPrice:
			words = append(words, price)
		case strings.Contains(line, "aisle; hit"):
			words = append(words, "hit")
		case strings.Contains(line, "aisle; fwd=uri-miss") && strings.Contains(line, "; stored"):
			words = append(words, "miss stored")
		default:
			words = append(words, strings.TrimSpace(line))
		}
	}
	return words
}

// interrupted ends a run by SIGINT: it exits with 0, and both of its processes are gone.
func interrupted(t *testing.T, p *rig.Process) {
	t.Helper()
	pids := regexp.MustCompile(`\(pid (\d+)\)`).FindAllStringSubmatch(p.Stdout(), -1)
	if len(pids) != 2 {
		t.Fatalf("%d process ids are printed:\n%s", len(pids), p.Stdout())
	}
	if err := p.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(); err != nil || code != 0 {
		t.Errorf("the run ended with %d, %v:\n%s", code, err, p.Stderr())
	}
	for _, pid := range pids {
		if _, err := os.Stat("/proc/" + pid[1]); err == nil {
			t.Errorf("process %s outlived the run", pid[1])
		}
	}
}

// TestReadmeLinks: what the README and the documents point at is there.
func TestReadmeLinks(t *testing.T) {
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	adrs, _ := filepath.Glob("../docs/adr/*.md")
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	links := 0
	for _, document := range append(append(documents, adrs...), "../README.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), m[1])); err != nil {
				t.Errorf("%s points at %s, which is not there", document, m[1])
			}
		}
	}
	if links < 8 {
		t.Errorf("only %d links were found", links)
	}
}
