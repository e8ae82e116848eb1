// Package purge is the admin interface that makes stored pages stale or dead.
//
// Its handler turns one call into one purge: all URLs and tags of a call take effect
// together, under one number, or none does.
package purge
