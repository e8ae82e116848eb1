package segment

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	minSecretBytes = 32
	maxKeyID       = 32
)

// SealKey is a named secret that seals are made with. No way of printing it shows the secret; Line alone gives it
// away. The zero value is no key and fails Options.Validate.
type SealKey struct {
	id string
	// secret is a function, nil in the zero key: fmt reads the unexported fields of whatever holds a key without
	// asking their methods, and with a bad verb it even follows pointers.
	secret func() []byte
}

func newKey(id string, secret []byte) SealKey {
	return SealKey{id: id, secret: func() []byte { return secret }}
}

// GenerateKey makes a key with a random id of 8 hex digits and a random secret of 32 bytes.
func GenerateKey() (SealKey, error) {
	var id [4]byte
	random := make([]byte, minSecretBytes)
	if _, err := rand.Read(id[:]); err != nil {
		return SealKey{}, fmt.Errorf("random key id: %w", err)
	}
	if _, err := rand.Read(random); err != nil {
		return SealKey{}, fmt.Errorf("random secret: %w", err)
	}
	return newKey(hex.EncodeToString(id[:]), random), nil
}

// ParseKeys reads a keys file: one key a line as "id base64secret", blank lines and lines that begin with # skipped.
// Ids are 1 to 32 of [A-Za-z0-9_-] and unique, secrets at least 32 bytes, in standard base64 with or without padding.
// The order is the file's. Every error is reported, joined, with its line number and without the secret; a file
// without a key is an error. The keys keep no reference to text.
func ParseKeys(text []byte) ([]SealKey, error) {
	var keys []SealKey
	err := EachKeyLine(text, func(line string) error {
		key, err := parseKey(line)
		if err != nil {
			return err
		}
		if hasKey(keys, key.id) {
			return fmt.Errorf("key id %q is there twice", key.id)
		}
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// EachKeyLine gives read each line of a keys file that is neither blank nor begins with #, without the space around it. It
// goes on after an error, and gives all of them, joined, with their line numbers; a file without a key is an error too.
func EachKeyLine(text []byte, read func(line string) error) error {
	var errs []error
	number, keys := 0, 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		keys++
		if err := read(string(line)); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
		}
	}
	if keys == 0 {
		return errors.New("no key in the file")
	}
	return errors.Join(errs...)
}

func parseKey(line string) (SealKey, error) {
	parts := strings.Fields(line)
	if len(parts) != 2 {
		// Neither part is quoted here: with a space missing or too many, any of them may be the secret.
		return SealKey{}, fmt.Errorf("%d words, want two: id and base64 secret", len(parts))
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return SealKey{}, errors.New("the secret is not base64")
	}
	key := newKey(parts[0], decoded)
	return key, key.check()
}

func hasKey(keys []SealKey, id string) bool {
	for _, k := range keys {
		if k.id == id {
			return true
		}
	}
	return false
}

func (k SealKey) check() error {
	if k.secret == nil {
		return errors.New("an empty key")
	}
	if !validKeyID(k.id) {
		return fmt.Errorf("key id %.40q is not 1 to %d of letters, digits, _ and -", k.id, maxKeyID)
	}
	if n := len(k.secret()); n < minSecretBytes {
		return fmt.Errorf("the secret of key %q has %d bytes, want at least %d", k.id, n, minSecretBytes)
	}
	return nil
}

func validKeyID(id string) bool {
	return len(id) <= maxKeyID && plainName(strings.ReplaceAll(id, "-", "_"))
}

// checkKeys returns an error for each key that is unfit and for each id that is there twice.
func checkKeys(keys []SealKey) []error {
	var errs []error
	for i, k := range keys {
		if err := k.check(); err != nil {
			errs = append(errs, fmt.Errorf("segment.keys_file: key %d: %w", i+1, err))
		} else if hasKey(keys[:i], k.id) {
			errs = append(errs, fmt.Errorf("segment.keys_file: key id %q is there twice", k.id))
		}
	}
	return errs
}

// ID returns the name of the key as it stands in seals; it is no secret.
func (k SealKey) ID() string { return k.id }

// Line returns the key as a line of a keys file, without a line break: it holds the secret. The zero key gives "".
func (k SealKey) Line() string {
	if k.secret == nil {
		return ""
	}
	return k.id + " " + base64.StdEncoding.EncodeToString(k.secret())
}

// Equal tells in constant time whether two keys have the same id and the same secret.
func (k SealKey) Equal(o SealKey) bool {
	if k.secret == nil || o.secret == nil {
		return k.secret == nil && o.secret == nil
	}
	return k.id == o.id && subtle.ConstantTimeCompare(k.secret(), o.secret()) == 1
}

// redacted stands for a secret wherever one would be printed.
const redacted = "<secret>"

// String returns "<secret>".
func (k SealKey) String() string { return redacted }

// GoString returns "<secret>".
func (k SealKey) GoString() string { return redacted }

// MarshalText returns "<secret>" and no error; JSON, YAML and slog print that.
func (k SealKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "<secret>" for every verb.
func (k SealKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }
