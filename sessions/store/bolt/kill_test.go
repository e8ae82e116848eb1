package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

const (
	childPath = "AISLE_TEST_BOLT"
	childSync = "AISLE_TEST_BOLT_SYNC"
	writers   = 8
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		writeAlways(path, os.Getenv(childSync))
	}
	goleak.VerifyTestMain(m)
}

// writeAlways is the child: it edits sessions until it is killed, and says "id version" for each edit that was
// acknowledged.
func writeAlways(path, policy string) {
	sync0, err := bolt.ParseSync(policy)
	if err != nil {
		panic(err)
	}
	s, err := bolt.Open(bolt.Options{Path: path, Sync: sync0})
	if err != nil {
		panic(err)
	}
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			id := fmt.Sprint("writer-", w)
			e, err := s.Get(context.Background(), id)
			if err != nil {
				panic(err)
			}
			for v := e.Version + 1; ; v++ {
				data := fmt.Appendf(nil, "%d %s", v, strings.Repeat("x", int(v%3000)))
				if err := s.Save(context.Background(), id, v, data, acceptance.Later()); err != nil {
					panic(err)
				}
				fmt.Printf("%s %d\n", id, v) // one write, which the kernel keeps when we are killed
			}
		})
	}
	group.Wait()
}

// TestKill: kill -9 while writing loses no edit that was acknowledged, and leaves none torn, under either policy.
func TestKill(t *testing.T) {
	for _, policy := range []bolt.Sync{bolt.SyncAlways, bolt.SyncInterval} {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/sessions.db"
			acknowledged := map[string]uint64{}
			for range 3 {
				killWhileWriting(t, path, policy, acknowledged)
				s := open(t, bolt.Options{Path: path, Sync: policy})
				for id, version := range acknowledged {
					// The next round goes on from what is there.
					acknowledged[id] = checkEdit(t, s, id, version)
				}
				shut(t, s)
				audit(t, path, writers)
			}
		})
	}
}

func killWhileWriting(t *testing.T, path string, policy bolt.Sync, acknowledged map[string]uint64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path, childSync+"="+policy.String())
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		id, text, _ := strings.Cut(lines.Text(), " ")
		version, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			break // the last line may be torn, but is not with a pipe
		}
		acknowledged[id] = version
		if n == 500 {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	if len(acknowledged) != writers {
		t.Fatalf("%d of %d writers have written", len(acknowledged), writers)
	}
}

func checkEdit(t *testing.T, s *bolt.Store, id string, acknowledged uint64) (stored uint64) {
	t.Helper()
	e, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	// One more may have been written whose answer was not heard.
	if e.Version < acknowledged || e.Version > acknowledged+1 {
		t.Errorf("%s is at version %d, and %d was acknowledged", id, e.Version, acknowledged)
	}
	if want := fmt.Sprintf("%d %s", e.Version, strings.Repeat("x", int(e.Version%3000))); string(e.Data) != want {
		t.Errorf("%s at version %d holds %.40q", id, e.Version, e.Data)
	}
	return e.Version
}
