// Package isolation holds the test of the project's promise: nobody ever sees a page that was made for another
// segment, or for another shopper.
//
// The test starts the real binaries, sends random shoppers through two edges while pages are purged, evicted, repriced
// and lost to failing origins, and compares every answer with what the origin answers for the projection that the
// test itself computed. It shares no code with the edge: neither segment, cache nor proxy is among its imports.
package isolation
