// Package regions finds the region of a shopper: the set of sellers that deliver to a postal code or a point, for a
// sales channel. It holds the app `checkout`, that writes the region's id into a session, and the public system's HTTP
// endpoints that answer from the same data.
//
// The data are files of the operator: ranges of postal codes (CSV) and polygons (GeoJSON), read whole into a Table
// that nothing changes, and replaced by one atomic pointer. Or they are another server's, asked over its regions API.
package regions
