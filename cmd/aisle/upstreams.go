package main

import (
	"log/slog"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/proxy/upstream"
)

// newUpstreams makes the upstreams of a configuration. Those that before has in the same
// shape go on, in both sets; nil: there are none before. The gauges of metrics tell of
// the set that [upstream.Metrics.Show] was last called with, which is for whoever puts
// the set to use.
//
// more are upstreams that the configuration does not name: the sidecar's.
func newUpstreams(c *config.Config, before *upstream.Set, metrics *upstream.Metrics, logger *slog.Logger, more ...upstream.Options) (*upstream.Set, error) {
	options := append(c.Upstreams(), more...)
	for i := range options {
		options[i].Metrics, options[i].Logger = metrics, logger
	}
	if before == nil {
		return upstream.NewSet(options[0].Name, options...)
	}
	return before.Next(options[0].Name, options...)
}
