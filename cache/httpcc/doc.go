// Package httpcc is the arithmetic on header fields that cache decisions rest
// on: Cache-Control and its targeted forms, Age, Date, Expires, Vary, entity
// tags, and the freshness and age formulas of RFC 9111.
//
// Everything here is a pure function of its arguments: nothing reads the clock,
// nothing is retained unless the doc of the function says so. Header fields are
// taken as the list of their lines, without name and line end.
//
// One rule decides every doubt: what is malformed may restrict a cache, it never
// permits anything. So no-store is honoured wherever it can be made out, while
// a lifetime that is not exactly one is a lifetime of zero.
package httpcc
