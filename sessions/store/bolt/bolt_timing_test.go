package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions/store/bolt"
)

// filled is a store of sessions of a kibibyte each.
func filled(b *testing.B, o bolt.Options, count int) *bolt.Store {
	b.Helper()
	s := openNew(b, o)
	var next atomic.Int64
	next.Store(-1)
	done := make(chan error)
	const workers = 64
	for range workers {
		go func() {
			for i := next.Add(1); i < int64(count); i = next.Add(1) {
				if err := s.Save(b.Context(), id(int(i)), 1, data(), time.Now().Add(time.Hour)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	var errs []error
	for range workers {
		errs = append(errs, <-done)
	}
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	return s
}

func id(i int) string { return fmt.Sprintf("%08x-5b1d-4c1e-9d6a-0123456789ab", uint32(i)*2654435761) }

func data() []byte { return bytes.Repeat([]byte("x"), 1024) }

const benchSessions = 20_000

func BenchmarkLoad(b *testing.B) {
	s := filled(b, bolt.Options{Sync: bolt.SyncInterval}, benchSessions)
	b.ReportAllocs()
	b.SetBytes(1024)
	for i := 0; b.Loop(); i++ {
		if _, err := s.Load(b.Context(), id(i%benchSessions)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSave edits sessions, so many at once as there are writers. BenchmarkSync tells what the disk can do.
func BenchmarkSave(b *testing.B) {
	for _, policy := range []bolt.Sync{bolt.SyncAlways, bolt.SyncInterval} {
		s := filled(b, bolt.Options{Sync: policy}, benchSessions)
		for _, writers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("sync=%v/writers=%d", policy, writers), func(b *testing.B) {
				var next atomic.Int64
				b.ReportAllocs()
				b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
				b.RunParallel(func(pb *testing.PB) { edit(b, s, id(int(next.Add(1))), pb) })
			})
		}
	}
}

// edit edits one session again and again.
func edit(b *testing.B, s *bolt.Store, id string, pb *testing.PB) {
	e, err := s.Get(b.Context(), id)
	for pb.Next() && err == nil {
		e.Version++
		err = s.Save(b.Context(), id, e.Version, data(), time.Now().Add(time.Hour))
	}
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkSync is the disk alone: 4 KiB, then an fsync.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(b.TempDir() + "/file")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.WriteAt(page, 0); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
