package tests_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aislecache/aisle/tests/rig"
)

// TestSessionsDocument runs the examples of docs/sessions.md, in their order, on the edge of `make run`.
func TestSessionsDocument(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "backend.keys")
	if err := os.WriteFile(keys, []byte("erp 0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := runStore(t, "mode: embedded ", fmt.Sprintf("mode: embedded\n  cors: [\"https://app.example\"]\n  backend_keys_file: %q ", keys))
	s.runExamples(t, "sessions.md", 12)
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
