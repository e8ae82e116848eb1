// Package rig runs the real programs for tests: the edge, the demo storefront, and whatever else is a process. It
// knows aisle only by its command line, its log and its ports.
package rig
