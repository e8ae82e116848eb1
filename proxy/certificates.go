package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
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

// watchStep is how often the files are looked at, at most.
const watchStep = 2 * time.Second

// Certificates are the certificates of a TLS listener, read anew when their files
// change. The files are looked at by handshakes: a certificate matters to nobody else,
// and there is no goroutine to end. It may be used by several goroutines at once.
type Certificates struct {
	config  *tls.Config
	files   []CertificateFiles
	logger  *slog.Logger
	current atomic.Pointer[loaded]
	next    atomic.Int64 // when to look again, Unix nanoseconds

	mu     sync.Mutex
	failed []fileStamp // of files that were refused already, so that it is said once
}

type loaded struct {
	certificates []tls.Certificate
	stamps       []fileStamp
}

// fileStamp tells a file from what it was.
type fileStamp struct {
	size     int64
	modified time.Time
}

// NewCertificates reads the files. Its error names the one at fault.
func NewCertificates(o TLSOptions, logger *slog.Logger) (*Certificates, error) {
	if len(o.Files) == 0 {
		return nil, errors.New("no certificate")
	}
	c := &Certificates{files: slices.Clone(o.Files), logger: logger}
	first, err := c.load()
	if err != nil {
		return nil, err
	}
	c.current.Store(first)
	c.config = &tls.Config{
		MinVersion:     max(o.MinVersion, tls.VersionTLS12),
		NextProtos:     []string{"http/1.1"},
		GetCertificate: c.choose,
	}
	return c, nil
}

// load reads every file. The stamps are taken before: a file that is written
// meanwhile is read again.
func (c *Certificates) load() (*loaded, error) {
	l := &loaded{}
	var err error
	if l.stamps, err = c.stamps(); err != nil {
		return nil, err
	}
	for _, f := range c.files {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", f.Cert, f.Key, err)
		}
		l.certificates = append(l.certificates, pair)
	}
	return l, nil
}

func (c *Certificates) stamps() ([]fileStamp, error) {
	var all []fileStamp
	for _, f := range c.files {
		for _, path := range []string{f.Cert, f.Key} {
			info, err := os.Stat(path)
			if err != nil {
				return nil, err
			}
			all = append(all, fileStamp{info.Size(), info.ModTime()})
		}
	}
	return all, nil
}

// choose is the hook of crypto/tls.
func (c *Certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := time.Now().UnixNano()
	if due := c.next.Load(); now >= due && c.next.CompareAndSwap(due, now+int64(watchStep)) {
		_ = c.Reload() // logged; the old ones are in use
	}
	all := c.current.Load().certificates
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
	stamps, err := c.stamps()
	if err == nil && slices.Equal(stamps, c.current.Load().stamps) {
		return nil
	}
	var next *loaded
	if err == nil {
		next, err = c.load()
	}
	if err != nil {
		if c.failed == nil || !slices.Equal(c.failed, stamps) {
			c.logger.Error("certificates not reloaded", slog.Any("error", err))
		}
		c.failed = append([]fileStamp{}, stamps...)
		return err
	}
	c.failed = nil
	c.current.Store(next)
	c.logger.Info("certificates reloaded", slog.Time("expires", next.certificates[0].Leaf.NotAfter))
	return nil
}
