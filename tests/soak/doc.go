// Package soak shows what the documents say of long streams, reloads, failing origins and idle connections, on the
// real binary. `make test` runs each for a moment, so that it stays true; `make soak` runs all at the size that issue 4
// names and writes the figures to docs/reliability.md.
package soak
