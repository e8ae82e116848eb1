package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

func help(_ []string, stdout, _ io.Writer) int {
	usage(stdout)
	return exitOK
}

func usage(w io.Writer) {
	fmt.Fprint(w, "aisle is an edge cache for storefronts.\n\nUsage: aisle COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n`aisle sessions help` lists its tools, which show, revoke and erase sessions, rotate keys and migrate stores.\n")
	fmt.Fprint(w, "\nExit codes: 0 success, 1 failure, 2 bad command line or configuration.\n")
}

// newFlags makes a flag set that reports instead of ending the process.
func newFlags(name string, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("aisle "+name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	return fs
}

// parseFlags reads flags and at most wanted further arguments, which it needs all of.
// done says that the command ends here, with code.
func parseFlags(fs *flag.FlagSet, args []string, wanted int) (code int, done bool) {
	if code, done := parseSome(fs, args); done {
		return code, true
	}
	return counted(fs, fs.NArg(), wanted)
}

// parseSome reads flags up to the first argument that is none.
func parseSome(fs *flag.FlagSet, args []string) (code int, done bool) {
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK, true
	}
	if err != nil {
		return exitUsage, true
	}
	return exitOK, false
}

// counted says how many arguments there are where they are too few or too many.
func counted(fs *flag.FlagSet, given, wanted int) (code int, done bool) {
	if given == wanted {
		return exitOK, false
	}
	fmt.Fprintf(fs.Output(), "%s: %d arguments beside the flags, want %d\n", fs.Name(), given, wanted)
	fs.Usage()
	return exitUsage, true
}
