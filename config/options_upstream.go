package config

import (
	"slices"
	"time"

	"github.com/aislecache/aisle/proxy/upstream"
)

// Upstreams returns what the upstreams are made of, in file order: the first is the
// default. Metrics and Logger are the caller's to add.
func (c *Config) Upstreams() []upstream.Options {
	all := make([]upstream.Options, len(c.f.upstreams))
	for i, e := range c.f.upstreams {
		all[i] = e.value.options(e.name)
	}
	return all
}

func (u *upstreamSection) options(name string) upstream.Options {
	o := upstream.Options{
		Name: name, Servers: slices.Clone(u.servers),
		Connect: time.Duration(u.connect), FirstByte: time.Duration(u.firstByte), Idle: time.Duration(u.idle),
		MaxConnections: u.maxConnections, RetryBudget: u.retryBudget,
		// A zero would be the default there; a nanosecond is as good as none.
		SlowStart: max(time.Duration(u.slowStart), time.Nanosecond),
		Resolve:   time.Duration(u.resolve),
	}
	if h := u.health; h != nil {
		o.Health = upstream.Health{Path: h.path, Host: h.host, Interval: time.Duration(h.interval), Rise: h.rise, Fall: h.fall}
	}
	if b := u.breaker; b != nil {
		o.Breaker = upstream.Breaker{ErrorRatio: b.errorRatio, Window: time.Duration(b.window), OpenFor: time.Duration(b.openFor)}
	}
	return o
}
