package redis_test

import (
	"bytes"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

// The server's settings: what it keeps when its process, or its machine, ends.
func syncs() []string { return []string{"always", "everysec"} }

func BenchmarkLoad(b *testing.B) {
	s := open(b, redis.Options{Addresses: []string{redistest.Start(b).Addr}})
	if err := s.Save(b.Context(), "a", 1, bytes.Repeat([]byte("x"), 1024), acceptance.Later()); err != nil {
		b.Fatal(err)
	}
	for _, readers := range []int{1, 64} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(max(1, readers/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Load(b.Context(), "a"); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkSave edits sessions of a kibibyte, so many at once as there are writers, on connections that they share.
func BenchmarkSave(b *testing.B) {
	for _, sync := range syncs() {
		s := open(b, redis.Options{Addresses: []string{redistest.Start(b, "--appendfsync", sync).Addr}})
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("appendfsync=%s/writers=%d", sync, writers), func(b *testing.B) { saves(b, s, writers) })
		}
	}
}

// BenchmarkSaveWaiting waits for a replica, on connections of its own.
func BenchmarkSaveWaiting(b *testing.B) {
	w := redistest.StartWatched(b)
	s := open(b, redis.Options{Addresses: []string{w.Master.Addr}, WaitReplicas: 1})
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { saves(b, s, writers) })
	}
}

func saves(b *testing.B, s *redis.Store, writers int) {
	data := bytes.Repeat([]byte("x"), 1024)
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		id := fmt.Sprint(next.Add(1))
		e, err := s.Get(b.Context(), id)
		for pb.Next() && err == nil {
			e.Version++
			err = s.Save(b.Context(), id, e.Version, data, time.Now().Add(time.Hour))
		}
		if err != nil {
			b.Error(err)
		}
	})
}
