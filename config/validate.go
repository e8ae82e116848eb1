package config

import (
	"slices"
	"strings"
)

// validate finds what is wrong between keys. It runs on a file with its defaults filled
// in; what the file itself gives is known to the decoder.
func validate(d *decoder, f *file) {
	checkListeners(d, f)
	if len(f.hosts) == 0 {
		d.failAt("hosts", "is empty: every request would be refused")
	}
	if f.drain == 0 {
		d.failAt("drain_timeout", "is zero: requests in flight would be cut off")
	}
	checkUpstreams(d, f.upstreams)
	checkSegment(d, &f.segment)
	checkSessions(d, f)
	checkCache(d, &f.cache)
	for i := range f.routes {
		checkRoute(d, item("routes", i), f, &f.routes[i])
	}
	checkRouteNames(d, f.routes)
}

func checkListeners(d *decoder, f *file) {
	if len(f.listen) == 0 {
		d.failAt("listen", "is empty: at least one address is needed")
	}
	addresses := make([]string, 0, len(f.listen))
	for i, l := range f.listen {
		at := item("listen", i)
		if l.address == "" && d.has(at) && !d.has(under(at, "address")) {
			d.failAt(under(at, "address"), "is missing")
		}
		addresses = append(addresses, l.address)
		if l.address != "" && slices.Contains(addresses[:i], l.address) && !systemChooses(l.address) {
			d.failAt(at, "%q is there twice", l.address)
		}
		checkFront(d, at, f, &f.listen[i])
	}
	if slices.Contains(addresses, f.admin) && !systemChooses(f.admin) {
		d.failAt("admin.listen", "%q is the address of listen: the admin interface must never be public", f.admin)
	}
}

// systemChooses says that the system chooses the port, another one each time.
func systemChooses(address string) bool { return strings.HasSuffix(address, ":0") }

func checkCache(d *decoder, c *cacheSection) {
	if c.memory < 1<<20 {
		d.failAt("cache.memory", "%s is less than 1MiB", c.memory)
	}
	if c.maxObject == 0 {
		d.failAt("cache.max_object", "is zero: nothing would be stored")
	}
	if d.has("cache.max_object") && c.maxObject > c.memory {
		d.failAt("cache.max_object", "%s is more than cache.memory, %s", c.maxObject, c.memory)
	}
	if c.hitForMiss == 0 {
		d.failAt("cache.hit_for_miss", "is zero: requests for an unstorable page would wait for each other")
	}
	checkRepeated(d, "cache.targeted", c.targeted)
}

// completeCache keeps the default of max_object within what the store takes: an entry of more than an eighth
// of the memory would push out too much of the rest.
func completeCache(d *decoder, c *cacheSection) {
	if !d.has("cache.max_object") {
		c.maxObject = min(c.maxObject, max(c.memory/8, 1))
	}
}

// checkRepeated notes each value of a list that is there before.
func checkRepeated(d *decoder, at string, list []string) {
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		if v != "" && seen[v] {
			d.failAt(item(at, i), "%q is there twice", v)
		}
		seen[v] = true
	}
}
