package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/bolt"
	"github.com/aislecache/aisle/sessions/transform"
)

// toolLockWait is shorter than that of a process that takes over: nobody is about to let go of the file.
const toolLockWait = 500 * time.Millisecond

// toolTimeout bounds what a tool does with one session.
const toolTimeout = 30 * time.Second

// sessionsTools are the commands below `aisle sessions`.
func sessionsTools() []command {
	return []command{
		{"show", "show a session, and why it is in which audiences: aisle sessions show ID-or-TOKEN [--explain] --config FILE", showSession},
		{"revoke", "end a session, or the seals of a segment token, at once: aisle sessions revoke ID-or-TOKEN --config FILE", revokeSession},
		{"erase", "delete a session for good: aisle sessions erase ID-or-TOKEN --config FILE", eraseSession},
		{"keys", "make or rotate the keys of session tokens: aisle sessions keys --config FILE", rotateKeys},
		{"migrate", "copy sessions to another store: aisle sessions migrate --from STORE --to STORE", migrateSessions},
	}
}

// sessionsTool runs a tool by its name, if there is one.
func sessionsTool(name string, args []string, stdout, stderr io.Writer) (code int, known bool) {
	for _, t := range sessionsTools() {
		if t.name == name {
			return t.run(args, stdout, stderr), true
		}
	}
	if name != "help" {
		return 0, false
	}
	sessionsUsage(stdout)
	return exitOK, true
}

func sessionsUsage(w io.Writer) {
	fmt.Fprint(w, "Usage: aisle sessions [TOOL] [flags]\n\n")
	for _, t := range sessionsTools() {
		fmt.Fprintf(w, "  %-8s %s\n", t.name, t.summary)
	}
	fmt.Fprint(w, "\nWithout a tool it runs the sidecar.\n")
}

// parseOne reads one argument, with flags before it and after it.
func parseOne(fs *flag.FlagSet, args []string) (argument string, code int, done bool) {
	var found []string
	for {
		if code, done := parseSome(fs, args); done {
			return "", code, true
		}
		if fs.NArg() == 0 {
			break
		}
		found = append(found, fs.Arg(0))
		args = fs.Args()[1:]
	}
	if code, done = counted(fs, len(found), 1); done {
		return "", code, true
	}
	return found[0], exitOK, false
}

// tool is a command about one session. A running edge or sidecar is asked by its admin listener; where none answers there, the
// store is opened here.
type tool struct {
	name  string // also the last part of the admin path
	query string // for the admin listener
	alone func(ctx context.Context, s *sidecar, which string) (any, error)
	print func(out io.Writer, answer []byte) error
}

func (t *tool) run(args []string, stdout, stderr io.Writer, flags func(*flag.FlagSet)) int {
	fs := newFlags("sessions "+t.name, stderr)
	file := fs.String("config", "config.yaml", "configuration `file`")
	admin := fs.String("admin", "", "`address` of the admin listener, instead of the configured one")
	if flags != nil {
		flags(fs)
	}
	which, code, done := parseOne(fs, args)
	if done {
		return code
	}
	c, err := config.Load(*file)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	if *admin == "" {
		*admin = c.Admin()
	}
	ctx, cancel := context.WithTimeout(context.Background(), toolTimeout)
	defer cancel()
	answer, err := t.answer(ctx, c, *admin, which)
	if err == nil {
		err = t.print(stdout, answer)
	}
	if err != nil {
		fmt.Fprintf(stderr, "aisle sessions %s: %v\n", t.name, err)
		return exitFailure
	}
	return exitOK
}

