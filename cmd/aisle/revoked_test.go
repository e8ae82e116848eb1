package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
	"github.com/aislecache/aisle/segment"
)

// TestRevokedIsFollowed: what is void by the file is void here soon after; a file that is bad or away gives nothing back, and a
// fault is told once.
func TestRevokedIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.keys.revoked")
	synctest.Test(t, func(t *testing.T) {
		r := &revokedFile{Revocations: &segment.Revocations{}, path: path}
		var told bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		go r.follow(ctx, slog.New(slog.NewTextHandler(&told, nil)))
		one, two := segment.DigestOf([]byte("one")), segment.DigestOf([]byte("two"))
		text := func(d segment.Digest) string {
			text, _ := json.Marshal(map[string]any{"tokens": map[segment.Digest]int64{d: 4102444800}})
			return string(text)
		}
		f := func(faults int, tokens ...segment.Digest) {
			t.Helper()
			time.Sleep(3 * followStep) // more than one look
			synctest.Wait()
			have, err := r.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(have), "4102444800"); n != len(tokens) {
				t.Errorf("%s, want %d", have, len(tokens))
			}
			for _, d := range tokens {
				if key, _ := d.MarshalText(); !strings.Contains(string(have), string(key)) {
					t.Errorf("%s lacks %s", have, key)
				}
			}
			if n := strings.Count(told.String(), "\n"); n != faults {
				t.Errorf("%d lines, want %d: %s", n, faults, &told)
			}
		}
		replace := func(text string) {
			t.Helper()
			if err := replaceFile(path, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		f(0)
		replace(text(one))
		f(0, one)
		filewatchtest.Alike(t, path, text(two))
		f(0, one, two)
		replace("{")
		f(1, one, two)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		f(1, one, two)
		replace("{}")
		f(1, one, two)
		cancel()
	})
}
