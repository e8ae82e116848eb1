package tests_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	longestFunction = 80  // lines, from func to the closing brace
	longestFile     = 500 // lines
)

// faults gives what the shape of one file breaches, a line each: length of file and functions, init functions, and
// exported names without a comment.
func faults(name string, src []byte) []string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return []string{err.Error()}
	}
	c := checker{name: name, fset: fset}
	if n := strings.Count(string(src), "\n"); n > longestFile {
		c.add(file.Package, "%d lines", n)
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			c.function(d)
		case *ast.GenDecl:
			c.names(d)
		}
	}
	return c.found
}

type checker struct {
	name  string
	fset  *token.FileSet
	found []string
}

func (c *checker) add(at token.Pos, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s:%d: ", c.name, c.fset.Position(at).Line)+fmt.Sprintf(format, args...))
}

func (c *checker) isTest() bool { return strings.HasSuffix(c.name, "_test.go") }

func (c *checker) function(d *ast.FuncDecl) {
	lines := c.fset.Position(d.End()).Line - c.fset.Position(d.Pos()).Line + 1
	if lines > longestFunction {
		c.add(d.Pos(), "%s has %d lines", d.Name.Name, lines)
	}
	if d.Name.Name == "init" && d.Recv == nil {
		c.add(d.Pos(), "an init function")
	}
	if c.isTest() || !d.Name.IsExported() || d.Doc != nil || !exportedReceiver(d.Recv) {
		return
	}
	c.add(d.Pos(), "%s has no comment", d.Name.Name)
}

// exportedReceiver is false for methods that only their package can name, and for those of well-known
// interfaces nothing is demanded anyway.
func exportedReceiver(recv *ast.FieldList) bool {
	if recv == nil {
		return true
	}
	t := recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// names checks types, constants and variables. The comment of a group stands for its members.
func (c *checker) names(d *ast.GenDecl) {
	if c.isTest() || d.Tok == token.IMPORT || d.Doc != nil {
		return
	}
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && s.Comment == nil {
				c.add(s.Pos(), "%s has no comment", s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && s.Doc == nil && s.Comment == nil {
					c.add(n.Pos(), "%s has no comment", n.Name)
				}
			}
		}
	}
}

// TestShape holds every Go file of the tree to the rules of STYLE.md that a machine can be certain of. Methods that
// implement a standard interface need no comment: their contract is written there.
func TestShape(t *testing.T) {
	files := 0
	for path := range goFiles(t) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files++
		for _, f := range faults(path, src) {
			if !standardMethod(f) {
				t.Error(strings.TrimPrefix(f, "../"))
			}
		}
	}
	if files < 100 {
		t.Errorf("only %d files were looked at", files)
	}
}

func standardMethod(fault string) bool {
	for _, m := range []string{"String", "Error", "Unwrap", "Close", "Read", "Write", "WriteHeader", "Header", "Len", "ServeHTTP"} {
		if strings.HasSuffix(fault, ": "+m+" has no comment") {
			return true
		}
	}
	return false
}

// goFiles gives the Go files of the module, those of other modules and of tools that were installed left out.
func goFiles(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && d.Name() != "..")) {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") {
			found[path] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFaults shows that each rule can be breached.
func TestFaults(t *testing.T) {
	f := func(name, src string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, faults(name, []byte(src))); diff != "" {
			t.Errorf("faults of %s (-want +got):\n%s", name, diff)
		}
	}
	f("a.go", "package a\n\n// F is.\nfunc F() {}\n")
	f("a.go", "package a\nfunc F() {}\n", "a.go:2: F has no comment")
	f("a.go", "package a\ntype T struct{}\n", "a.go:2: T has no comment")
	f("a.go", "package a\nconst C = 1\n", "a.go:2: C has no comment")
	f("a.go", "package a\n// These are.\nconst (\n\tC = 1\n)\n")
	f("a.go", "package a\nvar V, w = 1, 2\n", "a.go:2: V has no comment")
	f("a.go", "package a\ntype t struct{}\nfunc (*t) F() {}\n")
	f("a.go", "package a\n// T is.\ntype T struct{}\nfunc (*T) F() {}\n", "a.go:4: F has no comment")
	f("a.go", "package a\nfunc init() {}\n", "a.go:2: an init function")
	f("a_test.go", "package a\nfunc TestX() {}\n")
	f("a.go", "package a\nfunc f() {"+strings.Repeat("\n", 79)+"}\n")
	f("a.go", "package a\nfunc f() {"+strings.Repeat("\n", 80)+"}\n", "a.go:2: f has 81 lines")
	f("a_test.go", "package a"+strings.Repeat("\n", 500))
	f("a_test.go", "package a"+strings.Repeat("\n", 501), "a_test.go:1: 501 lines")
	f("a.go", "no go\n", "a.go:1:1: expected 'package', found no")
}
