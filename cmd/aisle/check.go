package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/proxy"
)

// check prints the effective configuration and the route table of a file, or all that
// is wrong with it. It starts and writes nothing.
func check(args []string, stdout, stderr io.Writer) int {
	fs := newFlags("check", stderr)
	fs.Usage = func() { fmt.Fprintln(stderr, "Usage: aisle check FILE") }
	if code, done := parseFlags(fs, args, 1); done {
		return code
	}
	file := fs.Arg(0)
	c, err := config.Load(file)
	if err != nil {
		printFaults(stderr, file, err)
		return exitUsage
	}
	table, err := proxy.Describe(c.Proxy())
	if err != nil {
		printFaults(stderr, file, err)
		return exitUsage
	}
	warnings, err := checkTransforms(c)
	if err := errors.Join(proxy.CheckFiles(c.Proxy()), err); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(stderr, "%s: %s\n", file, line)
		}
		return exitUsage
	}
	for _, warning := range append(c.Warnings(), warnings...) {
		fmt.Fprintf(stderr, "%s: warning: %s\n", file, warning)
	}
	fmt.Fprintf(stdout, "# %s is good. The effective configuration:\n\n%s\n# The route table, first match wins:\n#\n", file, c.Effective())
	for _, line := range table {
		fmt.Fprintf(stdout, "#   %s\n", line)
	}
	return exitOK
}

// printFaults prints each fault of a configuration on a line of its own.
func printFaults(stderr io.Writer, file string, err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		fmt.Fprintf(stderr, "%s: %v\n", file, err)
		return
	}
	for _, p := range problems.Errors() {
		fmt.Fprintf(stderr, "%s: %s\n", file, p)
	}
}
