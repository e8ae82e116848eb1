package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
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
		{"show", "show a session: aisle sessions show ID-or-TOKEN --config FILE", showSession},
		{"revoke", "end a session, keep its record until it expires: aisle sessions revoke ID-or-TOKEN --config FILE", revokeSession},
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
	fmt.Fprint(stdout, "Usage: aisle sessions [TOOL] [flags]\n\n")
	for _, t := range sessionsTools() {
		fmt.Fprintf(stdout, "  %-8s %s\n", t.name, t.summary)
	}
	fmt.Fprint(stdout, "\nWithout a tool it runs the sidecar.\n")
	return exitOK, true
}

// parseOne reads the argument that may come before the flags or after them.
func parseOne(fs *flag.FlagSet, args []string) (argument string, code int, done bool) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		code, done = parseFlags(fs, args[1:], 0)
		return args[0], code, done
	}
	code, done = parseFlags(fs, args, 1)
	return fs.Arg(0), code, done
}

// withSession runs do upon the session that the arguments name.
func withSession(name string, args []string, stderr io.Writer, do func(ctx context.Context, s *sessions.Service, id string) error) int {
	fs := newFlags("sessions "+name, stderr)
	file := fs.String("config", "config.yaml", "configuration `file`")
	which, code, done := parseOne(fs, args)
	if done {
		return code
	}
	_, c, err := load(*file)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	sidecar, err := toolSidecar(c)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), toolTimeout)
		defer cancel()
		if id := sidecar.service.ID(which); id == "" {
			err = errors.New("neither the id of a session, nor a token of ours that is still valid")
		} else {
			err = do(ctx, sidecar.service, id)
		}
		err = errors.Join(err, sidecar.store.Close())
	}
	if err != nil {
		fmt.Fprintf(stderr, "aisle sessions %s: %v\n", name, err)
		return exitFailure
	}
	return exitOK
}

// toolSidecar is the configured sidecar for a moment, which nobody is served by.
func toolSidecar(c *config.Config) (*sidecar, error) {
	opened, err := openForTool(c.Sessions())
	if err != nil {
		return nil, err
	}
	_, sealer, err := newSegments(c)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return newSidecar(c, opened, sealer, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
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
		return nil, fmt.Errorf("%s is in use: a bbolt file is for one process at a time. Stop the sidecar that has it, or ask it: "+
			"a backend may GET and DELETE /api/sessions/ID", o.Path)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// shown is what an operator sees of a session.
type shown struct {
	ID         string           `json:"id"`
	Account    string           `json:"account"`
	Version    uint64           `json:"version"`
	Active     bool             `json:"active"`
	Debug      bool             `json:"debug"`
	Created    time.Time        `json:"created"`
	Expires    time.Time        `json:"expires"`
	Namespaces transform.Values `json:"namespaces"`
}

func showSession(args []string, stdout, stderr io.Writer) int {
	return withSession("show", args, stderr, func(ctx context.Context, s *sessions.Service, id string) error {
		session, err := s.Show(ctx, id)
		if err != nil {
			return err
		}
		values := session.Values.Clone()
		delete(values, transform.CookieNamespace) // log-ins of shoppers, which nobody is ever shown
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(shown{session.ID, session.Account, session.Version, session.Active, session.Debug, session.Created, session.Expires, values})
	})
}

func revokeSession(args []string, stdout, stderr io.Writer) int {
	return withSession("revoke", args, stderr, func(ctx context.Context, s *sessions.Service, id string) error {
		if err := s.Revoke(ctx, id); err != nil {
			return err
		}
		_, err := fmt.Fprintf(stdout, "revoked %s\n", id)
		return err
	})
}

func eraseSession(args []string, stdout, stderr io.Writer) int {
	return withSession("erase", args, stderr, func(ctx context.Context, s *sessions.Service, id string) error {
		if err := s.Erase(ctx, id); err != nil {
			return err
		}
		_, err := fmt.Fprintf(stdout, "erased %s\n", id)
		return err
	})
}
