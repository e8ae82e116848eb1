package upstream

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// resolveWait bounds one look-up. The next one comes soon anyway.
const resolveWait = 5 * time.Second

// target is where connections to a server go. It is comparable: servers whose
// target is still there after a look-up stay, with all that is known of them.
type target struct {
	address string // host:port, or the path of a unix socket
	socket  bool
	set     string // all addresses of the name where address is the name; see expand
}

// named is a configured server. Its addresses come and go.
type named struct {
	url      *url.URL
	label    *serverCounters
	servers  []*server // guarded by the upstream's mutex
	resolved bool      // guarded by the upstream's mutex
}

// expand gives the targets of a name with these addresses: one for each, so that
// load and health are kept apart. Where there are some of both families they are
// one target by name: the dialer then tries one family if the other does not
// answer (RFC 8305), which a choice by load could not do. `localhost` is like that.
func expand(name, port string, addresses []netip.Addr) []target {
	var texts []string
	families := make(map[bool]bool)
	for _, a := range addresses {
		a = a.Unmap()
		families[a.Is4()] = true
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if len(families) > 1 {
		return []target{{address: net.JoinHostPort(name, port), set: strings.Join(texts, " ")}}
	}
	targets := make([]target, len(texts))
	for i, text := range texts {
		targets[i] = target{address: net.JoinHostPort(text, port)}
	}
	return targets
}

// follow looks a name up until ctx ends, and moves the requests to come to the
// addresses that it has then. A failed look-up changes nothing: an upstream must
// not go down with its name server.
func (u *Upstream) follow(ctx context.Context, n *named) {
	again := time.NewTicker(u.options.Resolve)
	defer again.Stop()
	for {
		found, err := u.lookup(ctx, n.url.Hostname())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil || len(found) == 0:
			n.label.unresolved.Inc()
		default:
			u.move(ctx, n, expand(n.url.Hostname(), n.url.Port(), found))
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

func (u *Upstream) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveWait)
	defer cancel()
	if u.options.Lookup != nil {
		return u.options.Lookup(ctx, name)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// move makes targets the ones of n. Requests under way to an address that is gone
// run to their end; its idle connections are closed, and it gets no new request.
func (u *Upstream) move(ctx context.Context, n *named, targets []target) {
	if u.replace(ctx, n, targets) {
		u.log(slog.LevelInfo, "addresses changed", label(n.url), slog.Int("addresses", len(targets)))
	}
}

// replace says whether addresses that were known have changed.
func (u *Upstream) replace(ctx context.Context, n *named, targets []target) (changed bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var kept, gone []*server
	for _, s := range n.servers {
		if slices.Contains(targets, s.target) {
			kept = append(kept, s)
		} else {
			gone = append(gone, s)
		}
	}
	for _, t := range targets {
		if slices.ContainsFunc(kept, func(s *server) bool { return s.target == t }) {
			continue
		}
		s := u.newServer(ctx, n, t)
		if n.resolved {
			s.back = time.Now() // a new address is a server that has just started
		}
		kept = append(kept, s)
	}
	changed = n.resolved && (len(gone) > 0 || len(kept) > len(n.servers))
	n.servers, n.resolved = kept, true
	u.servers = u.servers[:0:0]
	for _, each := range u.names {
		u.servers = append(u.servers, each.servers...)
	}
	for _, s := range gone {
		s.retire()
		s.transport.CloseIdleConnections()
	}
	return changed
}

// newServer makes a server of n, whose health checks end with ctx or retire.
func (u *Upstream) newServer(ctx context.Context, n *named, t target) *server {
	s := &server{url: n.url, target: t, label: n.label, transport: newTransport(u.options, t)}
	ctx, s.retire = context.WithCancel(ctx)
	if u.options.Health.Path != "" {
		u.background.Go(func() { u.watch(ctx, s) })
	}
	return s
}
