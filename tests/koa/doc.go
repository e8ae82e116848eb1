// Package koa drives an edge before an origin by others: a small Koa server, origin.js, with the `vary` middleware
// of the published npm package @vtex/api. `make test` installs what it needs.
package koa
