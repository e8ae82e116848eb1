// Command sessions loads an `aisle sessions` on bbolt and writes what came of it as the rows of a Markdown table. See
// `make bench-sessions`.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

type options struct {
	bin, dir string
	sessions int
	span     time.Duration
}

// The clients of each load: as many editors as an fsync can serve at once, and as few readers as keep two cores busy.
const (
	editors = 128
	readers = 32
)

func main() {
	var o options
	flag.StringVar(&o.bin, "aisle", "bin/aisle", "the `binary`")
	flag.StringVar(&o.dir, "dir", "", "`directory` for the store, on the disk to measure; emptied")
	flag.IntVar(&o.sessions, "sessions", 100_000, "sessions in the store")
	flag.DurationVar(&o.span, "for", 15*time.Second, "how long each load is")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-sessions:", err)
		os.Exit(1)
	}
}

func run(o options, out io.Writer) error {
	if o.dir == "" {
		return errors.New("-dir is missing")
	}
	if err := os.RemoveAll(o.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	disk, err := measureDisk(o.dir, min(o.span, 3*time.Second))
	if err != nil {
		return err
	}
	fmt.Fprint(out, "| what | a second | p50, p99 | processors of the sidecar | of the generator |\n|---|---|---|---|---|\n")
	fmt.Fprintf(out, "| the disk: 4 KiB and an fsync, one after the other | %.0f/s | %s, %s | | |\n",
		disk.rate(), milli(disk.quantile(0.5)), milli(disk.quantile(0.99)))
	s, err := startSidecar(bin, o.dir)
	if err != nil {
		return err
	}
	b := &bench{o: o, sidecar: s, out: out, tokens: make([]string, o.sessions)}
	return errors.Join(b.run(), s.stop())
}

// bench is a run upon one sidecar.
type bench struct {
	o       options
	sidecar *sidecar
	out     io.Writer
	tokens  []string
}

func (b *bench) run() error {
	if _, err := b.row(fmt.Sprintf("%d sessions are made", len(b.tokens)), load{clients: editors, do: b.create}, len(b.tokens)/editors+1); err != nil {
		return err
	}
	if _, err := b.row("durable edits, of all sessions at random", load{clients: editors, do: b.edit}, 0); err != nil {
		return err
	}
	active := min(len(b.tokens), 10_000)
	if _, err := b.reads(fmt.Sprintf("reads, of %d sessions at random", active), active, 0); err != nil {
		return err
	}
	full, err := b.reads("reads, of all sessions at random", len(b.tokens), 0)
	if err != nil {
		return err
	}
	_, err = b.reads("… at half of that load", len(b.tokens), full.rate()/2)
	return err
}

// reads loads the sidecar for a moment before the row is measured: the row is of one that has run for a while.
func (b *bench) reads(name string, of int, rate float64) (measured, error) {
	l := load{sidecar: b.sidecar, clients: readers, do: b.read(of), rate: rate}
	if _, err := l.run(b.o.span/2, 0); err != nil {
		return measured{}, fmt.Errorf("%s: %w", name, err)
	}
	return b.row(name, l, 0)
}

// row runs a load and writes its row.
func (b *bench) row(name string, l load, most int) (measured, error) {
	l.sidecar = b.sidecar
	span := b.o.span
	if most > 0 {
		span = time.Hour
	}
	m, err := l.run(span, most)
	if err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	seconds, each := m.took.Seconds(), m.sidecar.Seconds()/float64(max(1, m.requests))
	_, err = fmt.Fprintf(b.out, "| %s, %d clients | %.0f/s | %s, %s | %.2f; %.0f µs each: %.0f/s of two | %.2f |\n",
		name, l.clients, m.rate(), milli(m.quantile(0.5)), milli(m.quantile(0.99)),
		m.sidecar.Seconds()/seconds, each*1e6, 2/max(each, 1e-9), m.own.Seconds()/seconds)
	return m, err
}

func milli(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }

// create makes the sessions, each once, and keeps their tokens.
func (b *bench) create(c *conn, client, which int) error {
	i := which*editors + client
	if i >= len(b.tokens) {
		return nil
	}
	text, err := c.do("POST", "/api/sessions", "", []byte(`{"public":{"utm_source":{"value":"newsletter"},"country":{"value":"BRA"},"postalCode":{"value":"22250-040"}}}`), 201)
	if err != nil {
		return err
	}
	var answer struct{ SessionToken string }
	if err := json.Unmarshal(text, &answer); err != nil || answer.SessionToken == "" {
		return fmt.Errorf("no token in %s: %w", text, err)
	}
	b.tokens[i] = answer.SessionToken
	return nil
}

// edit changes a value, and so the segment too.
func (b *bench) edit(c *conn, client, which int) error {
	body := append([]byte(`{"public":{"utm_campaign":{"value":"`), strconv.Itoa(client)...)
	body = append(body, '-')
	body = strconv.AppendInt(body, int64(which), 10)
	body = append(body, `"}}}`...)
	_, err := c.do("POST", "/api/sessions", b.tokens[rand.IntN(len(b.tokens))], body, 201)
	return err
}

// read reads one of the first n sessions, as a storefront does for its header.
func (b *bench) read(n int) request {
	return func(c *conn, _, _ int) error {
		_, err := c.do("GET", "/api/sessions?items=public.utm_source,public.postalCode,store.channel", b.tokens[rand.IntN(n)], nil, 200)
		return err
	}
}
