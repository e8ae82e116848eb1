// Package redis keeps sessions in Redis or what speaks its protocol, from version 6.2: a single server, one that
// Sentinel watches, or a Cluster.
package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Mode says what the addresses are.
type Mode uint8

const (
	// Auto finds out: several addresses are a Cluster, one is asked.
	Auto Mode = iota
	// Single is one server, whatever it says it is.
	Single
	// Cluster is some nodes of a Redis Cluster; the others are found.
	Cluster
	modes
)

// String returns the word used in the configuration.
func (m Mode) String() string {
	return [...]string{"auto", "single", "cluster", "unknown"}[min(m, modes)]
}

// ParseMode reads what String gives; "" is auto.
func ParseMode(word string) (Mode, error) {
	if word == "" {
		return Auto, nil
	}
	for m := range modes {
		if m.String() == word {
			return m, nil
		}
	}
	return 0, fmt.Errorf("mode %q: want auto, single or cluster", word)
}

// Options of a store. A zero field takes its default.
type Options struct {
	Addresses    []string // host:port; needed, but with Sentinel
	Mode         Mode
	Username     string
	Password     string
	PasswordFile string // instead of Password; read for each new connection, so that it may be changed
	DB           int    // 0 always with a Cluster
	TLS          TLS
	Sentinel     Sentinel
	// Prefix is what every key begins with. It holds the account where several share a server, as in "aisle:acme:", and no
	// braces, which would take the hash tag's place; "aisle:".
	Prefix      string
	DialTimeout time.Duration // 1 s
	ReadTimeout time.Duration // of one answer; 1 s
	// Patience is how long a call goes on when a server fails, is not reachable or is being replaced; 2 s. A
	// shorter deadline of its context counts.
	Patience time.Duration
	// WaitReplicas is how many replicas must have a write in memory before it is acknowledged; 0. With fewer within
	// WaitTimeout the call gives an error that wraps sessions.ErrUnavailable, and the write is there nevertheless.
	WaitReplicas int
	WaitTimeout  time.Duration // 500 ms
}

// TLS says how connections are secured. The zero value is: not at all.
type TLS struct {
	On         bool
	CAFile     string // PEM; the system's otherwise
	CertFile   string // PEM, with KeyFile: who we are
	KeyFile    string
	ServerName string // what the certificate must say; the host of the address otherwise
}

// Sentinel says where the master is asked for. The zero value is: nowhere.
type Sentinel struct {
	Master       string // its name
	Addresses    []string
	Username     string
	Password     string
	PasswordFile string // instead of Password; read once
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&o.DialTimeout, time.Second}, {&o.ReadTimeout, time.Second}, {&o.Patience, 2 * time.Second}, {&o.WaitTimeout, 500 * time.Millisecond}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.Prefix == "" {
		o.Prefix = "aisle:"
	}
	return o
}

// Validate gives every contradiction, joined. Files and servers are not looked at.
func (o Options) Validate() error { return o.withDefaults().check() }

// check gives every contradiction.
func (o Options) check() error {
	var faults []error
	add := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	sentinel := o.Sentinel.Master != ""
	add(!sentinel && len(o.Addresses) == 0, "addresses: none is given")
	add(sentinel && len(o.Sentinel.Addresses) == 0, "sentinel.addresses: none is given")
	add(!sentinel && len(o.Sentinel.Addresses) > 0, "sentinel.master: no name is given")
	add(sentinel && len(o.Addresses) > 0, "addresses: with sentinel they are asked for")
	add(sentinel && o.Mode == Cluster, "mode: cluster and sentinel exclude each other")
	add(o.Mode == Single && len(o.Addresses) > 1, "addresses: mode single takes one")
	add(o.Mode == Cluster && o.DB != 0, "db: a cluster has only 0")
	add(o.DB < 0, "db: %d", o.DB)
	add(strings.ContainsAny(o.Prefix, "{}"), "prefix %q: has braces", o.Prefix)
	add(o.Password != "" && o.PasswordFile != "", "password_file: there is a password beside it")
	add(o.Sentinel.Password != "" && o.Sentinel.PasswordFile != "", "sentinel.password_file: there is a password beside it")
	add((o.TLS.CertFile == "") != (o.TLS.KeyFile == ""), "tls: a certificate needs its key")
	add(o.WaitReplicas < 0, "wait_replicas: %d", o.WaitReplicas)
	add(min(o.DialTimeout, o.ReadTimeout, o.Patience, o.WaitTimeout) < 0, "a duration is negative")
	add(o.WaitReplicas > 0 && o.WaitTimeout >= o.Patience, "wait_timeout: %v leaves nothing of the %v that a call may take", o.WaitTimeout, o.Patience)
	return errors.Join(faults...)
}

// client gives what rueidis is told.
func (o Options) client() (rueidis.ClientOption, error) {
	c := rueidis.ClientOption{
		InitAddress:      o.Addresses,
		SelectDB:         o.DB,
		Dialer:           net.Dialer{Timeout: o.DialTimeout},
		ConnWriteTimeout: o.ReadTimeout,
		// Tracking is missing from some managed servers, and what an edge reads must be what was written last.
		DisableCache: true,
		// What may be tried again is decided here, for reads and writes alike.
		DisableRetry:      true,
		ForceSingleClient: o.Mode == Single,
		// The defaults are half a mebibyte, twice per connection, of which waiting for replicas takes many.
		ReadBufferEachConn: 64 << 10, WriteBufferEachConn: 64 << 10,
		BlockingPoolSize: 256, BlockingPoolCleanup: time.Minute,
		// A shopper's request is given up long before a loop of redirections ends by itself.
		ClusterOption: rueidis.ClusterOption{MaxMovedRedirections: 8, ShardsRefreshInterval: 30 * time.Second},
	}
	if o.Password != "" || o.PasswordFile != "" {
		c.AuthCredentialsFn = func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) {
			password, err := secret(o.Password, o.PasswordFile)
			return rueidis.AuthCredentials{Username: o.Username, Password: password}, err
		}
	}
	var err error
	if c.TLSConfig, err = o.TLS.config(); err != nil {
		return c, err
	}
	if s := o.Sentinel; s.Master != "" {
		c.InitAddress = s.Addresses
		c.Sentinel = rueidis.SentinelOption{
			MasterSet: s.Master, Username: s.Username, Dialer: c.Dialer, TLSConfig: c.TLSConfig,
			// A missed message would leave us with the old master for ever.
			TopologyRefreshInterval: 5 * time.Second,
		}
		c.Sentinel.Password, err = secret(s.Password, s.PasswordFile)
	}
	return c, err
}

// secret gives the password, or that in the file.
func secret(password, file string) (string, error) {
	if file == "" {
		return password, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (t TLS) config() (*tls.Config, error) {
	if !t.On {
		return nil, nil
	}
	c := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls: %s holds no certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}
