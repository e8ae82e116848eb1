package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aislecache/aisle/segment"
)

const keysFileHead = "# Seal keys of aisle: `id secret` a line. The first one seals, all open.\n" +
	"# To rotate, put a new line on top and drop the old one when its seals have expired.\n"

// SealKeys reads the keys of the seal from KeysFile. A file that the configuration does
// not name is made where it is absent, readable by its owner alone, and kept: with a
// new key at each start, every seal out there would be void. The error names the key path and the
// file, and never a secret.
func (c *Config) SealKeys() ([]segment.SealKey, error) {
	path, named := c.KeysFile()
	var absent func() ([]byte, error)
	if !named {
		absent = newSealKeys
	}
	return readKeys("segment.keys_file", path, absent, segment.ParseKeys)
}

// readKeys reads a file of secrets. absent gives the text of the file that is made where there is none; nil: that is an error.
func readKeys[K any](key, path string, absent func() ([]byte, error), parse func([]byte) ([]K, error)) ([]K, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && absent != nil {
		if err = makeKeysFile(path, absent); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	keys, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", key, path, err)
	}
	return keys, nil
}

func newSealKeys() ([]byte, error) {
	key, err := segment.GenerateKey()
	return []byte(keysFileHead + key.Line() + "\n"), err
}

// makeKeysFile writes a file with a new key. The file appears whole or not at all, and
// never over another one: two edges that start at once must end up with the same key.
func makeKeysFile(path string, newKeys func() ([]byte, error)) error {
	text, err := newKeys()
	if err != nil {
		return err
	}
	return WriteSecrets(path, text, func(draft string) error {
		if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// WriteSecrets writes text to a draft beside path, readable by its owner alone and synced, and lets place bring the draft
// there: no moment shows half a file. The directory is made where it is absent.
func WriteSecrets(path string, text []byte, place func(draft string) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, ".keys-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }() // once placed, there is nothing under this name, or its other name stays
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return place(draft.Name())
}
