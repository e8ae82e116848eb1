package proxy

import (
	"time"

	"github.com/aislecache/aisle/cache"
)

// report counts and logs an answer, once it has been sent.
func (x *exchange) report() {
	took := time.Since(x.started)
	m := x.edge.metrics
	route, scope, digest, answered := "", cache.ScopePrivate, "", m.unrouted
	if x.route != nil {
		route, scope, answered = x.route.Name, x.route.Scope, x.route.answered
	}
	if x.projected != nil {
		digest = x.projected.Digest
	}
	answered[x.sent.outcome].Inc()
	m.answered(x.sent.outcome, x.sent.reason, took)
	m.bytes.Add(float64(x.sent.bytes))
	if x.client.garbage {
		m.forwarded.Inc()
	}
	if x.sent.broken {
		m.broken.Inc()
	}
	if x.edge.parts.AccessLog == nil {
		return
	}
	line := accessLine{
		time: x.started, method: x.ctx.Method(), host: x.host, path: withoutToken(x.path), status: x.sent.status, bytes: x.sent.bytes,
		outcome: x.sent.outcome, reason: x.sent.reason, scope: scope, digest: digest, server: x.sent.server, client: x.client.addr,
		duration: took, wait: x.sent.waited, collapsed: x.sent.collapsed, stored: x.sent.stored, age: x.sent.age,
	}
	if x.route != nil {
		line.route = route
	}
	x.logged = line.append(x.logged[:0])
	x.edge.parts.AccessLog.Write(x.logged[:len(x.logged)-1]) // which ends the line itself
}
