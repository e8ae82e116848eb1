package config

import (
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/bolt"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/transform/native"
)

type sessionsSection struct {
	mode          string
	bolt          string // path; used where redis is nil
	boltSync      string
	redis         *redisSection
	fromBolt      string        // path; empty: nothing is moved from a file
	fromRedis     *redisSection // nil: nothing is moved from Redis
	listen        string
	remote        string
	backendKeys   string // path; empty: no backend
	tokenKeys     string // path
	ttl           Duration
	secure        bool
	sameSite      string
	sliding       bool
	cookiePath    string
	cors          []string
	denied        []string
	createsPerMin int
	transforms    transformsSection
}

type redisSection struct {
	addresses                     []string
	mode                          string
	username, passwordFile        string
	db                            int
	tls                           bool
	tlsCA                         string
	master                        string
	sentinels                     []string
	sentinelUser, sentinelPwdFile string
	prefix                        string
	waitReplicas                  int
}

func sessionsDefaults() sessionsSection {
	return sessionsSection{
		mode: "off", bolt: "./data/sessions.db", boltSync: "always", listen: ":8082", tokenKeys: "./data/session.keys", ttl: Duration(120 * time.Hour),
		secure: true, sameSite: "none", cookiePath: "/", denied: sessions.DeniedQuery(), createsPerMin: 6000,
	}
}

func sessionsKeys(s *sessionsSection) []field {
	return []field{
		key("mode", &s.mode, oneOf("off", "embedded", "remote")),
		section("store",
			key("bolt", &s.bolt, unset(text("path", nonEmpty))),
			key("sync", &s.boltSync, unset(oneOf("always", "interval"))),
			key("redis", &s.redis, redisShape()),
			section("moving_from",
				key("bolt", &s.fromBolt, unset(text("path", nonEmpty))),
				key("redis", &s.fromRedis, redisShape()))),
		key("listen", &s.listen, text("address", listenAddress)),
		section("remote", key("url", &s.remote, unset(text("URL", serverURL)))),
		key("backend_keys_file", &s.backendKeys, unset(text("path", nonEmpty))),
		key("token_keys_file", &s.tokenKeys, text("path", nonEmpty)),
		key("ttl", &s.ttl, duration()),
		section("cookies",
			key("secure", &s.secure, truth()),
			key("same_site", &s.sameSite, oneOf("none", "lax", "strict")),
			key("sliding", &s.sliding, truth()),
			key("path", &s.cookiePath, text("path", nonEmpty))),
		key("cors", &s.cors, listOf(text("origin", nonEmpty))),
		key("denied", &s.denied, listOf(text("text", nonEmpty))),
		key("creates_per_minute", &s.createsPerMin, integer(0, 1<<20)),
		section("transforms", transformKeys(&s.transforms)...),
	}
}

func redisShape() shape[*redisSection] {
	return optional(object(func() redisSection { return redisSection{mode: "auto"} }, redisKeys))
}

func redisKeys(r *redisSection) []field {
	return []field{
		key("addresses", &r.addresses, listOf(serverAddress())),
		key("mode", &r.mode, oneOf("auto", "single", "cluster")),
		key("username", &r.username, unset(text("text", nil))),
		key("password_file", &r.passwordFile, unset(text("path", nonEmpty))),
		key("db", &r.db, unset(integer(0, 1<<16))),
		section("tls",
			key("on", &r.tls, unset(truth())),
			key("ca_file", &r.tlsCA, unset(text("path", nonEmpty)))),
		section("sentinel",
			key("master", &r.master, unset(text("text", nonEmpty))),
			key("addresses", &r.sentinels, listOf(serverAddress())),
			key("username", &r.sentinelUser, unset(text("text", nil))),
			key("password_file", &r.sentinelPwdFile, unset(text("path", nonEmpty)))),
		key("prefix", &r.prefix, unset(text("text", nonEmpty))),
		key("wait_replicas", &r.waitReplicas, unset(integer(0, 100))),
	}
}

// Sessions is what the sessions system is made of, but for what is in files that only a running one reads.
type Sessions struct {
	Mode string // off, embedded or remote
	SessionsStore
	MovingFrom      *SessionsStore // nil: nothing is moved
	Listen          string         // of `aisle sessions`
	Remote          string         // URL or unix:/path
	BackendKeysFile string         // empty: no backend
	TokenKeysFile   string
	TTL             time.Duration
	Sliding         bool
	Cookies         sessions.CookieOptions
	Origins         []string
	Denied          []string
	CreateRate      float64 // a second; below 0: no bound
	Trusted         []netip.Prefix
	Transforms      native.Options
}

// SessionsStore is where sessions live.
type SessionsStore struct {
	Bolt  bolt.Options
	Redis *redis.Options // nil: Bolt
}

