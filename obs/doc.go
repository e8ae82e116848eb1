// Package obs is what an operator sees of aisle, apart from what it serves: the
// logger, the access log, the metrics registry, the admin listener; and the
// memory limit of the process. It knows nothing of pages, keys or segments.
package obs
