package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/aislecache/aisle/demo"
)

// runDemo serves the demo storefront until it is told to end.
func runDemo(args []string, stdout, stderr io.Writer) int {
	fs := newFlags("demo", stderr)
	options := demo.Flags(fs)
	if code, done := parseFlags(fs, args, 0); done {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := demo.Serve(ctx, *options, func(address string) {
		fmt.Fprintf(stdout, "aisle demo: storefront at http://%s/\n", address)
	})
	if err != nil {
		fmt.Fprintf(stderr, "aisle demo: %v\n", err)
		return exitFailure
	}
	return exitOK
}
