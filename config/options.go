package config

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/segment"
)

// Admin returns the address of the admin listener, host:port or unix:/path.
func (c *Config) Admin() string { return c.f.admin }

// DrainTimeout returns how long requests in flight may take once the process is told to end; never 0.
func (c *Config) DrainTimeout() time.Duration { return time.Duration(c.f.drain) }

// Memory returns the bytes that stored pages may take.
func (c *Config) Memory() int64 { return int64(c.f.cache.memory) }

// PurgeRecords returns how many purged labels are remembered; never 0.
func (c *Config) PurgeRecords() int { return c.f.purge }

// KeysFile returns the path of the file of seal keys, which may not exist yet, and whether the
// configuration names it. A file that it does not name is made on first use.
func (c *Config) KeysFile() (path string, named bool) {
	return c.f.segment.keysFile, c.f.segment.keysFile != segmentDefaults().keysFile
}

// Log returns the format of the log, json or text, its level, and where the access log
// goes: stdout, stderr, off, or the path of a file.
func (c *Config) Log() (format, level, access string) {
	return c.f.log.format, c.f.log.level, c.f.log.access
}

func channelsOf(s *segmentSection) (list []segment.Channel) {
	for _, e := range s.channels {
		list = append(list, segment.Channel{
			ID: e.name, CountryCode: e.value.countryCode, CultureInfo: e.value.cultureInfo,
			CurrencyCode: e.value.currencyCode, CurrencySymbol: e.value.currencySymbol,
			Private: e.value.channelPrivacy == "private",
		})
	}
	return list
}

// Segment returns what the segment resolver is made of, but for its keys: they are in
// KeysFile, which only a running edge reads.
func (c *Config) Segment() segment.Options {
	s := &c.f.segment
	o := segment.Options{
		Account: c.f.account, Sealed: slices.Clone(s.sealed), MaxBytes: int(s.maxBytes), SealTTL: time.Duration(s.sealTTL),
		Overlay: make([]segment.Overlay, 0, len(s.overlay)), Allow: map[string][]string{},
	}
	if s.unsealed == "pass" {
		o.Unsealed = segment.UnsealedPass
	}
	o.Channels = channelsOf(s)
	for _, e := range s.overlay {
		o.Overlay = append(o.Overlay, segment.Overlay{Param: e.name, Field: e.value})
	}
	for _, e := range s.allow {
		o.Allow[e.name] = slices.Clone(e.value)
	}
	return o
}

// Proxy returns what the edge is made of.
func (c *Config) Proxy() proxy.Options {
	f := &c.f
	o := proxy.Options{
		Account: f.account, Hosts: lowered(f.hosts),
		TrustedProxies: slices.Clone(f.trusted), DebugFrom: slices.Clone(f.debugFrom),
		HonourFrom:    slices.Clone(f.cache.honourDirectiveFrom),
		SegmentCookie: f.segment.cookie, SealTTL: time.Duration(f.segment.sealTTL),
		Sidecar: f.sessions.mode != "off", SidecarRegions: f.sessions.mode != "off" && f.sessions.transforms.hasRegions(),
		QueryDrop: slices.Clone(f.query.drop), QuerySort: f.query.sort,
		Site: f.cache.site(), Wait: f.wait(),
		Maintenance: f.closed.option(), ErrorPages: pagesOption(f.pages),
	}
	for i := range f.routes {
		o.Routes = append(o.Routes, f.routes[i].option())
	}
	return o
}

func (c *cacheSection) site() proxy.Site {
	return proxy.Site{
		Grace: time.Duration(c.grace), Keep: time.Duration(c.keep),
		HeuristicFraction: c.heuristicFraction, HeuristicMax: time.Duration(c.heuristicMax),
		Targeted: slices.Clone(c.targeted), MaxObject: int64(c.maxObject), MaxVariants: c.maxVariants,
		HitForMiss: time.Duration(c.hitForMiss),
	}
}

// wait is the longest that any upstream may take to its first byte.
func (f *file) wait() time.Duration {
	var longest Duration
	for _, e := range f.upstreams {
		longest = max(longest, e.value.connect+e.value.firstByte)
	}
	return time.Duration(longest)
}

