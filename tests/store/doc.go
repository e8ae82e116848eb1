// Package store runs the worked store of examples/store: a real edge with the sidecar inside, before the demo storefront, while
// shoppers log in and move, and the operator changes customers, regions and audiences under them.
package store
