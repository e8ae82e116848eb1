// Package upstream is the origin port of the edge on net/http's Transport: it
// writes a request to one of the servers of an upstream and gives back the head
// of the answer with its body as it comes.
//
// One [Upstream] is a group of equal servers with one limit of fetches in
// flight; a [Set] holds them by name and is what the cache engine is given.
// Every message is made anew from its parts: hop-by-hop fields end here in both
// directions (RFC 9110, 7.6.1), while the target goes out byte for byte, since
// the bytes that were keyed must be the bytes that were asked for.
//
// net/http does the framing, the pool and the retry of an idempotent request
// without a body on a pooled connection that turned out dead. Everything else
// that it would do by itself (User-Agent, compression, redirects, HTTP/2,
// retries by Idempotency-Key) is switched off. Package acceptance says in tests
// what any transport behind this port has to do.
package upstream
