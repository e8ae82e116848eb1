package proxy_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
	"github.com/aislecache/aisle/proxy"
)

// authority is a CA that only the tests know.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// issued is a certificate in files.
type issued struct {
	by    *authority
	files proxy.CertificateFiles
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), // synctest begins in 2000
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	own := template("the tests")
	own.IsCA, own.KeyUsage = true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, own, own, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue makes a certificate for a name, in files of its own.
func (a *authority) issue(t testing.TB, name string) *issued {
	t.Helper()
	dir := t.TempDir()
	p := &issued{by: a, files: proxy.CertificateFiles{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}}
	p.renew(t, name)
	return p
}

// renew writes another certificate and key into the files.
func (p *issued) renew(t testing.TB, name string) {
	t.Helper()
	leaf, key := template(name), newKey(t)
	leaf.DNSNames, leaf.ExtKeyUsage = []string{name}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, leaf, p.by.cert, key.Public(), p.by.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, p.files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	p.write(t, p.files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// write gives the file a time of its own: a test is faster than some clocks of files.
func (p *issued) write(t testing.TB, path string, text []byte) {
	t.Helper()
	was, err := os.Stat(path)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err == nil {
		later := was.ModTime().Add(time.Second)
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *issued) serve(t testing.TB, minVersion uint16) *proxy.Certificates {
	t.Helper()
	c, err := proxy.NewCertificates(proxy.TLSOptions{Files: []proxy.CertificateFiles{p.files}, MinVersion: minVersion}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// client is the configuration of a client that trusts the authority and asks for a name.
func (p *issued) client(name string) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(p.by.cert)
	return &tls.Config{RootCAs: roots, ServerName: name}
}

// handshake gives the name of the certificate that a client is shown.
func handshake(c *proxy.Certificates, config *tls.Config) (string, error) {
	theirs, ours := net.Pipe()
	defer theirs.Close()
	done := make(chan error, 1)
	go func() {
		defer ours.Close()
		done <- tls.Server(ours, c.Config()).Handshake()
	}()
	client := tls.Client(theirs, config)
	if err := client.Handshake(); err != nil {
		theirs.Close()
		<-done
		return "", err
	}
	go func() { _, _ = io.Copy(io.Discard, theirs) }() // tickets
	return client.ConnectionState().PeerCertificates[0].Subject.CommonName, <-done
}

// That certificate is shown which fits the name, the first where none does.
func TestCertificateByName(t *testing.T) {
	ca := newAuthority(t)
	a, b := ca.issue(t, "a.example"), ca.issue(t, "*.b.example")
	c, err := proxy.NewCertificates(proxy.TLSOptions{Files: []proxy.CertificateFiles{a.files, b.files}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := func(asked, want string) {
		t.Helper()
		config := a.client(asked)
		config.InsecureSkipVerify = true // so that a wrong one is seen
		if got, err := handshake(c, config); got != want || err != nil {
			t.Errorf("%q: %q %v, want %q", asked, got, err, want)
		}
	}
	f("a.example", "a.example")
	f("www.b.example", "*.b.example")
	f("other.example", "a.example")
	f("", "a.example")
	if _, err := handshake(c, a.client("www.b.example")); err != nil {
		t.Error(err)
	}
}

func TestLeastVersionOfTLS(t *testing.T) {
	p := newAuthority(t).issue(t, "a.example")
	f := func(least, most uint16, ok bool) {
		t.Helper()
		config := p.client("a.example")
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, most
		if _, err := handshake(p.serve(t, least), config); (err == nil) != ok {
			t.Errorf("%s asks %s: %v", tls.VersionName(most), tls.VersionName(least), err)
		}
	}
	f(0, tls.VersionTLS11, false)
	f(0, tls.VersionTLS12, true)
	f(tls.VersionTLS13, tls.VersionTLS12, false)
	f(tls.VersionTLS13, tls.VersionTLS13, true)
}

func TestNewCertificatesNamesTheFile(t *testing.T) {
	ca := newAuthority(t)
	a, b := ca.issue(t, "a.example"), ca.issue(t, "b.example")
	f := func(want string, files ...proxy.CertificateFiles) {
		t.Helper()
		if _, err := proxy.NewCertificates(proxy.TLSOptions{Files: files}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	f("no certificate")
	f(a.files.Cert+".old", proxy.CertificateFiles{Cert: a.files.Cert + ".old", Key: a.files.Key})
	f(b.files.Key, a.files, proxy.CertificateFiles{Cert: a.files.Cert, Key: b.files.Key}) // of another certificate
	f(a.files.Key, proxy.CertificateFiles{Cert: a.files.Key, Key: a.files.Key})
}

// Files that change are used within the step by which they are looked at; faulty ones
// change nothing, and are named in the log once.
func TestCertificatesReload(t *testing.T) {
	p := newAuthority(t).issue(t, "first.example")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, err := proxy.NewCertificates(proxy.TLSOptions{Files: []proxy.CertificateFiles{p.files}}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		f := func(want string, logged int) {
			t.Helper()
			for range 2 {
				time.Sleep(proxy.WatchStep)
				if got, err := handshake(c, p.client(want)); got != want || err != nil {
					t.Errorf("%q %v, want %q", got, err, want)
				}
			}
			if n := strings.Count(log.String(), "\n"); n != logged {
				t.Errorf("%d lines in the log, want %d: %s", n, logged, &log)
			}
		}
		f("first.example", 0)
		p.renew(t, "second.example")
		f("second.example", 1)
		p.write(t, p.files.Cert, []byte("nothing"))
		f("second.example", 2)
		if err := c.Reload(); err == nil || !strings.Contains(err.Error(), p.files.Cert) {
			t.Errorf("%v", err)
		}
		p.renew(t, "third.example")
		f("third.example", 3)
		if err := os.Remove(p.files.Key); err != nil {
			t.Fatal(err)
		}
		f("third.example", 4)
		if err := c.Reload(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
		p.renew(t, "fourth.example")
		if err := c.Reload(); err != nil {
			t.Error(err)
		}
		f("fourth.example", 5)
	})
}

// A certificate is replaced by another one, in files that look like those of before.
func TestCertificatesOfEqualSizeAndTime(t *testing.T) {
	ca := newAuthority(t)
	p, next := ca.issue(t, "first.example"), ca.issue(t, "second.example")
	padded := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text) + strings.Repeat("\n", 2048-len(text))
	}
	p.write(t, p.files.Cert, []byte(padded(p.files.Cert)))
	p.write(t, p.files.Key, []byte(padded(p.files.Key)))
	c := p.serve(t, 0)
	filewatchtest.Alike(t, p.files.Cert, padded(next.files.Cert))
	filewatchtest.Alike(t, p.files.Key, padded(next.files.Key))
	if err := c.Reload(); err != nil {
		t.Error(err)
	}
	config := p.client("second.example")
	config.InsecureSkipVerify = true // so that a wrong one is seen
	if got, err := handshake(c, config); got != "second.example" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

// Between two looks no file is asked for: handshakes are many.
func TestCertificatesAreLookedAtInSteps(t *testing.T) {
	p := newAuthority(t).issue(t, "first.example")
	synctest.Test(t, func(t *testing.T) {
		c := p.serve(t, 0)
		if _, err := handshake(c, p.client("first.example")); err != nil {
			t.Fatal(err)
		}
		p.renew(t, "second.example")
		time.Sleep(proxy.WatchStep - time.Second)
		if got, err := handshake(c, p.client("first.example")); got != "first.example" || err != nil {
			t.Errorf("%q %v", got, err)
		}
	})
}
