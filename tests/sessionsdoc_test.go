package tests_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// example is a block of commands in a document, and what it prints at the least.
type example struct {
	commands string
	want     []string
}

// examplesOf reads the blocks ```sh of a document, each with the block ```text behind it.
func examplesOf(t *testing.T, file string) (list []example) {
	t.Helper()
	text, err := os.ReadFile("../docs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "\n```sh\n")
	for _, part := range parts[1:] {
		commands, rest, _ := strings.Cut(part, "\n```\n")
		want, ok := strings.CutPrefix(rest, "```text\n")
		if !ok {
			t.Fatalf("%s: no output is given of %q", file, commands)
		}
		want, _, _ = strings.Cut(want, "\n```")
		list = append(list, example{commands, strings.Split(want, "\n")})
	}
	return list
}

// TestSessionsDocument runs the examples of docs/sessions.md, in their order, on the demo's own configuration.
func TestSessionsDocument(t *testing.T) {
	bin := rig.Aisle(t)
	shop := rig.RunDemo(t, bin)
	text, err := os.ReadFile("../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "backend.keys")
	if err := os.WriteFile(keys, []byte("erp 0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("mode: embedded ", fmt.Sprintf("mode: embedded\n  cors: [\"https://app.example\"]\n  backend_keys_file: %q ", keys), `"127.0.0.1:8080"`, `"127.0.0.1:0"`, `127.0.0.1:8081"`, `127.0.0.1:0"`, "http://127.0.0.1:9000", shop).Replace(string(text))
	edge := rig.RunEdge(t, bin, config)
	list := examplesOf(t, "sessions.md")
	if len(list) < 12 {
		t.Fatalf("%d examples", len(list))
	}
	dir := t.TempDir()
	for _, x := range list {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", x.commands)
		cmd.Dir, cmd.WaitDelay = dir, 20*time.Second
		cmd.Env = append(os.Environ(), "EDGE="+edge.URL)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", x.commands, err, out)
		}
		for _, want := range x.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s\nlacks %q:\n%.2000s", x.commands, want, out)
			}
		}
	}
}

// TestSessionsDocumentConfigurations checks the configurations of docs/sessions.md, which have a name each.
func TestSessionsDocumentConfigurations(t *testing.T) {
	text, err := os.ReadFile("../docs/sessions.md")
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := rig.Aisle(t), t.TempDir()
	blocks := strings.Split(string(text), "```yaml\n# ")[1:]
	for _, block := range blocks {
		name, _, _ := strings.Cut(block, ",")
		body, _, _ := strings.Cut("# "+block, "\n```")
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), bin, "check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if len(blocks) != 2 {
		t.Errorf("%d configurations", len(blocks))
	}
}
