package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/segment"
)

func TestAnUnnamedKeysFileIsMadeOnceAndKept(t *testing.T) {
	t.Chdir(t.TempDir())
	first, err := parse(t, minimal).SealKeys()
	if err != nil || len(first) != 1 {
		t.Fatalf("got %v, %v, want one key", first, err)
	}
	info, err := os.Stat("data/seal.keys")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file of mode 0600", info, err)
	}
	second, err := parse(t, minimal).SealKeys()
	if err != nil || len(second) != 1 || !second[0].Equal(first[0]) {
		t.Errorf("the second start: %v, %v, want the key of the first", second, err)
	}
	if left, _ := filepath.Glob("data/.seal-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Whoever loses the race must not seal with a key that the winner does not know.
func TestEdgesThatStartAtOnceGetTheSameKey(t *testing.T) {
	t.Chdir(t.TempDir())
	keys := make([]segment.SealKey, 8)
	var all sync.WaitGroup
	for i := range keys {
		c := parse(t, minimal)
		all.Go(func() {
			got, err := c.SealKeys()
			if err != nil || len(got) != 1 {
				t.Errorf("got %v, %v", got, err)
				return
			}
			keys[i] = got[0]
		})
	}
	all.Wait()
	for i, k := range keys {
		if !k.Equal(keys[0]) {
			t.Errorf("key %d is another one", i)
		}
	}
}

func TestANamedKeysFileIsNeverMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.keys")
	_, err := parse(t, minimal+"segment: {keys_file: "+path+"}").SealKeys()
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "segment.keys_file: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want one that names key path and file", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestAKeysFileWithFaultsIsRefusedWithoutItsSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.keys")
	key, err := segment.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Fields(key.Line())[1]
	if err := os.WriteFile(path, []byte(key.Line()+" surplus\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = parse(t, minimal+"segment: {keys_file: "+path+"}").SealKeys()
	if err == nil || !strings.Contains(err.Error(), path+": line 1") || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v, want one that names file and line, and no secret", err)
	}
}

func TestKeysComeInTheOrderOfTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.keys")
	var text string
	var want []string
	for range 3 {
		key, err := segment.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		text += key.Line() + "\n"
		want = append(want, key.ID())
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var c *config.Config = parse(t, minimal+"segment: {keys_file: "+path+"}")
	got, err := c.SealKeys()
	if err != nil || len(got) != 3 {
		t.Fatalf("got %v, %v", got, err)
	}
	for i, k := range got {
		if k.ID() != want[i] {
			t.Errorf("key %d is %s, want %s", i, k.ID(), want[i])
		}
	}
}
