package rig

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Node finds a Node of 20 or newer for a test: on the path, or where tools/need puts npm's. root is the path to the
// top of the tree.
func Node(t testing.TB, root string) string {
	t.Helper()
	for _, name := range []string{"node", filepath.Join(root, ".tools/node/node_modules/node/bin/node")} {
		out, err := exec.Command(name, "-p", "process.versions.node").Output()
		major, _, _ := strings.Cut(string(out), ".")
		if n, _ := strconv.Atoi(major); err == nil && n >= 20 {
			return name
		}
	}
	Need(t, "Node 20")
	return ""
}
