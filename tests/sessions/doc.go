// Package sessions drives the sessions system as shoppers and clients reach it: through running edges, with the sidecar
// inside of one or behind two of them. The npm package's own clients run in tests/koa.
package sessions
