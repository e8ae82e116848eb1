// Package demo is a storefront origin to put behind the edge: a shop of 360 products whose prices differ by
// channel and price table, whose stock differs by region and whose promotions differ by campaign.
//
// Render makes pages and is pure: equal arguments give equal bytes. Storefront adds HTTP, a small sessions
// system of its own, faults on request and the habits of real origins, the bad ones included: one Last-Modified
// for all segments, If-Modified-Since answered by that date alone, and a Vary that names x-vtex-segment only
// when the request carried it.
//
// The package shares no code with the edge, so that a test may use it as an oracle.
package demo
