package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aislecache/aisle/config/filewatch"
)

// CertificateFiles are the PEM files of a chain, the leaf first, and of its key.
type CertificateFiles struct{ Cert, Key string }

// TLSOptions is what a TLS listener is made of.
type TLSOptions struct {
	// Files are the certificates, at least one. That is taken which fits the name that
	// the client asks for and what it can verify; the first one where none does.
	Files []CertificateFiles
	// MinVersion is tls.VersionTLS12 or tls.VersionTLS13; 0: the first of them.
	MinVersion uint16
}

// Certificates are the certificates of a TLS listener, read anew when their files
// change. The files are looked at by handshakes: a certificate matters to nobody else,
// and there is no goroutine to end. It may be used by several goroutines at once.
type Certificates struct {
	config  *tls.Config
	files   []CertificateFiles
	logger  *slog.Logger
	current atomic.Pointer[[]tls.Certificate]

	mu   sync.Mutex // for looking
	seen filewatch.Files
}

// NewCertificates reads the files. Its error names the one at fault.
func NewCertificates(o TLSOptions, logger *slog.Logger) (*Certificates, error) {
	if len(o.Files) == 0 {
		return nil, errors.New("no certificate")
	}
	c := &Certificates{files: slices.Clone(o.Files), logger: logger}
	for _, f := range o.Files {
		c.seen.Paths = append(c.seen.Paths, f.Cert, f.Key)
	}
	if _, err := c.look(); err != nil {
		return nil, err
	}
	c.config = &tls.Config{
		MinVersion:     max(o.MinVersion, tls.VersionTLS12),
		NextProtos:     []string{"http/1.1"},
		GetCertificate: c.choose,
	}
	return c, nil
}

// look reads every file where one of them has changed.
func (c *Certificates) look() (news bool, err error) {
	var next []tls.Certificate
	news, err = c.seen.Look(func() (err error) {
		next, err = c.load()
		return err
	})
	if news && err == nil {
		c.current.Store(&next)
	}
	return news, err
}

func (c *Certificates) load() ([]tls.Certificate, error) {
	var all []tls.Certificate
	for _, f := range c.files {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", f.Cert, f.Key, err)
		}
		all = append(all, pair)
	}
	return all, nil
}

// choose is the hook of crypto/tls.
func (c *Certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.seen.Due() {
		_ = c.Reload() // logged; the old ones are in use
	}
	all := *c.current.Load()
	for i := range all {
		if hello.SupportsCertificate(&all[i]) == nil {
			return &all[i], nil
		}
	}
	return &all[0], nil
}

// Reload reads the files anew where one of them has changed. After an error, which names
// the file, the certificates are those of before.
func (c *Certificates) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	news, err := c.look()
	switch {
	case !news:
		return err
	case err != nil:
		c.logger.Error("certificates not reloaded", slog.Any("error", err))
		return err
	}
	c.logger.Info("certificates reloaded", slog.Time("expires", (*c.current.Load())[0].Leaf.NotAfter))
	return nil
}
