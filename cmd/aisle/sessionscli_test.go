package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/store/redis"
)

func TestParseStore(t *testing.T) {
	f := func(text string, want storeSpec) {
		t.Helper()
		got, err := parseStore(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(storeSpec{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	of := func(o redis.Options) storeSpec { return storeSpec{redis: &o} }

	f("bolt:./data/sessions.db", storeSpec{bolt: "./data/sessions.db"})
	f("bolt:C:odd", storeSpec{bolt: "C:odd"})
	f("redis://a:1?prefix=p:", of(redis.Options{Addresses: []string{"a:1"}, Prefix: "p:"}))
	f("redis://me@a:1,b:2?prefix=p:&mode=cluster&password_file=f", of(redis.Options{
		Addresses: []string{"a:1", "b:2"}, Prefix: "p:", Username: "me", PasswordFile: "f", Mode: redis.Cluster,
	}))
	f("redis://[::1]:1/3?prefix=p:&tls=on&ca_file=ca.pem", of(redis.Options{
		Addresses: []string{"[::1]:1"}, Prefix: "p:", DB: 3, TLS: redis.TLS{On: true, CAFile: "ca.pem"},
	}))

	file := filepath.Join(t.TempDir(), "c.yaml")
	const config = `upstreams: {storefront: {servers: ["http://127.0.0.1:9"]}}
account: acme
sessions: {mode: embedded, store: {redis: {addresses: ["r:1"]}}}
`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	f("config:"+file, of(redis.Options{Addresses: []string{"r:1"}, Prefix: "aisle:acme:"}))
}

func TestParseStoreRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := parseStore(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f("", "is missing")
	f("bolt:", "is no store")
	f("sessions.db", "is no store")
	f("config:absent.yaml", "no such file")
	f("redis:a:1", "is no redis URL")
	f("redis://?prefix=p", "is no redis URL")
	f("redis://a:1", "has no prefix")
	f("redis://a:1?prefix={p}", "has braces")
	f("redis://me:secret@a:1?prefix=p", "use password_file")
	f("redis://a:1/x?prefix=p", "number of a database")
	f("redis://a:1?prefix=p&mode=ring", "want auto, single or cluster")
	f("redis://a:1?prefix=p&tls=off", "tls=off")
	f("redis://a:1?prefix=p&timeout=1s", "unknown parameter \"timeout\"")
}

func TestSameStore(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		first, err := parseStore(a)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseStore(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := first.same(second); got != want || second.same(first) != want {
			t.Errorf("%s and %s: same is %v", a, b, got)
		}
	}
	f("bolt:a", "bolt:a", true)
	f("bolt:a", "bolt:b", false)
	f("bolt:a", "redis://a:1?prefix=p", false)
	f("redis://a:1?prefix=p", "redis://me@a:1?prefix=p", true)
	f("redis://a:1?prefix=p", "redis://a:1?prefix=q", false)
	f("redis://a:1/1?prefix=p", "redis://a:1/2?prefix=p", false)
}

// On a terminal each new per cent draws the bar over the one before; the next pass begins anew.
func TestProgressOnTerminal(t *testing.T) {
	var out strings.Builder
	p := &progress{out: &out, terminal: true}
	for range 2 {
		for i := range 400 {
			p.show(i+1, 400)
		}
	}
	p.end()
	draws := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\r")[1:]
	if len(draws) != 2*101 {
		t.Fatalf("%d draws, want one for each of 0 to 100 per cent in two passes", len(draws))
	}
	for i, want := range map[int]string{
		0:   "pass 1 [" + strings.Repeat(".", 40) + "]   0%  1 of 400",
		50:  "pass 1 [" + strings.Repeat("#", 20) + strings.Repeat(".", 20) + "]  50%  200 of 400",
		100: "pass 1 [" + strings.Repeat("#", 40) + "] 100%  400 of 400",
		201: "pass 2 [" + strings.Repeat("#", 40) + "] 100%  400 of 400",
	} {
		if draws[i] != want {
			t.Errorf("draw %d is %q, want %q", i, draws[i], want)
		}
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Error("the line of the bar is not left")
	}
}

func TestProgressAsLines(t *testing.T) {
	var out, want strings.Builder
	p := &progress{out: &out}
	for i := range 1000 {
		p.show(i+1, 1000)
	}
	p.end()
	for tenth := 1; tenth <= 10; tenth++ {
		fmt.Fprintf(&want, "pass 1: %d%%, %d of 1000 sessions\n", 10*tenth, 100*tenth)
	}
	if diff := cmp.Diff(want.String(), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIsTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if isTerminal(file) || isTerminal(&strings.Builder{}) {
		t.Error("a file is no terminal")
	}
	if terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil {
		defer terminal.Close()
		if !isTerminal(terminal) {
			t.Error("a terminal is one")
		}
	}
}
