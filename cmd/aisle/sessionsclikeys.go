package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/sessions"
)

// rotateKeys puts a new key first in the keys file, and makes the file where it is absent. The old keys stay unless
// --keep says otherwise: the tokens that they signed are read until they end.
func rotateKeys(args []string, stdout, stderr io.Writer) int {
	flags := newFlags("sessions keys", stderr)
	file := flags.String("config", "config.yaml", "configuration `file`")
	keep := flags.Int("keep", -1, "how many of the old keys stay; below 0: all")
	if code, done := parseFlags(flags, args, 0); done {
		return code
	}
	_, c, err := load(*file)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	path := c.Sessions().TokenKeysFile
	keys, err := rotate(path, *keep)
	if err != nil {
		fmt.Fprintf(stderr, "aisle sessions keys: %v\n", err)
		return exitFailure
	}
	fmt.Fprintf(stdout, "%s: %d keys\n", path, len(keys))
	for i, k := range keys {
		use := "verifies"
		if i == 0 {
			use = "signs"
		}
		fmt.Fprintf(stdout, "  %s %s\n", k.ID(), use)
	}
	fmt.Fprintln(stdout, "A sidecar reads the file when it starts. Where several share the keys, start them all anew at once:")
	fmt.Fprintln(stdout, "one that does not know the new key begins new sessions for its tokens.")
	return exitOK
}

func rotate(path string, keep int) ([]sessions.TokenKey, error) {
	old, err := readTokenKeys(path)
	if err != nil {
		return nil, err
	}
	if keep >= 0 {
		old = old[:min(keep, len(old))]
	}
	key, err := sessions.GenerateTokenKey()
	if err != nil {
		return nil, err
	}
	keys := append([]sessions.TokenKey{key}, old...)
	return keys, replaceFile(path, sessions.FormatTokenKeys(keys))
}

func readTokenKeys(path string) ([]sessions.TokenKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keys, err := sessions.ParseTokenKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// replaceFile writes a file of secrets so that at any moment the old one or the new one is there, whole.
func replaceFile(path string, text []byte) error {
	return config.WriteSecrets(path, text, func(draft string) error {
		if was, err := os.Stat(path); err == nil {
			// root rotates what another user's sidecar has to read.
			owner := was.Sys().(*syscall.Stat_t)
			if err := os.Chown(draft, int(owner.Uid), int(owner.Gid)); err != nil {
				return err
			}
		}
		return os.Rename(draft, path)
	})
}
