package sessions

import (
	"math"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// newcomers bounds how many sessions one address begins: each costs a place in the store until it expires.
type newcomers struct {
	rate  rate.Limit // sessions per second; below 0: unbounded
	burst int

	mu   sync.Mutex // guards that one address has one limiter
	seen *memo[string, *rate.Limiter]
}

const (
	// defaultCreateRate lets in who is behind the one address of a carrier, on a busy day of a large store, and holds back who
	// would fill the store.
	defaultCreateRate = 100
	// burstTime is how much of the rate comes at once, at least leastBurst: a campaign's first second is like none after it.
	burstTime, leastBurst = 10, 10
	// rememberedAddresses bounds the limiters: at most 8 MiB. Who is forgotten begins anew, with a full burst; that takes
	// as many other addresses.
	rememberedAddresses = 64 << 10
)

func newNewcomers(perSecond float64, burst int) *newcomers {
	if perSecond == 0 {
		perSecond = defaultCreateRate
	}
	if burst == 0 {
		burst = max(leastBurst, int(burstTime*perSecond))
	}
	return &newcomers{rate: rate.Limit(perSecond), burst: burst, seen: newMemo[string, *rate.Limiter](rememberedAddresses)}
}

// admit says whether an address may begin another session, and else gives the *Fault.
func (n *newcomers) admit(address netip.Addr) error {
	if n.rate < 0 {
		return nil
	}
	limiter := n.limiter(network(address))
	now := time.Now()
	r := limiter.ReserveN(now, 1)
	wait := time.Duration(math.MaxInt64)
	if r.OK() {
		wait = r.DelayFrom(now)
	}
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return &Fault{
		Status: http.StatusTooManyRequests, Type: "TooManyRequests",
		Message: "too many new sessions from this address", RetryAfter: min(wait, time.Hour),
	}
}

func (n *newcomers) limiter(name string) *rate.Limiter {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, ok := n.seen.get(name)
	if !ok {
		l = rate.NewLimiter(n.rate, n.burst)
		n.seen.put(name, l)
	}
	return l
}

// network is an IPv4 address, or the /64 of an IPv6 one: a subscriber has all of that.
func network(a netip.Addr) string {
	a = a.Unmap()
	if !a.Is6() {
		return a.String()
	}
	prefix, err := a.WithZone("").Prefix(64)
	if err != nil {
		panic("BUG: an IPv6 address without a /64: " + err.Error())
	}
	return prefix.String()
}

// peers knows whose word on the client's address counts.
type peers struct{ trusted []netip.Prefix }

func (p peers) trusts(a netip.Addr) bool {
	a = a.Unmap()
	for _, prefix := range p.trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// remote reads the address of a connection. A unix socket or a pipe has none: who may connect there was decided by
// the file's mode or by our own process, so it is an edge of ours.
func (p peers) remote(remoteAddr string) (a netip.Addr, edge bool) {
	port, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Addr{}, true
	}
	return port.Addr().Unmap(), p.trusts(port.Addr())
}

// client gives the address of the shopper: read from the right, as proxies append, the first in X-Forwarded-For
// that is no trusted proxy's. What stands left of it anybody may have written.
func (p peers) client(remoteAddr string, forwarded []string) netip.Addr {
	at, edge := p.remote(remoteAddr)
	if !edge {
		return at
	}
	chain := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(chain) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(chain[i]))
		if err != nil {
			break
		}
		if at = a.Unmap(); !p.trusts(at) {
			break
		}
	}
	return at
}