// answer asks who runs, or else the store.
func (t *tool) answer(ctx context.Context, c *config.Config, admin, which string) ([]byte, error) {
	if answer, running, err := askOperator(ctx, admin, t.name+t.query, which); running {
		return answer, err
	}
	s, err := toolSidecar(c)
	if err != nil {
		return nil, err
	}
	value, err := t.alone(ctx, s, which)
	if err := errors.Join(err, s.closeTool()); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// session gives the id that a text means.
func (s *sidecar) session(which string) (string, error) {
	id := s.service.ID(which)
	if id == "" {
		return "", errors.New("neither the id of a session, nor a token of ours that is still valid")
	}
	return id, nil
}

func (s *sidecar) closeTool() error {
	s.closeApps()
	return s.store.Close()
}

// toolSidecar is the configured sidecar for a moment, which nobody is served by.
func toolSidecar(c *config.Config) (*sidecar, error) {
	opened, err := openForTool(c.Sessions())
	if err != nil {
		return nil, err
	}
	revoked, err := newRevoked(c)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	_, sealer, err := newSegments(c, revoked.Revocations)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	s, err := newSidecar(c, opened, sealer, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err == nil {
		s.revoked = revoked
	}
	return s, err
}

// openForTool opens the configured store if it is there, and the one that sessions move from: an erasure in one of them would
// not last.
func openForTool(o config.Sessions) (sessions.Store, error) {
	to, from, err := openPair(o, openOne)
	if err != nil || from == nil {
		return to, err
	}
	return store.NewBoth(from, to), nil
}

func openOne(o config.SessionsStore) (store.Movable, error) {
	if o.Redis == nil {
		return openBoltFile(o.Bolt, true)
	}
	return openStore(o)
}

// openBoltFile opens a file that nobody else has. needed: it has to be there already.
func openBoltFile(o bolt.Options, needed bool) (store.Movable, error) {
	if _, err := os.Stat(o.Path); err != nil && needed {
		return nil, fmt.Errorf("session store: %w", err)
	}
	o.LockWait = toolLockWait
	s, err := bolt.Open(o)
	if errors.Is(err, sessions.ErrUnavailable) {
		return nil, fmt.Errorf("%s is in use: a bbolt file is for one process at a time. Stop the sidecar that has it, or ask it "+
			"by the address of its admin listener: --admin", o.Path)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func showSession(args []string, stdout, stderr io.Writer) int {
	t := tool{name: "show", print: printIndented}
	var explain func(transform.Values, time.Time) any
	t.alone = func(ctx context.Context, s *sidecar, which string) (any, error) {
		id, err := s.session(which)
		if err != nil {
			return nil, err
		}
		if t.query != "" {
			explain = s.explain
		}
		return s.service.ShowTo(ctx, id, explain)
	}
	return t.run(args, stdout, stderr, func(fs *flag.FlagSet) {
		fs.BoolFunc("explain", "tell of each audience whether the shopper is in it, and why", func(text string) error {
			on, err := strconv.ParseBool(text)
			if on {
				t.query = "?explain"
			}
			return err
		})
	})
}

// printIndented leaves < and > as they are: it is for people.
func printIndented(out io.Writer, answer []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, answer, "", "  "); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	_, err := fmt.Fprintln(out, strings.TrimSpace(b.String()))
	return err
}

// printDone tells what was done to a session.
func printDone(tell func(io.Writer, sessions.Revocation) error) func(io.Writer, []byte) error {
	return func(out io.Writer, answer []byte) error {
		var done sessions.Revocation
		if err := json.Unmarshal(answer, &done); err != nil {
			return fmt.Errorf("the answer is no JSON: %w", err)
		}
		return tell(out, done)
	}
}

func revokeSession(args []string, stdout, stderr io.Writer) int {
	t := tool{name: "revoke", alone: func(ctx context.Context, s *sidecar, which string) (any, error) {
		return revokeAndKeep(ctx, s.service, s.revoked, which)
	}}
	t.print = printDone(func(out io.Writer, done sessions.Revocation) error {
		if done.ID != "" {
			fmt.Fprintf(out, "revoked %s\n", done.ID)
		}
		_, err := fmt.Fprintf(out, "segment tokens whose seals are void: %d\n", len(done.Seals))
		return err
	})
	return t.run(args, stdout, stderr, nil)
}

func eraseSession(args []string, stdout, stderr io.Writer) int {
	t := tool{name: "erase", alone: func(ctx context.Context, s *sidecar, which string) (any, error) {
		id, err := s.session(which)
		if err != nil {
			return nil, err
		}
		return sessions.Revocation{ID: id}, s.service.Erase(ctx, id)
	}}
	t.print = printDone(func(out io.Writer, done sessions.Revocation) error {
		_, err := fmt.Fprintf(out, "erased %s\n", done.ID)
		return err
	})
	return t.run(args, stdout, stderr, nil)
}
