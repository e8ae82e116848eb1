package config

import (
	"slices"
	"time"

	"github.com/aislecache/aisle/proxy/upstream"
)

// Upstreams returns what the upstreams are made of, in file order: the first is the default.
func (c *Config) Upstreams() []upstream.Options {
	all := make([]upstream.Options, len(c.f.upstreams))
	for i, e := range c.f.upstreams {
		all[i] = upstream.Options{
			Name: e.name, Servers: slices.Clone(e.value.servers),
			Connect: time.Duration(e.value.connect), FirstByte: time.Duration(e.value.firstByte), Idle: time.Duration(e.value.idle),
			MaxConnections: e.value.maxConnections,
		}
	}
	return all
}
