// Package tests holds what is true of the tree as a whole: which package may import which, the shape of files and
// functions, and that the documents say what the program does. The folders below it drive the real binary.
package tests