// Sessions returns what the sessions system is made of.
func (c *Config) Sessions() Sessions {
	s := &c.f.sessions
	o := Sessions{
		Mode: s.mode, Listen: s.listen, Remote: s.remote, BackendKeysFile: s.backendKeys, TokenKeysFile: s.tokenKeys,
		TTL: time.Duration(s.ttl), Sliding: s.sliding, Origins: slices.Clone(s.cors), Denied: slices.Clone(s.denied), CreateRate: float64(s.createsPerMin) / 60,
		Cookies: sessions.CookieOptions{Path: s.cookiePath, Insecure: !s.secure, SameSite: sameSiteOf(s.sameSite)},
		Trusted: slices.Clone(c.f.trusted), SessionsStore: SessionsStore{Bolt: bolt.Options{Path: s.bolt}},
	}
	if s.boltSync == "interval" {
		o.Bolt.Sync = bolt.SyncInterval
	}
	if s.createsPerMin == 0 {
		o.CreateRate = -1
	}
	o.Transforms = s.transformOptions(c.f.account, channelsOf(&c.f.segment))
	o.Transforms.Dir = c.dir
	if s.redis != nil {
		o.Redis = s.redis.option(c.f.account)
	}
	switch {
	case s.fromRedis != nil:
		o.MovingFrom = &SessionsStore{Redis: s.fromRedis.option(c.f.account)}
	case s.fromBolt != "":
		o.MovingFrom = &SessionsStore{Bolt: bolt.Options{Path: s.fromBolt}}
	}
	return o
}

func sameSiteOf(word string) http.SameSite {
	switch word {
	case "lax":
		return http.SameSiteLaxMode
	case "strict":
		return http.SameSiteStrictMode
	}
	return http.SameSiteNoneMode
}

func (r *redisSection) option(account string) *redis.Options {
	mode, _ := redis.ParseMode(r.mode) // checked when it was read
	o := &redis.Options{
		Addresses: slices.Clone(r.addresses), Mode: mode, Username: r.username, PasswordFile: r.passwordFile, DB: r.db,
		TLS:      redis.TLS{On: r.tls, CAFile: r.tlsCA},
		Sentinel: redis.Sentinel{Master: r.master, Addresses: slices.Clone(r.sentinels), Username: r.sentinelUser, PasswordFile: r.sentinelPwdFile},
		Prefix:   r.prefix, WaitReplicas: r.waitReplicas,
	}
	if o.Prefix == "" {
		o.Prefix = "aisle:" + account + ":"
	}
	return o
}

// completeSessions: with Redis there is no file, unless the file says so, which is refused.
func completeSessions(d *decoder, s *sessionsSection) {
	if s.redis == nil {
		return
	}
	if !d.has("sessions.store.bolt") {
		s.bolt = ""
	}
	if !d.has("sessions.store.sync") {
		s.boltSync = ""
	}
}

// checkSessions finds the contradictions within the section.
func checkSessions(d *decoder, f *file) {
	s := &f.sessions
	if s.mode == "remote" && s.remote == "" {
		d.failAt("sessions.remote.url", "is missing: where does the sidecar listen?")
	}
	if s.ttl < Duration(time.Minute) {
		d.failAt("sessions.ttl", "%s is less than a minute", s.ttl)
	}
	if s.redis != nil && s.bolt+s.boltSync != "" {
		d.failAt("sessions.store", "names two stores")
	}
	if s.fromBolt != "" && s.fromRedis != nil {
		d.failAt("sessions.store.moving_from", "names two stores")
	}
	if s.fromBolt != "" && s.fromBolt == s.bolt {
		d.failAt("sessions.store.moving_from.bolt", "is the store that sessions move to")
	}
	if s.mode != "off" && f.segment.cookie != sessions.SegmentCookie {
		d.failAt("segment.cookie", "is %s with a sidecar of ours", sessions.SegmentCookie)
	}
	checkTransforms(d, f)
	for _, e := range f.upstreams {
		if s.mode != "off" && (e.name == proxy.SidecarUpstream || e.name == proxy.SuccessorUpstream) {
			d.failAt(under("upstreams", e.name), "is the name of the sidecar")
		}
	}
}

// TokenKeys reads the keys that session tokens are signed with. The file is made where it is absent, as that of SealKeys is, for
// the tokens that are out have to be read after a restart. Several sidecars share one file.
func (c *Config) TokenKeys() ([]sessions.TokenKey, error) {
	path := c.f.sessions.tokenKeys
	var absent func() ([]byte, error)
	if path == sessionsDefaults().tokenKeys {
		absent = newTokenKeys
	}
	return readKeys("sessions.token_keys_file", path, absent, sessions.ParseTokenKeys)
}

func newTokenKeys() ([]byte, error) {
	key, err := sessions.GenerateTokenKey()
	if err != nil {
		return nil, err
	}
	return sessions.FormatTokenKeys([]sessions.TokenKey{key}), nil
}

// BackendKeys reads the credentials of backends; none where no file is named.
func (c *Config) BackendKeys() ([]sessions.BackendKey, error) {
	path := c.f.sessions.backendKeys
	if path == "" {
		return nil, nil
	}
	return readKeys("sessions.backend_keys_file", path, nil, sessions.ParseBackendKeys)
}
