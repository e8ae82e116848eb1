package sessions

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/aislecache/aisle/segment"
)

// BackendHeader carries the credential of a backend, as "<id>:<secret>": of a program that may write
// outside of the public namespace, and erase. It is no field that browsers or the edge have a use for.
const BackendHeader = "X-Aisle-Backend-Key"

const (
	minBackendSecret = 16
	maxBackendID     = 32
)

// BackendKey is a credential of a backend. No way of printing it shows the secret. The zero value is no key and
// opens nothing.
type BackendKey struct {
	id string
	// digest, and not the secret: comparing needs no more, and a dump of memory then holds no credential.
	digest *[sha256.Size]byte
}

// ID names the key in logs; it is no secret.
func (k BackendKey) ID() string { return k.id }

// Format prints the id for every verb.
func (k BackendKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("backend key " + k.id)) }

// ParseBackendKeys reads a keys file: a line `id secret` for each, blank lines and lines that begin with # skipped.
// Ids are unique and have 1 to 32 bytes without a colon, secrets at least 16 bytes. Every fault is
// reported, joined, by its line and without the secret; a file without a key is an error.
func ParseBackendKeys(text []byte) ([]BackendKey, error) {
	var keys []BackendKey
	err := segment.EachKeyLine(text, func(line string) error {
		key, err := parseBackendKey(line, keys)
		if err == nil {
			keys = append(keys, key)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func parseBackendKey(line string, before []BackendKey) (BackendKey, error) {
	parts := strings.Fields(line)
	if len(parts) != 2 {
		return BackendKey{}, fmt.Errorf("%d words, want two: id and secret", len(parts))
	}
	id, secret := parts[0], parts[1]
	if len(id) > maxBackendID || strings.Contains(id, ":") {
		return BackendKey{}, fmt.Errorf("the id must have 1 to %d bytes and no colon", maxBackendID)
	}
	if len(secret) < minBackendSecret {
		return BackendKey{}, fmt.Errorf("the secret of key %q has %d bytes, want at least %d", id, len(secret), minBackendSecret)
	}
	for _, k := range before {
		if k.id == id {
			return BackendKey{}, fmt.Errorf("key id %q is there twice", id)
		}
	}
	digest := sha256.Sum256([]byte(secret))
	return BackendKey{id, &digest}, nil
}

// backendOf says whether a request proves to be a backend's. A credential that is wrong is refused, and not passed
// over: its program would take a write that did nothing for one that did.
func backendOf(header http.Header, keys []BackendKey) (bool, error) {
	lines := header.Values(BackendHeader)
	if len(lines) == 0 {
		return false, nil
	}
	id, secret, _ := strings.Cut(lines[0], ":")
	digest := sha256.Sum256([]byte(secret))
	found := 0
	for _, k := range keys {
		if k.digest != nil && k.id == id {
			found |= subtle.ConstantTimeCompare(k.digest[:], digest[:])
		}
	}
	if found == 1 && len(lines) == 1 {
		return true, nil
	}
	return false, &Fault{Status: http.StatusUnauthorized, Type: "Unauthorized", Message: "the backend credential is not valid"}
}
