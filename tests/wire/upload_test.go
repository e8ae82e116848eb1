package wire_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
	// allowed is how much more resident memory a stream of any length may cost. The binary of `make test` has the race
	// detector in it; `make soak` measures without.
	allowed = 64 * mebibyte
)

// counting answers with the number and the digest of the bytes that it got.
func counting(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d %s %q", n, hex.EncodeToString(sum.Sum(nil)), r.TransferEncoding)
}

// big makes a file of a size that takes next to no room: a number at the start of each mebibyte, and holes. It
// returns the digest of the whole.
func big(t *testing.T, size int) (path, digest string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "big")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sum, part := sha256.New(), make([]byte, mebibyte)
	for at := 0; at < size; at += mebibyte {
		binary.BigEndian.PutUint64(part, uint64(at)+1)
		sum.Write(part)
		if _, err := file.WriteAt(part[:8], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	return path, hexOf(sum)
}

func hexOf(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }

// curl sends a file to a URL and gives the answer's body.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		rig.Need(t, "curl")
	}
	cmd := exec.CommandContext(t.Context(), "curl", append([]string{"--silent", "--show-error", "--fail-with-body", "--max-time", "120"}, args...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("curl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestUpload: a gibibyte by curl arrives whole, of a length told before, with and without Expect, and in chunks. The
// edge's memory stays as it was.
func TestUpload(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(counting))
	t.Cleanup(origin.Close)
	edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(origin.URL, ""))
	f := func(size int, framing string, args ...string) {
		t.Helper()
		path, digest := big(t, size)
		curl(t, "--data", "a small one first", edge.URL+"/api/upload")
		base, err := edge.Resident()
		if err != nil {
			t.Fatal(err)
		}
		most := edge.WatchMemory()
		began := time.Now()
		got := curl(t, append(args, "--upload-file", path, edge.URL+"/api/upload")...)
		if want := fmt.Sprintf("%d %s %s", size, digest, framing); got != want {
			t.Errorf("the origin got %q, want %q", got, want)
		}
		peak := most()
		t.Logf("%d MiB in %v, %d KiB more resident memory", size/mebibyte, time.Since(began).Round(time.Millisecond), (peak-base)>>10)
		if peak < base || peak-base > allowed {
			t.Errorf("resident memory went from %d to %d bytes", base, peak)
		}
	}
	f(gibibyte, "[]") // curl asks by Expect: 100-continue
	f(64*mebibyte, "[]", "--header", "Expect:")
	f(256*mebibyte, `["chunked"]`, "--header", "Transfer-Encoding: chunked")
}
