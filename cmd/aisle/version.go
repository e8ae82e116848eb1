package main

import (
	"fmt"
	"io"

	"github.com/aislecache/aisle/obs"
)

func version(args []string, stdout, stderr io.Writer) int {
	if code, done := parseFlags(newFlags("version", stderr), args, 0); done {
		return code
	}
	b := obs.ReadBuild()
	fmt.Fprintf(stdout, "aisle %s (revision %s, %s)\n", b.Version, b.Revision, b.Go)
	return exitOK
}
