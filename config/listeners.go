package config

import (
	"crypto/tls"

	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/proxy"
)

type listener struct {
	address       string
	proxyProtocol bool
	tls           *tlsSection
}

type tlsSection struct {
	pair       certificatePair
	more       []certificatePair
	minVersion string
}

type certificatePair struct{ cert, key string }

// listeners is one address, or a list of {address: ...}.
func listeners() shape[[]listener] {
	address := text("address", listenAddress)
	list := listOf(object(func() listener { return listener{} }, listenerKeys))
	return shape[[]listener]{
		kind: "address, or list of mapping", keys: list.keys,
		read: func(d *decoder, at string, n *yaml.Node, into *[]listener) {
			if n.Kind == yaml.SequenceNode {
				list.read(d, at, n, into)
				return
			}
			l := listener{}
			address.read(d, at, n, &l.address)
			*into = []listener{l}
		},
		write: func(ls []listener) *yaml.Node {
			if len(ls) == 1 && ls[0] == (listener{address: ls[0].address}) {
				return textNode(ls[0].address)
			}
			return list.write(ls)
		},
	}
}

func listenerKeys(l *listener) []field {
	return []field{
		key("address", &l.address, text("address", listenAddress)),
		key("proxy_protocol", &l.proxyProtocol, truth()),
		key("tls", &l.tls, optional(object(tlsDefaults, tlsKeys))),
	}
}

func tlsDefaults() tlsSection { return tlsSection{minVersion: "1.2"} }

func tlsKeys(t *tlsSection) []field {
	return append(pairKeys(&t.pair),
		key("more", &t.more, listOf(object(func() certificatePair { return certificatePair{} }, pairKeys))),
		key("min_version", &t.minVersion, oneOf("1.2", "1.3")))
}

func pairKeys(p *certificatePair) []field {
	return []field{
		key("cert_file", &p.cert, unsetWhereEmpty(anyText())),
		key("key_file", &p.key, unsetWhereEmpty(anyText())),
	}
}

// unsetWhereEmpty leaves a required text out where it is not there, as a fault says.
func unsetWhereEmpty(s shape[string]) shape[string] {
	write := s.write
	s.write = func(v string) *yaml.Node {
		if v == "" {
			return nil
		}
		return write(v)
	}
	return s
}

// checkFront: what stands before HTTP on a listener.
func checkFront(d *decoder, at string, f *file, l *listener) {
	if l.proxyProtocol && len(f.trusted) == 0 {
		d.failAt(under(at, "proxy_protocol"), "is on and trusted_proxies is empty: no balancer would be believed")
	}
	if l.tls == nil {
		return
	}
	at = under(at, "tls")
	checkPair(d, at, l.tls.pair)
	for i, p := range l.tls.more {
		checkPair(d, item(under(at, "more"), i), p)
	}
}

func checkPair(d *decoder, at string, p certificatePair) {
	for _, part := range []struct{ name, path string }{{"cert_file", p.cert}, {"key_file", p.key}} {
		if part.path == "" && !d.has(under(at, part.name)) {
			d.failAt(under(at, part.name), "is missing")
		}
	}
}

// Listener is one public listener.
type Listener struct {
	Address       string           // host:port or unix:/path
	ProxyProtocol bool             // as in proxy.Front
	TLS           proxy.TLSOptions // without Files: none
}

// Listeners returns the public listeners, at least one, in file order.
func (c *Config) Listeners() []Listener {
	all := make([]Listener, len(c.f.listen))
	for i, l := range c.f.listen {
		all[i] = Listener{Address: l.address, ProxyProtocol: l.proxyProtocol, TLS: l.tls.options()}
	}
	return all
}

func (t *tlsSection) options() proxy.TLSOptions {
	if t == nil {
		return proxy.TLSOptions{}
	}
	o := proxy.TLSOptions{MinVersion: tls.VersionTLS12}
	if t.minVersion == "1.3" {
		o.MinVersion = tls.VersionTLS13
	}
	for _, p := range append([]certificatePair{t.pair}, t.more...) {
		o.Files = append(o.Files, proxy.CertificateFiles{Cert: p.cert, Key: p.key})
	}
	return o
}
