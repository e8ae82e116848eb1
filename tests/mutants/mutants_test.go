package mutants_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// breaks are the mistakes that issue 3 lists, those of sessions with transforms, and a control that is none.
func breaks() []string {
	return []string{
		"absent-cookie-not-default", "account-of-log-in-ignored", "control-weak-hash", "credentials-not-stripped", "downstream-rule-dropped",
		"epoch-at-store", "follower-before-projection", "if-modified-since-on-segment", "key-not-compared", "label-after-sequence",
		"operators-not-checked", "profile-kept-at-log-out", "projected-field-not-in-key", "projection-not-sent", "recovered-as-stored",
		"recovered-of-another", "revoked-seal-valid", "seal-not-checked", "segment-vary-field-left-out", "set-cookie-to-followers",
		"unstorable-delivered", "vary-ignored",
	}
}

// TestPatches: each break is there, says what it breaks, and still applies to the tree as it is.
func TestPatches(t *testing.T) {
	files, err := filepath.Glob("*.patch")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		name := strings.TrimSuffix(file, ".patch")
		names = append(names, name)
		t.Run(name, func(t *testing.T) { checkPatch(t, file) })
	}
	if !slices.Equal(names, breaks()) {
		t.Errorf("patches %q, want %q", names, breaks())
	}
}

func checkPatch(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if about, _, ok := strings.Cut(string(text), "\n\ndiff --git a/"); !ok || !strings.HasSuffix(about, ".") {
		t.Errorf("%s does not begin with a sentence about what it breaks", file)
	}
	if out, err := check(t, file); err != nil {
		t.Errorf("%v; make the patch anew:\n%s", err, out)
	}
}

// check asks git, without a change to the tree. A patch is applied from the root of the repository.
func check(t *testing.T, file string) (string, error) {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "apply", "--check", path)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestCheckFails: a patch against what is not there is noticed.
func TestCheckFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stale.patch")
	text, err := os.ReadFile("seal-not-checked.patch")
	if err != nil {
		t.Fatal(err)
	}
	stale := strings.ReplaceAll(string(text), "parts[3]", "parts[33]")
	if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := check(t, file); err == nil {
		t.Errorf("applies: %s", out)
	}
}
