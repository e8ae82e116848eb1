// Package cache is the core of the edge: what is stored, under which key, for
// how long it may be used, and how one fetch serves everybody who waits for it.
//
// A request enters [Engine.Serve] with its base key, the values of its
// projected segment and the request fields that reach the origin. The engine
// finds the variant (index), asks the store, lets [Decide] judge the entry, and
// where that is not enough joins or starts a flight: one goroutine per key that
// asks the origin, lets [Admit] judge the answer, streams it to all who wait
// and lands the finished entry in the store. Purges are numbers (epochs): an
// entry carries the number under which its fetch began, and whatever was
// purged later is dead without being looked for.
//
// The package is pure: it knows neither sockets nor segments nor metrics, and
// it keeps time by package time alone. [Decide] and [Admit] read no clock.
package cache
