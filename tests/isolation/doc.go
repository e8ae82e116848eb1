// Package isolation holds the test of the project's promise: nobody ever sees a page that was made for another
// segment, or for another shopper.
//
// The test starts the real binaries, sends random shoppers through three edges while pages are purged, evicted, repriced
// and lost to failing origins, and compares every answer with what the origin answers for the projection that the
// test itself computed.
//
// Behind two of the edges the origin has the sessions system. The third has its own, with the transforms that come with
// aisle: its residents log in, move, follow links, choose channels and log out at random, operators see the store as customers,
// cookies are lost, put back and forged, and sessions are revoked, while the store takes price tables away, has
// places delivered by others and ends its audiences. Each segment that it issues is compared with what this test
// computes from its own tables; each page must then be of the segment that the resident's session has.
//
// It shares no code with the edge: neither segment, cache nor proxy is among its imports.
package isolation
