package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/config"
)

var update = flag.Bool("update", false, "write the .want files from what Parse says now")

// Each bad-*.yaml has its faults beside it, one a line, in the order of the file.
func TestBadFilesGiveEveryFaultInFileOrder(t *testing.T) {
	files, err := filepath.Glob("testdata/bad-*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d bad files (%v), want at least 40", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, err := config.Load(file)
			var problems config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v of type %T, want Problems", err, err)
			}
			got := strings.Join(problems.Errors(), "\n") + "\n"
			want := strings.TrimSuffix(file, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(expected), got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoodFilesLoad(t *testing.T) {
	files, _ := filepath.Glob("testdata/good-*.yaml")
	shipped, _ := filepath.Glob("../examples/*.yaml")
	if len(files) < 3 || len(shipped) < 2 {
		t.Fatalf("%d good files and %d examples", len(files), len(shipped))
	}
	for _, file := range append(append(files, shipped...), "../config.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, err := config.Load(file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsNoListOfFaults(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want one that wraps ErrNotExist", err)
	}
	var problems config.Problems
	if errors.As(err, &problems) {
		t.Errorf("got Problems %v for a file that is not there", problems)
	}
}
