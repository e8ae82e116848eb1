package proxy

// The predicates below are asked once per field line; names are in lower case.
// Together they are DESIGN.md, rule 5: what reaches the origin of a page that
// others will see.

// hopByHop says that a field is for one connection only (RFC 9110, 7.6.1), and
// never handed on, whatever Connection lists. `proxy` is one by its danger:
// CGI turns it into the variable HTTP_PROXY.
func hopByHop(name []byte) bool {
	switch string(name) {
	case "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "proxy":
		return true
	}
	return hasPrefix(name, "proxy-")
}

// forwardedOnSegment says whether a field of the request may reach the origin on
// segment scope: the four of negotiation, what the route keys, and what its
// operator promised. Of a keyed one only a value of its closed list may.
func forwardedOnSegment(r *route, name []byte) bool {
	switch string(name) {
	case "accept", "accept-language", "accept-encoding", "user-agent":
		return true
	}
	return r.keyedHeader(name) != nil || listed(r.forwardHeaders, name)
}

// forwardedOnPublic says whether a field of the request may reach the origin on
// public scope. There the origin's Vary rules, so all may but those that an
// origin or a framework heeds without naming them in Vary: whoever sends one
// would choose what everybody gets.
func forwardedOnPublic(name []byte) bool {
	return !hopByHop(name) && !ownedField(name) && !forwardingField(name) && !conditional(name) && !overrides(name) && !cacheRequest(name)
}

// forwardedOnPass says whether a field goes with a pass. Its answer is stored
// nowhere, so all do, but what aisle writes itself, and, from a stranger, what
// claims to know the client.
func forwardedOnPass(name []byte, trustedPeer bool) bool {
	switch {
	case hopByHop(name), rewritten(name), string(name) == "host", hasPrefix(name, "x-vtex-"):
		return false
	}
	return trustedPeer || !forwardingField(name)
}

// countsAsTaken says whether a field that an anonymous request left out could
// have made the answer another one, so that an answer for one is asked for again
// with it. Fields for one hop, or that no page depends on, do not count. Neither
// do x-vtex-*, which a pass does not carry either, nor framing and Host.
func countsAsTaken(name []byte) bool {
	switch string(name) {
	case "referer", "origin", "dnt", "priority", "upgrade-insecure-requests", "host", "content-length":
		return false
	}
	return !hopByHop(name) && !forwardingField(name) && !conditional(name) && !cacheRequest(name) && !hasPrefix(name, "sec-") && !hasPrefix(name, "x-vtex-")
}

// ownedField says that aisle writes the field on an anonymous request, or that
// it belongs to one shopper. There is no content, so nothing describes it either.
func ownedField(name []byte) bool {
	switch string(name) {
	case "host", "cookie", "cookie2", "expect":
		return true
	}
	return hasPrefix(name, "x-vtex-") || hasPrefix(name, "content-")
}

// conditional says that a field asks for a part of the page, or for it only if
// (RFC 9110, 13.1 and 14.2). A page for everybody is asked for whole; the engine
// brings its own validators.
func conditional(name []byte) bool {
	return string(name) == "range" || hasPrefix(name, "if-")
}

// cacheRequest says that a field talks to caches. aisle heeds or ignores it; one
// behind must not be told by a shopper to serve stale, or only what it has, when
// the answer is for all.
func cacheRequest(name []byte) bool {
	return string(name) == "cache-control" || string(name) == "pragma"
}

// rewritten says that aisle writes a forwarding field anew on every request.
func rewritten(name []byte) bool {
	switch string(name) {
	case "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port":
		return true
	}
	return false
}

// forwardingField says that a field states the client, scheme, host or path as
// some proxy saw it. No public page may depend on it, and a stranger's is a lie.
func forwardingField(name []byte) bool {
	switch string(name) {
	case "forwarded", "forwarded-for", "via", "client-ip", "true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4",
		"fastly-client-ip", "x-real-ip", "x-client-ip", "x-true-client-ip", "x-cluster-client-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr",
		"x-proxyuser-ip", "x-azure-clientip", "x-azure-socketip", "x-host", "x-host-override", "x-scheme", "x-url-scheme", "front-end-https", "x-arr-ssl":
		return true
	}
	return hasPrefix(name, "x-forwarded") || hasPrefix(name, "x-forward-") || hasPrefix(name, "x-envoy-")
}

// overrides says that a field makes a framework answer another request than the
// one that is keyed, and mostly without Vary:
//   - another method or path (Symfony, Zend, IIS, Rails, Spring);
//   - an internal message of Next.js, poisoned more than once: x-middleware-*
//     (CVE-2025-29927, CVE-2023-46298), x-now-* and x-invoke-* (CVE-2024-46982),
//     and x-nextjs-data, which turns a redirect into an empty 200. Its RSC and
//     Next-Router-* stay, for Next.js does name those in Vary;
//   - x-amz-*, which S3 obeys or answers with an error;
//   - a claim that edge includes would be resolved, or what a gateway once added.
func overrides(name []byte) bool {
	switch string(name) {
	case "x-http-method", "x-http-method-override", "x-method-override", "x-override-url", "x-http-destinationurl", "x-http-host-override",
		"x-wap-profile", "surrogate-capability", "x-matched-path", "x-nextjs-data":
		return true
	}
	return hasPrefix(name, "x-original-") || hasPrefix(name, "x-rewrite-") || hasPrefix(name, "x-middleware-") || hasPrefix(name, "x-now-") ||
		hasPrefix(name, "x-invoke-") || hasPrefix(name, "x-amz-")
}

func hasPrefix(name []byte, prefix string) bool {
	return len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix
}

func listed(list []string, b []byte) bool {
	for _, s := range list {
		if string(b) == s {
			return true
		}
	}
	return false
}
