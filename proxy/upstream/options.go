package upstream

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options is what an upstream is built from. A zero duration or count takes the
// default named beside it; a negative one is refused.
type Options struct {
	Name string // as in `upstreams.<name>`; required
	// Servers are `http://host:port`, `https://host:port` or `unix:/path`; the port may be
	// left out where it is the scheme's own. At least one, none twice.
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

	// MaxConnections bounds the fetches in flight over all servers, until their bodies
	// end; 256. As many again, and at least 64, may wait for one, as long as Connect.
	MaxConnections int
	MaxHead        int64 // bytes of the head of an answer, interim answers included; 64 KiB

	// Dial makes the connections where it is not nil, whatever the servers are called: to something in this process.
	// Names are not looked up then.
	Dial func(ctx context.Context) (net.Conn, error)

	RootCAs *x509.CertPool // who may sign for https servers; nil: the system's

	Health  Health  // active checks; the zero value: none
	Breaker Breaker // the zero value: none
	// RetryBudget is the share of requests, 0 to 1, that may go to a second server
	// after the first one gave no answer. 0: none.
	RetryBudget float64
	SlowStart   time.Duration // in which a server that came back gets its full share again; 10s
	Resolve     time.Duration // between two look-ups of a server's name; 5s
	// Lookup finds the addresses of a name; nil: the system's resolver.
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)

	Metrics *Metrics     // nil: nothing is counted
	Logger  *slog.Logger // told of servers and breakers that change; nil: nobody is
}

// Health is how servers are checked. An answer from 200 to 399 is well.
type Health struct {
	Path     string        // target of the GET; empty: no checks
	Host     string        // Host of the GET; empty: that of the server
	Interval time.Duration // between two checks, and the most that one may take; 5s
	Rise     int           // checks in a row that must go well before a server is up; 2
	Fall     int           // checks in a row that must fail before it is down; 3
}

// Breaker is when an upstream is not asked at all.
type Breaker struct {
	ErrorRatio float64       // share of fetches without an answer or with a 5xx, 0 to 1, that opens it; 0: no breaker
	Window     time.Duration // over which the share is taken; 10s
	OpenFor    time.Duration // until a few requests are let through again; 5s
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
		} else if first, ok := seen[label(u)]; ok {
			fault(key, "%q is the same server as servers[%d]", s, first)
		} else {
			seen[label(u)] = i
		}
	}
	o.validateLimits(fault)
	o.validateShares(fault)
	return errors.Join(errs...)
}

// validateShares judges health, breaker and retries.
func (o Options) validateShares(fault func(key, format string, args ...any)) {
	if p := o.Health.Path; p != "" && (!isTarget("GET", p) || strings.HasPrefix(p, "//")) {
		fault(".health.path", "%q is not a path", p)
	}
	if h := o.Health.Host; h != "" && !isHost(h) {
		fault(".health.host", "%q is not a host", h)
	}
	for _, n := range []struct {
		key   string
		value int
	}{{"rise", o.Health.Rise}, {"fall", o.Health.Fall}} {
		if n.value < 0 {
			fault(".health."+n.key, "%d is negative", n.value)
		}
	}
	for _, share := range []struct {
		key   string
		value float64
	}{{".breaker.error_ratio", o.Breaker.ErrorRatio}, {".retries.budget", o.RetryBudget}} {
		if !(share.value >= 0 && share.value <= 1) {
			fault(share.key, "%v is not between 0 and 1", share.value)
		}
	}
}

func (o Options) validateLimits(fault func(key, format string, args ...any)) {
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"timeouts.connect", o.Connect}, {"timeouts.first_byte", o.FirstByte}, {"timeouts.idle", o.Idle}, {"timeouts.keep_alive", o.KeepAlive},
		{"health.interval", o.Health.Interval}, {"breaker.window", o.Breaker.Window}, {"breaker.open_for", o.Breaker.OpenFor},
		{"slow_start", o.SlowStart}, {"resolve", o.Resolve},
	} {
		if d.value < 0 {
			fault("."+d.key, "%v is negative", d.value)
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
	o.SlowStart = orDefault(o.SlowStart, 10*time.Second)
	o.Resolve = orDefault(o.Resolve, 5*time.Second)
	o.Health.Interval = orDefault(o.Health.Interval, 5*time.Second)
	o.Health.Rise = orDefault(o.Health.Rise, 2)
	o.Health.Fall = orDefault(o.Health.Fall, 3)
	o.Breaker.Window = max(orDefault(o.Breaker.Window, 10*time.Second), cells) // a step is at least a nanosecond
	o.Breaker.OpenFor = orDefault(o.Breaker.OpenFor, 5*time.Second)
	if o.Metrics == nil {
		o.Metrics = unregistered()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// socketHost stands for the host of a server on a unix socket, whose URL has the socket's
// path. No URL with a port written out has it.
const socketHost = "unix"

// label names a server in logs and metrics.
func label(server *url.URL) string {
	if server.Host == socketHost {
		return "unix:" + server.Path
	}
	return server.Host
}

// parseServer gives the URL of one server with its port written out, so that
// equal servers have equal labels.
func parseServer(s string) (*url.URL, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || slices.ContainsFunc([]byte(path), isControl) {
			return nil, fmt.Errorf("%q is not unix:/path", s)
		}
		return &url.URL{Scheme: "http", Host: socketHost, Path: path}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, err
	}
	ports := map[string]string{"http": "80", "https": "443"}
	def, ok := ports[u.Scheme]
	if !ok || u.Opaque != "" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is not http://host:port, https://host:port or unix:/path", s)
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
