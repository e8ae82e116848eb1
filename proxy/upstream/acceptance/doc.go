// Package acceptance is what any transport behind [cache.Origin] has to do,
// shown over real sockets against origins that follow a script.
//
// A transport's own test hands [Run] a function that makes it; the suite knows
// nothing else of it. [Listen] makes a scripted origin: one [Script] per
// connection, in order, and a connection beyond them is a failure, which is how
// a request that was sent twice shows itself.
package acceptance
