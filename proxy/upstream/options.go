package upstream

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// Options is what an upstream is built from. A zero duration or count takes the
// default named beside it; a negative one is refused.
type Options struct {
	Name string // as in `upstreams.<name>`; required
	// Servers are `http://host:port` or `https://host:port`; the port may be left
	// out where it is the scheme's own. At least one, none twice.
	Servers []string

	Connect   time.Duration // to get a connection, the TLS handshake included, and to wait for a free one; 1s
	FirstByte time.Duration // from the request written to the head of the answer read; 10s
	// Idle is the longest silence of a body in either direction; 30s. It rolls:
	// there is no limit to how long a whole body may take.
	Idle time.Duration
	// KeepAlive is how long an unused connection stays pooled; 4s, since Node
	// closes at 5 s and a request that crosses such a close is lost unless it may
	// be repeated.
	KeepAlive time.Duration

	MaxConnections int   // fetches in flight over all servers, until their bodies end; 256
	MaxHead        int64 // bytes of the head of an answer, interim answers included; 64 KiB

	RootCAs *x509.CertPool // who may sign for https servers; nil: the system's
}

// Validate gives every fault of the options at once, each with its key path as
// in `upstreams.storefront.servers[1]: …`.
func (o Options) Validate() error {
	var errs []error
	fault := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("upstreams.%s%s: %w", o.Name, key, fmt.Errorf(format, args...)))
	}
	if o.Name == "" {
		errs = append(errs, errors.New("upstreams: an upstream without a name"))
	}
	if len(o.Servers) == 0 {
		fault(".servers", "at least one server is needed")
	}
	seen := make(map[string]int, len(o.Servers))
	for i, s := range o.Servers {
		key := fmt.Sprintf(".servers[%d]", i)
		u, err := parseServer(s)
		if err != nil {
			fault(key, "%w", err)
		} else if first, ok := seen[u.Host]; ok {
			fault(key, "%q is the same server as servers[%d]", s, first)
		} else {
			seen[u.Host] = i
		}
	}
	o.validateLimits(fault)
	return errors.Join(errs...)
}

func (o Options) validateLimits(fault func(key, format string, args ...any)) {
	for _, d := range []struct {
		key   string
		value time.Duration
	}{{"connect", o.Connect}, {"first_byte", o.FirstByte}, {"idle", o.Idle}, {"keep_alive", o.KeepAlive}} {
		if d.value < 0 {
			fault(".timeouts."+d.key, "%v is negative", d.value)
		}
	}
	if o.MaxConnections < 0 {
		fault(".max_connections", "%d is negative", o.MaxConnections)
	}
	if o.MaxHead < 0 {
		fault(".max_head", "%d is negative", o.MaxHead)
	}
}

// withDefaults is o with the defaults of its zero members.
func (o Options) withDefaults() Options {
	o.Connect = orDefault(o.Connect, time.Second)
	o.FirstByte = orDefault(o.FirstByte, 10*time.Second)
	o.Idle = orDefault(o.Idle, 30*time.Second)
	o.KeepAlive = orDefault(o.KeepAlive, 4*time.Second)
	o.MaxConnections = orDefault(o.MaxConnections, 256)
	o.MaxHead = orDefault(o.MaxHead, 64<<10)
	return o
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// parseServer gives the URL of one server with its port written out, so that
// equal servers have equal hosts.
func parseServer(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	ports := map[string]string{"http": "80", "https": "443"}
	def, ok := ports[u.Scheme]
	if !ok || u.Opaque != "" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is not http://host:port or https://host:port", s)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return nil, fmt.Errorf("%q has more than scheme, host and port", s)
	}
	port := orDefault(u.Port(), def)
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("%q has a port that is none", s)
	}
	return &url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(u.Hostname(), port)}, nil
}
