package tests_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/aislecache/aisle"

// listed is what the checker reads of `go list -json`.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// layer is a line of the table "Packages" in DESIGN.md.
type layer struct {
	ours   []string // packages of ours that may be imported, without the module's path
	others string   // what else may be imported: "any", "std", or the module paths after "std "
	blind  bool     // sees no server, store, metrics, YAML or logger, not even through another package
}

// layers is the table. A package that is not in it fails the test: whoever adds one says here what it may see.
func layers() map[string]layer {
	return map[string]layer{
		"segment":                   {others: "std", blind: true},
		"cache/httpcc":              {others: "std github.com/dunglas/httpsfv", blind: true},
		"cache":                     {ours: []string{"cache/httpcc"}, others: "std", blind: true},
		"cache/store":               {ours: []string{"cache"}, others: "any"},
		"cache/store/acceptance":    {ours: []string{"cache"}, others: "any"},
		"proxy":                     {ours: []string{"cache", "cache/httpcc", "config/filewatch", "segment", "obs", "sessions/operation"}, others: "any"},
		"proxy/upstream":            {ours: []string{"cache"}, others: "any"},
		"proxy/upstream/acceptance": {ours: []string{"cache", "tests/ports"}, others: "any"},
		"purge":                     {ours: []string{"cache"}, others: "any"},
		"config":                    {ours: []string{"cache", "cache/store", "proxy", "proxy/upstream", "segment", "obs", "purge", "sessions", "sessions/transform", "sessions/transform/native", "sessions/transform/auth", "sessions/transform/audiences", "sessions/transform/expression", "sessions/transform/profile", "sessions/transform/regions", "sessions/store", "sessions/store/bolt", "sessions/store/redis"}, others: "any"},
		"config/filewatch":          {others: "std"},
		"obs":                       {others: "any"},
		"sessions":                  {ours: []string{"segment", "sessions/operation", "sessions/transform"}, others: "any"},
		"sessions/transform":        {ours: []string{"segment"}, others: "std"},
		"sessions/store":            {ours: []string{"sessions"}, others: "std"},
		"sessions/store/acceptance": {ours: []string{"sessions", "sessions/store"}, others: "any"},
		"sessions/store/bolt":       {ours: []string{"sessions", "sessions/store"}, others: "any"},
		"sessions/store/redis":      {ours: []string{"sessions", "sessions/store"}, others: "any"},
		"demo":                      {ours: []string{"examples/store"}, others: "std"},
		"examples/store":            {others: "std"},
		"tests/rig":                 {ours: []string{"tests/ports"}, others: "std"},
		"tests/ports":               {others: "std"},

		"config/filewatch/filewatchtest":    {others: "std"},
		"sessions/store/redis/redistest":    {ours: []string{"tests/ports"}, others: "std"},
		"sessions/transform/auth":           {ours: []string{"config/filewatch", "sessions/transform"}, others: "std github.com/golang-jwt/jwt/v5"},
		"sessions/transform/expression":     {ours: []string{"sessions/transform"}, others: "std github.com/expr-lang/expr"},
		"sessions/transform/audiences":      {ours: []string{"sessions/transform", "sessions/transform/expression"}, others: "std"},
		"sessions/transform/profile":        {ours: []string{"config/filewatch", "sessions/transform"}, others: "any"},
		"sessions/transform/nativetest":     {others: "std"}, // tests alone
		"sessions/transform/profile/pgtest": {ours: []string{"tests/ports"}, others: "std"},
		"sessions/transform/native":         {ours: []string{"segment", "sessions/transform", "sessions/transform/auth", "sessions/transform/audiences", "sessions/transform/expression", "sessions/transform/profile", "sessions/transform/regions"}, others: "any"},
		"sessions/operation":                {others: "std github.com/google/uuid"},
		"sessions/transform/regions":        {ours: []string{"config/filewatch", "sessions/operation", "sessions/transform"}, others: "std"},
	}
}

// blindTo are the libraries that a blind package must not see.
func blindTo() []string {
	return []string{
		"github.com/valyala/fasthttp", "github.com/dgraph-io/ristretto", "github.com/prometheus",
		"go.yaml.in/yaml", "gopkg.in/yaml", "log/slog", "net/http",
	}
}

// violations checks packages against the table and gives a line for each breach.
func violations(pkgs []listed, table map[string]layer) []string {
	standard := map[string]bool{}
	for _, p := range pkgs {
		standard[p.ImportPath] = p.Standard
	}
	var found []string
	for _, p := range pkgs {
		name, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours || strings.HasPrefix(name, "cmd/") {
			continue // cmd wires everything
		}
		rule, ok := table[name]
		if !ok && strings.HasPrefix(name, "tests") {
			continue // nothing may import these
		}
		if !ok {
			found = append(found, name+" is not in the table")
			continue
		}
		for _, imported := range p.Imports {
			if !rule.allows(imported, standard[imported] || imported == "C") {
				found = append(found, name+" imports "+imported)
			}
		}
		for _, dep := range p.Deps {
			if rule.blind && matchesAny(dep, blindTo()) {
				found = append(found, name+" sees "+dep)
			}
		}
	}
	return found
}

