// Package filewatch tells when files of an operator are others than before, and when to read them anew: customers, keys, regions,
// certificates, what was revoked.
//
// They are looked at again and again: what tells of changes by itself does not on network file systems, nor through a link that is
// moved. A Stamp is what a change shows by, Files read whole what has changed, and who has no calls to look at files by has Start.
package filewatch
