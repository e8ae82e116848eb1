// Package wire sends through an edge what is not a page, between programs by others: a WebSocket by the npm package
// ws at both ends, an event stream that a browser reads, and an upload of a gibibyte by curl. `make test` installs
// what it needs.
package wire
