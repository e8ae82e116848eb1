// Command aisle is an edge cache for storefronts. `aisle help` lists its commands.
package main

import (
	"fmt"
	"io"
	"os"
)

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailure = 1 // the command was understood and did not succeed
	exitUsage   = 2 // a bad command line or configuration: nothing was started
)

// command is one subcommand. It gets its arguments without its name and returns the exit code.
type command struct {
	name, summary string
	run           func(args []string, stdout, stderr io.Writer) int
}

func commands() []command {
	return []command{
		{"serve", "run the edge: aisle serve --config FILE", serve},
		{"sessions", "run the sessions sidecar alone: aisle sessions --config FILE", sessionsCommand},
		{"check", "check a configuration and show all of it: aisle check FILE", check},
		{"demo", "run a storefront origin to try the edge on: aisle demo --listen ADDR", runDemo},
		{"version", "show the version", version},
		{"help", "show this", help},
	}
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	name := args[0]
	if name == "-h" || name == "--help" || name == "-help" {
		name = "help"
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "aisle: unknown command %q\n\n", name)
	usage(stderr)
	return exitUsage
}