func (r *routeSection) option() proxy.Route {
	o := proxy.Route{
		Name:  r.name(),
		Match: proxy.Match{Host: strings.ToLower(r.host), Path: r.path, Methods: slices.Clone(r.methods)},
		Scope: scopeOf(r.scope), Segment: slices.Clone(r.segment),
		KeyHeaders: keyed(r.keyHeaders), KeyCookies: keyed(r.keyCookies), ForwardHeaders: slices.Clone(r.forwardHeaders),
		TTL: span(r.ttl), Grace: span(r.grace), Keep: span(r.keep), Override: r.override,
		SetCookie: setCookieOf(r.setCookie), EchoCheck: r.echoCheck, Upstream: r.upstream, StripPrefix: r.stripPrefix,
		Maintenance: r.closed.option(), ErrorPages: pagesOption(r.pages),
	}
	for _, e := range r.headers {
		o.ResponseHeaders = append(o.ResponseHeaders, proxy.ResponseHeader{Name: e.name, Value: e.value})
	}
	if r.downstream != nil {
		o.Downstream = proxy.Downstream{Set: true, Browser: time.Duration(r.downstream.browser), CDN: time.Duration(r.downstream.cdn)}
	}
	for _, e := range r.statusTTL {
		if o.StatusTTL == nil {
			o.StatusTTL = map[int]time.Duration{}
		}
		code, _ := strconv.Atoi(e.name) // checked when it was read
		o.StatusTTL[code] = time.Duration(e.value)
	}
	return o
}

// scopeOf reads a word that oneOf has let through.
func scopeOf(word string) cache.Scope {
	switch word {
	case "public":
		return cache.ScopePublic
	case "segment":
		return cache.ScopeSegment
	default:
		return cache.ScopePrivate
	}
}

// setCookieOf reads a word that oneOf has let through; private routes have none.
func setCookieOf(word string) cache.SetCookie {
	switch word {
	case "strip":
		return cache.SetCookieStrip
	case "store":
		return cache.SetCookieStore
	default:
		return cache.SetCookieRefuse
	}
}

func lowered(hosts []string) []string {
	all := make([]string, len(hosts))
	for i, h := range hosts {
		all[i] = strings.ToLower(h)
	}
	return all
}

func span(d *Duration) cache.Span {
	if d == nil {
		return cache.Span{}
	}
	return cache.Span{Set: true, D: time.Duration(*d)}
}

func keyed(entries []entry[[]string]) []proxy.Keyed {
	var all []proxy.Keyed
	for _, e := range entries {
		all = append(all, proxy.Keyed{Name: e.name, Values: slices.Clone(e.value)})
	}
	return all
}

// checkOptions lets the packages that the options are for have the last word. The rules
// of this package say the same with better paths; what they let through ends here
// instead of in a running edge.
func checkOptions(d *decoder, c *Config) {
	if len(d.problems) > 0 {
		return
	}
	faults := []error{c.Segment().Validate()}
	for _, u := range c.Upstreams() {
		faults = append(faults, u.Validate())
	}
	s := c.Sessions()
	if s.Redis != nil {
		faults = append(faults, prefixed("sessions.store.redis", s.Redis.Validate()))
	}
	if s.MovingFrom != nil && s.MovingFrom.Redis != nil {
		faults = append(faults, prefixed("sessions.store.moving_from.redis", s.MovingFrom.Redis.Validate()))
	}
	if _, err := proxy.Describe(c.Proxy()); err != nil {
		faults = append(faults, err)
	}
	d.failLines("", errors.Join(faults...))
}

// failLines notes the lines of another package's error, which begin with a key below at.
func (d *decoder) failLines(at string, err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		key, message, found := strings.Cut(line, ": ")
		switch {
		case !found:
			d.failAt(at, "%s", line)
		case at == "":
			d.failAt(key, "%s", message)
		default:
			d.failAt(at+"."+key, "%s", message)
		}
	}
}

// prefixed puts a key path before each line of an error; nil stays nil.
func prefixed(at string, err error) error {
	if err == nil {
		return nil
	}
	var all []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		all = append(all, errors.New(at+": "+line))
	}
	return errors.Join(all...)
}

// everybody says whether a list of ranges holds all addresses of a family.
func everybody(ranges []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Bits() == 0 })
}
