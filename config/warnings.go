package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/aislecache/aisle/segment"
)

// Warnings returns what is allowed and may well be a mistake, or gives up a protection,
// as `path: message`, in file order of the sections. The slice is the caller's.
func (c *Config) Warnings() []string {
	w := &warner{}
	if !isPrivateAddress(c.f.admin) {
		w.warn("admin.listen", "%q is not a loopback address: whoever reaches it can purge the cache, profile the process, and see and end sessions", c.f.admin)
	}
	if everybody(c.f.trusted) {
		w.warn("trusted_proxies", "holds every address: any client can state its own address, scheme and host")
	}
	if everybody(c.f.debugFrom) {
		w.warn("debug_from", "holds every address: anybody sees the reasons and key digests in Cache-Status")
	}
	w.segment(&c.f.segment)
	w.heeded(&c.f.sessions)
	for _, path := range c.off {
		w.warn(path, "is null, which leaves it off; leave it out if that is meant")
	}
	w.transforms(c.Sessions().Transforms)
	for i := range c.f.routes {
		w.route(item("routes", i), &c.f.routes[i])
	}
	if c := &c.f.cache; c.maxObject > c.memory/8 {
		w.warn("cache.max_object", "%s is more than an eighth of cache.memory, the most that one page may take: such pages are not stored", c.maxObject)
	}
	if everybody(c.f.cache.honourDirectiveFrom) {
		w.warn("cache.honour_request_directives_from", "holds every address: anybody can send requests past the cache")
	}
	return w.all
}

type warner struct{ all []string }

func (w *warner) warn(at, format string, args ...any) {
	w.all = append(w.all, at+": "+fmt.Sprintf(format, args...))
}

func (w *warner) segment(s *segmentSection) {
	for _, field := range segmentDefaults().sealed {
		if !slices.Contains(s.sealed, field) {
			w.warn("segment.sealed", "leaves out %s: any shopper can claim one by hand", field)
		}
	}
}

func (w *warner) route(at string, r *routeSection) {
	if r.setCookie == "store" {
		w.warn(under(at, "set_cookie"), "store gives one shopper's cookies to everybody who gets the page")
	}
	if s := r.downstream; s != nil && s.cdn > 0 {
		w.warn(under(at, "downstream", "cdn"), "%s lets a shared cache keep a page that depends on the segment: it must key by the segment itself", s.cdn)
	}
	if s := r.downstream; s != nil && s.browser > 0 {
		w.warn(under(at, "downstream", "browser"), "%s lets a browser show the old price for so long after a log-in", s.browser)
	}
	if len(r.forwardHeaders) > 0 {
		w.warn(under(at, "forward", "headers"), "%s", r.forwardWarning())
	}
	for i, field := range r.segment {
		if best, near := nearest(field, segment.Fields()); near && best != field {
			w.warn(item(under(at, "segment"), i), `%q is no field of the public system (did you mean "%s"?)`, field, best)
		}
	}
}

func (r *routeSection) forwardWarning() string {
	names := strings.Join(r.forwardHeaders, ", ")
	if r.scope == "segment" {
		return names + " reach the origin and are not keyed: pages must not depend on them"
	}
	return names + " reach the origin on scope " + r.scope + " as it is"
}

func isPrivateAddress(address string) bool {
	if strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, _ := net.SplitHostPort(address) // checked when it was read
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
