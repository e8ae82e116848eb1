// Package openapi holds the answers of the sessions system to the public API descriptions, which lie in testdata
// as they were published.
package openapi
