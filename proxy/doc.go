// Package proxy is where fasthttp meets the cache: it guards and names a
// request (target, host, route, segment), lets the engine answer it or passes
// it on with the shopper's own credentials, and writes the answer as the
// route's scope demands.
//
// The way of a request is one method of exchange per step: guard, enroute,
// identify, serve or pass, deliver. An exchange is pooled; nothing of it or of
// fasthttp's context outlives the handler but what ask.go copies.
package proxy
