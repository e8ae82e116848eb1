package profile_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/profile"
)

const million = 1_000_000

// millionCustomers writes a file of a million customers as shops have them, some 130 MB: ids are UUIDs, names and e-mails
// are seldom the same, and each customer has one or two of forty price tables.
func millionCustomers(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "customers.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(out, "id,email,firstName,lastName,document,phone,priceTables")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range million {
		first, last := name(random, 2), name(random, 3)
		tables := fmt.Sprintf("table-%d", random.IntN(40))
		if i%2 == 0 {
			tables += fmt.Sprintf(";table-%d", random.IntN(40))
		}
		fmt.Fprintf(out, "%s,%s.%s%d@%s.example,%s,%s %s,%011d,+5511%09d,%s\n", id(i), strings.ToLower(first), strings.ToLower(last), i,
			[]string{"mail", "post", "company", "webmail"}[i%4], first, last, name(random, 2), random.IntN(1e11), random.IntN(1e9), tables)
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

func name(random *rand.Rand, syllables int) string {
	text := ""
	for range syllables {
		text += []string{"ma", "ri", "lu", "cas", "an", "to", "sil", "va", "el", "na", "go", "mes", "pe", "rei", "ra", "san"}[random.IntN(16)]
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// id gives the UUID of a customer.
func id(i int) string {
	h := sha256.Sum256([]byte(strconv.Itoa(i)))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// memory is what the process holds of the machine, in bytes: with all garbage, and without what was given back.
func memory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// peak watches memory until it is called.
func peak() func() uint64 {
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(2 * time.Millisecond)
		defer ticks.Stop()
		for {
			most.Store(max(most.Load(), memory()))
			select {
			case <-stop:
				return
			case <-ticks.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return most.Load()
	}
}

// resident reads a line of /proc/self/status, in bytes; 0 where there is none.
func resident(line string) uint64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, text, _ = bytes.Cut(text, []byte(line+":"))
	kilobytes, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte(" "))
	n, _ := strconv.ParseUint(string(kilobytes), 10, 64)
	return n << 10
}

// afresh gives back what making the file took, and has the kernel's high-water mark of resident memory begin anew.
func afresh() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // elsewhere resident is 0 anyway
}

// BenchmarkMillion loads a million customers: the time, the process's memory afterwards and its most meanwhile.
func BenchmarkMillion(b *testing.B) {
	path := millionCustomers(b)
	for b.Loop() {
		afresh()
		most := peak()
		began := time.Now()
		p, err := profile.New(profile.Options{File: path})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/load")
		b.ReportMetric(float64(most())/1e6, "peak-MB")
		b.ReportMetric(float64(resident("VmHWM"))/1e6, "VmHWM-MB")
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "live-MB")
		p.Close()
	}
}

// BenchmarkReload has the file replaced by another version while its customers are in use: both are in memory then.
func BenchmarkReload(b *testing.B) {
	path := millionCustomers(b)
	told := make(chan profile.Load, 1)
	p, err := profile.New(profile.Options{File: path, Told: func(l profile.Load) { told <- l }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	<-told
	at := time.Now()
	for b.Loop() {
		afresh()
		most := peak()
		at = at.Add(time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			b.Fatal(err)
		}
		l := <-told // within 2 s and the time of loading
		if l.Err != nil || l.Customers != million {
			b.Fatal(l)
		}
		b.ReportMetric(l.Took.Seconds(), "s/load")
		b.ReportMetric(float64(most())/1e6, "peak-MB")
		b.ReportMetric(float64(resident("VmHWM"))/1e6, "VmHWM-MB")
		b.ReportMetric(float64(resident("VmRSS"))/1e6, "after-MB")
	}
}

// BenchmarkFind asks for customers among a million.
func BenchmarkFind(b *testing.B) {
	p := newApp(b, profile.Options{File: millionCustomers(b)})
	out, err := p.Transform(b.Context(), vals("authentication.storeUserId="+id(777_777)))
	email := out.Text(transform.Key{Namespace: "profile", Name: "email"})
	if err != nil || email == "" {
		b.Fatal(err)
	}
	for _, key := range []string{"storeUserId", "storeUserEmail"} {
		b.Run(key, func(b *testing.B) {
			b.ReportAllocs()
			in := vals("authentication.storeUserId="+id(777_777), "authentication.storeUserEmail="+email)
			if key == "storeUserEmail" {
				delete(in["authentication"], "storeUserId")
			}
			for b.Loop() {
				out, err := p.Transform(b.Context(), in)
				if err != nil || len(plain(out)) != 8 {
					b.Fatal(out, err)
				}
			}
		})
	}
}
