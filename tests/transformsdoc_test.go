package tests_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/native"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
	"github.com/aislecache/aisle/tests/rig"
)

// indexRow is a row of the index of apps in docs/transforms.md.
type indexRow struct {
	Name            string
	Inputs, Outputs []string
	Refresh         bool
}

// names gives what a cell names: `a.b`, and `.c` for a.c.
func names(cell string) (list []string) {
	namespace := ""
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		before, name, _ := strings.Cut(m[1], ".")
		if before != "" {
			namespace = before
		}
		list = append(list, namespace+"."+name)
	}
	slices.Sort(list)
	return list
}

func keysOf(d transform.Declaration) (list []string) {
	for _, namespace := range slices.Sorted(maps.Keys(d)) {
		for _, name := range d[namespace] {
			list = append(list, namespace+"."+name)
		}
	}
	slices.Sort(list)
	return list
}

// TestTransformsDocument: the index of docs/transforms.md has every app that comes with aisle, in the order in which they are
// merged, with its inputs and outputs.
func TestTransformsDocument(t *testing.T) {
	store := "../examples/store/"
	set, err := native.Open(native.Options{
		Account:        "ACCOUNT",
		Channels:       []segment.Channel{{ID: "1"}},
		Authentication: &auth.Options{KeysFile: store + "shoppers.jwks"},
		Profile:        &profile.Options{File: store + "customers.csv", TrustPublicEmail: true},
		Checkout:       &regions.Options{Ranges: store + "regions.csv"},
		Audiences:      &audiences.Options{},
		Search:         &transform.SearchOptions{},
		Operators:      `authentication.adminUserEmail != ""`,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var want, got []indexRow
	var identity []string // what "all that authentication gives" stands for
	for _, app := range set.Apps() {
		s := app.Spec()
		want = append(want, indexRow{s.Name, keysOf(s.Input), keysOf(s.Output), s.Refresh})
		if s.Name == "authentication" {
			identity = keysOf(s.Output)
		}
	}
	for _, cells := range rows(t, "transforms.md", "## The apps that come with aisle") {
		if len(cells) != 5 {
			t.Fatalf("%q", cells)
		}
		name, page, _ := strings.Cut(cells[0], "`, ")
		if !strings.Contains(page, "](") {
			t.Errorf("%s has no page", name)
		}
		inputs := cells[2]
		if before, after, ok := strings.Cut(inputs, "all that `authentication` gives"); ok {
			inputs = before + "`" + strings.Join(identity, "`, `") + "`" + after
		}
		got = append(got, indexRow{strings.Trim(name, "`"), names(inputs), names(cells[3]), cells[4] != ""})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-code +document):\n%s", diff)
	}
}

// TestTransformsDocumentConfigurations: the configurations of the pages on transforms are sound, beside the files of
// examples/store.
func TestTransformsDocumentConfigurations(t *testing.T) {
	bin, dir := rig.Aisle(t), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples/store")); err != nil {
		t.Fatal(err)
	}
	f := func(page string, want int) {
		t.Helper()
		list := configurations(t, page)
		if len(list) != want {
			t.Errorf("%s has %d configurations", page, len(list))
		}
		for _, text := range list {
			file := filepath.Join(dir, "checked.yaml")
			if err := os.WriteFile(file, []byte(checkedBase+text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), bin, "check", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", page, err, text, out)
			}
		}
	}
	f("authentication.md", 3)
	f("price-tables.md", 1)
	f("regions.md", 2)
	f("campaign-audiences.md", 1)
	f("transforms.md", 2)
}

// checkedBase is what a configuration needs beside its transforms.
const checkedBase = `account: demo
upstreams: {storefront: {servers: ["http://127.0.0.1:9000"]}}
segment: {channels: {"1": {}, "3": {channelPrivacy: private}}}
`

// configurations are the blocks of a page, indented or fenced, that begin with the section `sessions` or with that of an app.
func configurations(t *testing.T, page string) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(strings.ReplaceAll(string(text), "```yaml\n", "\n"), "\n\n") {
		block, _, _ = strings.Cut(block, "\n```")
		plain := strings.TrimLeft(block, "\n") + "\n"
		if indented, ok := strings.CutPrefix(plain, "    "); ok {
			plain = strings.ReplaceAll(indented, "\n    ", "\n")
		}
		if name, _, _ := strings.Cut(plain, ":"); name == "sessions" {
			list = append(list, plain)
		} else if name == "impersonate" || name == "search" {
			customers := "    profile: {customers: {file: ./customers.csv}}\n" // without any nobody is impersonated
			list = append(list, "sessions:\n  transforms:\n"+customers+"    "+strings.ReplaceAll(strings.TrimSpace(plain), "\n", "\n    ")+"\n")
		}
	}
	return list
}
