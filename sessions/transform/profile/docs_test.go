package profile_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/profile/pgtest"
)

// page is docs/price-tables.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/price-tables.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks gives the examples of a kind.
func blocks(t *testing.T, kind string, n int) []string {
	t.Helper()
	var list []string
	for _, part := range strings.Split(page(t), "```"+kind+"\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		list = append(list, text)
	}
	if len(list) != n {
		t.Fatalf("%d examples of %s", len(list), kind)
	}
	return list
}

// quoted gives what stands between backquotes.
func quoted(cell string) []string {
	var list []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			list = append(list, part)
		}
	}
	return list
}

// TestDocument: the files of the page are read, hold the same, and give what its table says.
func TestDocument(t *testing.T) {
	_, table, found := strings.Cut(page(t), "| a shopper with | gets |\n|---|---|\n")
	if !found {
		t.Fatal("no table")
	}
	fromCSV := asked(t, newApp(t, profile.Options{File: write(t, "customers.csv", blocks(t, "csv", 2)[0])}))
	fromYAML := asked(t, newApp(t, profile.Options{File: write(t, "customers.yaml", blocks(t, "yaml", 1)[0])}))
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			break
		}
		rows++
		in := strings.Join(quoted(cells[1]), " ")
		fromCSV(in, quoted(cells[2])...)
		fromYAML(in, quoted(cells[2])...)
	}
	if rows != 7 {
		t.Errorf("%d rows", rows)
	}
	fromYAML("authentication.storeUserId=c1", ann()...)
}

// TestDocumentError: the file with a fault has the one that the page tells.
func TestDocumentError(t *testing.T) {
	_, err := profile.New(profile.Options{File: write(t, "customers.csv", blocks(t, "csv", 2)[1])})
	if want := strings.TrimSpace(blocks(t, "text", 1)[0]); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// TestDocumentEndpoint: the question is asked as it stands there, and the answer understood.
func TestDocumentEndpoint(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, body string) {
		if body != strings.TrimSpace(blocks(t, "question", 1)[0]) {
			t.Errorf("asked %s", body)
		}
		_, _ = io.WriteString(w, blocks(t, "answer", 1)[0])
	})
	asked(t, newApp(t, profile.Options{HTTP: url}))("authentication.storeUserId=c1 authentication.storeUserEmail=Ann@x.example", ann()...)
}

// TestDocumentQuery: the query runs on PostgreSQL.
func TestDocumentQuery(t *testing.T) {
	s := pgtest.Start(t)
	s.Do(schema)
	p := newApp(t, profile.Options{SQL: profile.SQL{DSN: s.DSN(), Query: blocks(t, "sql", 1)[0]}})
	asked(t, p)("authentication.storeUserId=c1", ann()...)
}
