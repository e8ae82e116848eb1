package config_test

import (
	"crypto/tls"
	"testing"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/proxy"
)

func TestListenersReachTheEdgeAsWritten(t *testing.T) {
	c, err := config.Load("testdata/good-listeners.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, second := proxy.CertificateFiles{Cert: "a.pem", Key: "a.key"}, proxy.CertificateFiles{Cert: "b.pem", Key: "b.key"}
	want := []config.Listener{
		{Address: ":0"}, {Address: ":0"},
		{Address: "unix:/run/a b.sock", ProxyProtocol: true},
		{Address: "[::1]:80", TLS: proxy.TLSOptions{Files: []proxy.CertificateFiles{first}, MinVersion: tls.VersionTLS12}},
		{Address: ":443", TLS: proxy.TLSOptions{Files: []proxy.CertificateFiles{first, second}, MinVersion: tls.VersionTLS13}},
	}
	sameAs(t, "listeners", want, c.Listeners())
}

// One listener is written as an address alone only where it is nothing else.
func TestTheEffectiveConfigurationKeepsAFront(t *testing.T) {
	for _, front := range []string{"tls: {cert_file: a, key_file: b}", "proxy_protocol: true"} {
		c := parse(t, minimal+"trusted_proxies: [10.0.0.1]\nlisten: [{address: ':80', "+front+"}]")
		sameAs(t, front, c.Listeners(), parse(t, string(c.Effective())).Listeners())
	}
}

// A reload can change neither; the contents of the files are none of the configuration's.
func TestAChangedFrontNeedsARestart(t *testing.T) {
	f := func(before, after string, want ...string) {
		t.Helper()
		head := minimal + "trusted_proxies: [10.0.0.1]\nlisten: [{address: ':80', "
		sameAs(t, after, want, parse(t, head+before+"}]").NeedsRestart(parse(t, head+after+"}]")))
	}
	const plain = "proxy_protocol: no"
	f(plain, plain)
	f(plain, "proxy_protocol: yes", "listen[0].proxy_protocol")
	f(plain, "tls: {cert_file: a, key_file: b}", "listen[0].tls")
	f("tls: {cert_file: a, key_file: b}", "tls: {cert_file: a, key_file: b, min_version: '1.2'}")
	f("tls: {cert_file: a, key_file: b}", "tls: {cert_file: c, key_file: b, min_version: 1.3}", "listen[0].tls.cert_file", "listen[0].tls.min_version")
}
