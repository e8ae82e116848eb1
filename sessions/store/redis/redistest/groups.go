package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aislecache/aisle/tests/ports"
)

// Watched is a master and a replica with three Sentinels, two of which suffice for a failover.
type Watched struct {
	Name            string // of the master, for Sentinel
	Master, Replica *Server
	Sentinels       []*Server
}

// StartWatched starts them and waits until the Sentinels know each other and the replica is in step.
func StartWatched(t testing.TB) *Watched {
	t.Helper()
	w := &Watched{Name: "shop", Master: Start(t)}
	host, port, _ := net.SplitHostPort(w.Master.Addr)
	w.Replica = Start(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	until(t, "the replica is in step", func() bool {
		return strings.Contains(w.Replica.must("INFO", "replication"), "master_link_status:up")
	})
	for range 3 {
		w.Sentinels = append(w.Sentinels, startSentinel(t, w.Name, host, port))
	}
	until(t, "the Sentinels know each other", func() bool {
		for _, s := range w.Sentinels {
			if info := s.must("INFO", "sentinel"); !strings.Contains(info, "status=ok") ||
				!strings.Contains(info, "slaves=1") || !strings.Contains(info, "sentinels=3") {
				return false
			}
		}
		return true
	})
	return w
}

// Addresses are those of the Sentinels.
func (w *Watched) Addresses() []string { return addresses(w.Sentinels) }

// AwaitFailover waits until the replica is the master.
func (w *Watched) AwaitFailover(t testing.TB) {
	t.Helper()
	until(t, "the replica is promoted", func() bool {
		info, err := w.Replica.Command("INFO", "replication")
		return err == nil && strings.Contains(info, "role:master") // its promotion ends connections, this one too
	})
}

func startSentinel(t testing.TB, name, host, port string) *Server {
	t.Helper()
	s := &Server{t: t, dir: directory(t), Addr: ports.Address(t)}
	_, own, _ := net.SplitHostPort(s.Addr)
	// Sentinel wants a file that it may write to.
	config := fmt.Sprintf(`port %s
bind 127.0.0.1
dir %s
logfile %s/log
sentinel monitor %s %s %s 2
sentinel down-after-milliseconds %s 1000
sentinel failover-timeout %s 5000
`, own, s.dir, s.dir, name, host, port, name, name)
	if err := os.WriteFile(filepath.Join(s.dir, "sentinel.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatalf("sentinel: %v\n%s", err, s.log())
	}
	t.Cleanup(s.Kill)
	return s
}

// Nodes is a Cluster of masters without replicas.
type Nodes struct {
	Servers []*Server
	ids     []string
}

// slots is how many a Cluster has.
const slots = 16384

// StartCluster starts a Cluster of n masters and waits until all of them serve.
func StartCluster(t testing.TB, n int) *Nodes {
	t.Helper()
	c := &Nodes{}
	var buses []string
	for range n {
		bus := strconv.Itoa(ports.Free(t)) // the default, the port and 10000, may be anybody's
		buses = append(buses, bus)
		s := Start(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000")
		c.Servers = append(c.Servers, s)
		c.ids = append(c.ids, s.must("CLUSTER", "MYID"))
	}
	for i, s := range c.Servers {
		s.must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/n), strconv.Itoa((i+1)*slots/n-1))
		host, port, _ := net.SplitHostPort(s.Addr)
		c.Servers[0].must("CLUSTER", "MEET", host, port, buses[i])
	}
	until(t, "the Cluster serves", func() bool {
		for _, s := range c.Servers {
			info := s.must("CLUSTER", "INFO")
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n)) {
				return false
			}
		}
		return true
	})
	return c
}

// Addresses are those of all nodes.
func (c *Nodes) Addresses() []string { return addresses(c.Servers) }

// MoveSlot gives the slot of key, which must hold nothing, to another node than has it. Clients find out by
// MOVED.
func (c *Nodes) MoveSlot(t testing.TB, key string) {
	t.Helper()
	slot := c.Servers[0].must("CLUSTER", "KEYSLOT", key)
	n, err := strconv.Atoi(slot)
	if err != nil {
		t.Fatal(err)
	}
	owner := n * len(c.Servers) / slots
	next := (owner + 1) % len(c.Servers)
	for _, i := range []int{next, owner} {
		c.Servers[i].must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[next])
	}
	for _, s := range c.Servers {
		s.must("CLUSTER", "SETSLOT", slot, "NODE", c.ids[next])
	}
}

func addresses(servers []*Server) []string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Addr)
	}
	return all
}
