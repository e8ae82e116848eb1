// Package store keeps pages in memory: the port cache.Store on ristretto.
//
// # Why Set is synchronous
//
// ristretto is built for writes that nobody waits for, and each of its traps comes
// from there: two quick Sets of a new key keep the older value, a Set shows up
// some milliseconds later or never, a buffer of 32,768 values stands outside
// the bound, and an update that grows is never weighed against the bound at all.
// Here a Set follows a fetch from an origin, which takes milliseconds, so it can
// afford the three microseconds (measured) of waiting for ristretto's own
// goroutine. So Set deletes, sets and waits, under a lock of its hash:
//
//   - the newest value wins, and the answer of Set is the truth: true means
//     that the next Get finds it, unless it is evicted or expires in between;
//   - what is buffered is what the callers of Set hold in their hands anyway;
//   - each replacement goes through admission as a new page does, so the sum of
//     costs never exceeds the bound. A page that did not grow always fits,
//     since its predecessor made room; one that grew contests for the rest.
//
// The price is a gap of microseconds in which a page that is being replaced is
// not found. The engine's landing covers it, as it covers slower stores.
//
// # Memory
//
// The bound is on the sum of [cache.Entry.Cost], in bytes. The process takes
// more: garbage that the collector has not come to, the tables of the store, about
// 6 bytes for each of its frequency counters, and whatever else the edge does. The
// benchmark of a flood of distinct keys (store_timing_test.go) shows how much, under
// the limit that obs.SetMemoryLimit sets.
package store
