package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/aislecache/aisle/sessions/store"
)

// migrateSessions copies the live sessions of a store to another until a pass finds nothing left to do.
func migrateSessions(args []string, stdout, stderr io.Writer) int {
	flags := newFlags("sessions migrate", stderr)
	from := flags.String("from", "", "the `STORE` that is copied; it is left as it is")
	to := flags.String("to", "", "the `STORE` that takes the copies; what is newer there stays")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: aisle sessions migrate --from STORE --to STORE\n")
		flags.PrintDefaults()
		fmt.Fprintln(stderr, storeForms)
	}
	if code, done := parseFlags(flags, args, 0); done {
		return code
	}
	source, err := parseStore(*from)
	if err != nil {
		fmt.Fprintf(stderr, "aisle sessions migrate: --from: %v\n", err)
		return exitUsage
	}
	target, err := parseStore(*to)
	if err != nil {
		fmt.Fprintf(stderr, "aisle sessions migrate: --to: %v\n", err)
		return exitUsage
	}
	if source.same(target) {
		fmt.Fprintln(stderr, "aisle sessions migrate: --from and --to are one store")
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	bar := &progress{out: stdout, terminal: isTerminal(stdout)}
	if err := migrate(ctx, source, target, bar); err != nil {
		fmt.Fprintf(stderr, "aisle sessions migrate: %v\n", err)
		return exitFailure
	}
	return exitOK
}

func migrate(ctx context.Context, source, target storeSpec, bar *progress) error {
	from, err := source.open(true)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	to, err := target.open(false)
	if err != nil {
		return errors.Join(fmt.Errorf("--to: %w", err), from.Close())
	}
	moved, err := store.Migrate(ctx, from, to, bar.show)
	bar.end()
	// The copies are at the destination when it has closed without an error, and not before.
	err = errors.Join(err, to.Close(), from.Close())
	fmt.Fprintf(bar.out, "copied %d sessions and %d facets values, removed %d, in %d passes\n", moved.Copied, moved.Facets, moved.Removed, moved.Passes)
	switch {
	case ctx.Err() != nil:
		return errors.New("stopped; run it again to go on")
	case err != nil:
		return err
	case !moved.Settled:
		return errors.New("the source does not come to rest: a sidecar still writes to it alone")
	}
	return nil
}

// progress shows how far a pass is: a bar that is drawn over on a terminal, and a line for each tenth elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	pass     int
	tenth    int // of this pass, that was shown last
	percent  int // on a terminal
	drawn    bool
}

const barWidth = 40

// show is called by one goroutine at a time.
func (p *progress) show(done, total int) {
	if done == 1 {
		p.pass++
		p.tenth, p.percent = 0, -1
	}
	percent := 100 * done / max(total, 1)
	if !p.terminal {
		if percent/10 > p.tenth {
			p.tenth = percent / 10
			fmt.Fprintf(p.out, "pass %d: %d%%, %d of %d sessions\n", p.pass, percent, done, total)
		}
		return
	}
	if percent == p.percent {
		return
	}
	p.percent, p.drawn = percent, true
	fmt.Fprintf(p.out, "\rpass %d [%s] %3d%%  %d of %d", p.pass, bar(percent), percent, done, total)
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintln(p.out)
	}
}

func bar(percent int) string {
	cells := make([]byte, barWidth)
	for i := range cells {
		cells[i] = '.'
		if 100*(i+1) <= percent*barWidth {
			cells[i] = '#'
		}
	}
	return string(cells)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
