package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
	"github.com/aislecache/aisle/tests/ports"
)

func write(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPassword: from the options and from a file, for a user too. A wrong one is said to be wrong, and not
// told.
func TestPassword(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--requirepass", "hidden1", "--user", "aisle", "on", ">hidden2", "~aisle:*", "+@all")
	file := write(t, t.TempDir()+"/password", []byte("hidden1\n"))
	for _, o := range []redis.Options{
		{Password: "hidden1"}, {PasswordFile: file}, {Username: "aisle", Password: "hidden2"},
	} {
		o.Addresses = []string{server.Addr}
		s := open(t, o)
		save(t, s, "a"+o.Username+o.Password, 1, "data")
	}
	for _, o := range []redis.Options{
		{}, {Password: "hidden3"}, {Username: "aisle", Password: "hidden1"}, {PasswordFile: "/nowhere"},
	} {
		o.Addresses = []string{server.Addr}
		s, err := redis.Open(o)
		if err == nil {
			_, err = s.Load(t.Context(), "a")
			_ = s.Close()
		}
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("with %q, %q: %v", o.Username, o.Password, err)
		}
		if o.PasswordFile == "" && errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("%v invites to try again", err)
		}
	}
	// A user that may not touch other keys.
	s := open(t, redis.Options{Addresses: []string{server.Addr}, Username: "aisle", Password: "hidden2", Prefix: "other:"})
	err := s.Save(t.Context(), "a", 1, []byte("data"), acceptance.Later())
	if err == nil || errors.Is(err, sessions.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("got %v", err)
	}
}

// TestLeastRights: the rights that the documentation asks for suffice for all that a store does, in a Cluster too.
func TestLeastRights(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/sessions-stores.md")
	if err != nil {
		t.Fatal(err)
	}
	rights := regexp.MustCompile("`(\\+get [^`]*)`").FindSubmatch(text)
	if rights == nil {
		t.Fatal("the documentation names no rights")
	}
	user := append([]string{"--user", "aisle", "on", ">hidden", "~aisle:*"}, strings.Fields(string(rights[1]))...)
	for name, mode := range map[string][]string{"single": nil, "cluster": {"--cluster-enabled", "yes"}} {
		server := redistest.Start(t, append(mode, user...)...)
		if mode != nil {
			if _, err := server.Command("CLUSTER", "ADDSLOTSRANGE", "0", "16383"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the node serves", func() bool {
				info, err := server.Command("CLUSTER", "INFO")
				return err == nil && strings.Contains(info, "cluster_state:ok")
			})
		}
		s := open(t, redis.Options{Addresses: []string{server.Addr}, Username: "aisle", Password: "hidden"})
		for method, err := range useAll(t, s) {
			if err != nil {
				t.Errorf("%s: %s: %v", name, method, err)
			}
		}
		waiting := open(t, redis.Options{
			Addresses: []string{server.Addr}, Username: "aisle", Password: "hidden", WaitReplicas: 1, WaitTimeout: 10 * time.Millisecond,
		})
		unavailable(t, waiting.Save(t.Context(), "waiting", 1, nil, acceptance.Later()), "replicas")
	}
}

// useAll uses every method once with effect, and gives their errors.
func useAll(t *testing.T, s *redis.Store) map[string]error {
	ctx, errs := t.Context(), map[string]error{}
	errs["Ping"] = s.Ping(ctx)
	errs["Save"] = s.Save(ctx, "a", 1, []byte("data"), acceptance.Later())
	errs["Touch"] = s.Touch(ctx, "a", acceptance.Later())
	_, errs["Load"] = s.Load(ctx, "a")
	errs["PutFacets"] = s.PutFacets(ctx, "ref", []byte("facets"), acceptance.Later())
	_, errs["GetFacets"] = s.GetFacets(ctx, "ref")
	errs["Scan"] = s.Scan(ctx, func(sessions.Stored) error { return nil })
	_, errs["Len"] = s.Len(ctx)
	_, errs["Import"] = s.Import(ctx, sessions.Stored{ID: "b", Version: 7, Expires: acceptance.Later()})
	_, errs["Retract"] = s.Retract(ctx, "b", 7)
	errs["Bury"] = s.Bury(ctx, "b", acceptance.Later())
	errs["Delete"] = s.Delete(ctx, "a")
	return errs
}

// TestTLS: with a certificate on both sides.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := certificate(t)
	certFile, keyFile := write(t, dir+"/cert.pem", cert), write(t, dir+"/key.pem", key)
	port := strconv.Itoa(ports.Free(t))
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile)
	o := redis.Options{
		Addresses: []string{"127.0.0.1:" + port},
		TLS:       redis.TLS{On: true, CAFile: certFile, CertFile: certFile, KeyFile: keyFile, ServerName: "redis.example"},
	}
	save(t, open(t, o), "a", 1, "data")

	f := func(name string, change func(*redis.TLS)) {
		t.Helper()
		o := o
		change(&o.TLS)
		s, err := redis.Open(o)
		if err == nil {
			_, err = s.Load(t.Context(), "a")
			_ = s.Close()
		}
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	f("no TLS", func(c *redis.TLS) { *c = redis.TLS{} })
	f("another name", func(c *redis.TLS) { c.ServerName = "other.example" })
	f("the system's authorities", func(c *redis.TLS) { c.CAFile = "" })
	f("no certificate of our own", func(c *redis.TLS) { c.CertFile, c.KeyFile = "", "" })
}

// certificate makes one that signs itself, for server and client.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, DNSNames: []string{"redis.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}
