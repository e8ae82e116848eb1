// Package mutants holds breaks of the code as patches, one for each mistake that the isolation test must notice. The
// script run applies them one at a time to a copy of the tree; the test of this package sees to it that each still applies.
package mutants
