package soak_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// pattern reads size bytes that depend on a seed, and cannot be told from each other's parts.
type pattern struct {
	source *rand.ChaCha8
	left   int64
	pace   time.Duration // before each part
}

const part = 64 << 10

func newPattern(seed byte, size int64, pace time.Duration) *pattern {
	return &pattern{source: rand.NewChaCha8([32]byte{seed}), left: size, pace: pace}
}

// Read implements io.Reader.
func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if p.pace > 0 {
		time.Sleep(p.pace) // the speed of a client is what the test is about
	}
	n := int(min(int64(len(b)), part, p.left))
	p.left -= int64(n)
	return p.source.Read(b[:n])
}

func digest(r io.Reader, pace time.Duration) (string, error) {
	sum, b := sha256.New(), make([]byte, part)
	for {
		n, err := io.ReadFull(r, b)
		sum.Write(b[:n])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
		time.Sleep(pace) // the speed of a client is what the test is about
	}
}

// streams is an origin that sends and takes what is asked for.
func streams(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		sum, err := digest(r.Body, 0)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, sum)
		return
	}
	size, _ := strconv.ParseInt(r.FormValue("size"), 10, 64)
	seed, _ := strconv.Atoi(r.FormValue("seed"))
	w.Header().Set("Content-Length", fmt.Sprint(size))
	w.Header().Set("Cache-Control", "public, max-age=60")
	_, _ = io.Copy(w, newPattern(byte(seed), size, 0))
}

type transfer struct {
	edge   *rig.Edge
	client *http.Client
	path   string
	size   int64
	pace   time.Duration // for each part of 64 KiB, on the shopper's side
}

func (f *transfer) want(seed byte) (string, error) { return digest(newPattern(seed, f.size, 0), 0) }

func (f *transfer) down(seed byte) error {
	resp, err := f.client.Get(fmt.Sprintf("%s%s?size=%d&seed=%d", f.edge.URL, f.path, f.size, seed))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := digest(resp.Body, f.pace)
	return f.check(seed, got, err)
}

func (f *transfer) up(seed byte) error {
	resp, err := f.client.Post(f.edge.URL+f.path, "application/octet-stream", newPattern(seed, f.size, f.pace))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return f.check(seed, string(bytes.TrimSpace(got)), err)
}

func (f *transfer) check(seed byte, got string, err error) error {
	if err != nil {
		return err
	}
	want, err := f.want(seed)
	if err == nil && got != want {
		err = fmt.Errorf("stream %d of %d bytes: %s came, not %s", seed, f.size, got, want)
	}
	return err
}

// TestStreams: what passes through costs memory by the number of streams, not by their length, and arrives whole.
func TestStreams(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(streams))
	t.Cleanup(origin.Close)
	edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(origin.URL, "routes: [{match: {path: \"/files/**\"}, scope: public}]"))
	measure := func(what string, run func(g *group)) {
		t.Helper()
		base, err := edge.Resident()
		if err != nil {
			t.Fatal(err)
		}
		most := edge.WatchMemory()
		var g group
		began := time.Now()
		run(&g)
		err = g.wait()
		peak := most()
		figure(t, what, "%.1f MiB more resident memory, from %.1f MiB; %.1f s", float64(peak-base)/mebibyte, float64(base)/mebibyte, time.Since(began).Seconds())
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if peak < base || peak-base >= 64*mebibyte {
			t.Errorf("%s: resident memory went from %d to %d bytes", what, base, peak)
		}
	}
	one := transfer{edge: edge, client: client(200), path: "/api/file", size: mebibyte}
	t.Cleanup(one.client.CloseIdleConnections)
	if err := errors.Join(one.down(1), one.up(1)); err != nil {
		t.Fatal(err)
	}
	one.size = sized[int64](gibibyte, 64*mebibyte)
	length := fmt.Sprintf("%d MiB", one.size/mebibyte)
	measure("one download of "+length+", private", func(g *group) { g.run(func() error { return one.down(2) }) })
	measure("one upload of "+length, func(g *group) { g.run(func() error { return one.up(3) }) })
	public := one
	public.path = "/files/big"
	measure("one download of "+length+", public and too big to keep", func(g *group) { g.run(func() error { return public.down(4) }) })
	// 64 KiB in each sixteenth of a second is 1 MiB/s.
	many, each := sized(64, 16), one
	each.size, each.pace = sized[int64](16*mebibyte, mebibyte), time.Second/16
	measure(fmt.Sprintf("%d downloads and %d uploads at once of %d MiB at 1 MiB/s", many, many, each.size/mebibyte), func(g *group) {
		for i := range many {
			g.run(func() error { return each.down(byte(i)) })
			g.run(func() error { return each.up(byte(i)) })
		}
	})
}