func (l layer) allows(imported string, standard bool) bool {
	if standard {
		return true
	}
	if name, ours := strings.CutPrefix(imported, module+"/"); ours {
		return slices.Contains(l.ours, name)
	}
	return l.others == "any" || matchesAny(imported, strings.Fields(l.others)[1:])
}

// matchesAny says whether path is one of the roots or below it.
func matchesAny(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

// TestImports holds the tree to the table.
func TestImports(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 50 {
		t.Fatalf("go list gave %d packages: the test sees nothing", len(pkgs))
	}
	for _, v := range violations(pkgs, layers()) {
		t.Error(v)
	}
}

// TestImportsOfEach keeps the table free of packages that are gone, and away from looking at nothing.
func TestImportsOfEach(t *testing.T) {
	there := map[string]bool{}
	for _, p := range list(t) {
		there[strings.TrimPrefix(p.ImportPath, module+"/")] = true
	}
	for name := range layers() {
		if !there[name] {
			t.Errorf("%s is in the table and not in the tree", name)
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

// TestCheckerFindsBreaches shows that the checker can fail.
func TestCheckerFindsBreaches(t *testing.T) {
	f := func(name string, imports, deps []string, want ...string) {
		t.Helper()
		pkgs := []listed{
			{ImportPath: module + "/" + name, Imports: imports, Deps: deps},
			{ImportPath: "fmt", Standard: true},
			{ImportPath: "log/slog", Standard: true},
			{ImportPath: "github.com/valyala/fasthttp"},
		}
		if diff := cmp.Diff(want, violations(pkgs, layers())); diff != "" {
			t.Errorf("%s importing %v (-want +got):\n%s", name, imports, diff)
		}
	}
	// What the table allows.
	f("cache", []string{"fmt", module + "/cache/httpcc"}, nil)
	f("proxy", []string{"fmt", module + "/segment", "github.com/valyala/fasthttp"}, nil)
	f("cmd/aisle", []string{module + "/config"}, nil)
	f("cache/httpcc", []string{"github.com/dunglas/httpsfv"}, nil)

	// The wrong direction.
	f("cache", []string{module + "/segment"}, nil, "cache imports "+module+"/segment")
	f("segment", []string{module + "/cache"}, nil, "segment imports "+module+"/cache")
	f("cache/store", []string{module + "/proxy"}, nil, "cache/store imports "+module+"/proxy")
	f("obs", []string{module + "/cache"}, nil, "obs imports "+module+"/cache")

	// Only cmd imports config; what is below it is for others too.
	f("proxy", []string{module + "/config", module + "/config/filewatch"}, nil, "proxy imports "+module+"/config")

	// Somebody else's package where there should be none.
	f("segment", []string{"github.com/dunglas/httpsfv"}, nil, "segment imports github.com/dunglas/httpsfv")
	f("demo", []string{"github.com/valyala/fasthttp"}, nil, "demo imports github.com/valyala/fasthttp")

	// Seen through another package.
	f("cache", []string{"fmt"}, []string{"log/slog"}, "cache sees log/slog")
	f("segment", []string{"fmt"}, []string{"github.com/prometheus/client_golang/prometheus"},
		"segment sees github.com/prometheus/client_golang/prometheus")

	// Below tests: what is in the table is held to it, and the rest is free but imported by nobody.
	f("tests/rig", []string{module + "/tests/ports"}, nil)
	f("tests/ports", []string{module + "/cache"}, nil, "tests/ports imports "+module+"/cache")
	f("tests/soak", []string{module + "/cache", "github.com/valyala/fasthttp"}, nil)
	f("tests/rig", []string{module + "/tests/soak"}, nil, "tests/rig imports "+module+"/tests/soak")

	// A package that nobody has thought about.
	f("utils", nil, nil, "utils is not in the table")
}

// TestMatchesAny: a path below a root matches, a longer name does not.
func TestMatchesAny(t *testing.T) {
	f := func(path string, want bool) {
		t.Helper()
		if got := matchesAny(path, []string{"a.org/x"}); got != want {
			t.Errorf("matchesAny(%q) = %v", path, got)
		}
	}
	f("a.org/x", true)
	f("a.org/x/y", true)
	f("a.org/xy", false)
	f("a.org", false)
	if got := fmt.Sprint(matchesAny("a", nil)); got != "false" {
		t.Errorf("no roots: %s", got)
	}
}
