package ports

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What these tests draw from: few enough ports that many draw the same one, and none that Free gives.
const (
	low  = least - 2_000
	high = low + 500
)

func TestSpan(t *testing.T) {
	f := func(text string, first, end int) {
		t.Helper()
		if a, b := span(text); a != first || b != end {
			t.Errorf("span(%q) = %d, %d, want %d, %d", text, a, b, first, end)
		}
	}
	f("32768\t60999\n", 10_000, 32_768)
	f("49152 65535", 10_000, 49_152)
	f("12000 65535", 10_000, 12_000)

	// Above them, where too few are below.
	f("11999 60999", 61_000, 65_536)
	f("1024 63535", 63_536, 65_536)
	f("1024 5000", 10_000, 65_536)

	// Nowhere.
	f("1024 65535", 10_000, 32_768)

	// It is not told.
	f("", 10_000, 32_768)
	f("32768", 10_000, 32_768)
	f("any port", 10_000, 32_768)
}

// TestFree: a test gets a port on which it can listen, and has it until it is over.
func TestFree(t *testing.T) {
	var port int
	t.Run("holder", func(t *testing.T) {
		port = Free(t)
		if text := Address(t); !strings.HasPrefix(text, "127.0.0.1:") || text == address(port) {
			t.Errorf("%s after %d", text, port)
		}
		if _, err := take(port); err == nil {
			t.Errorf("%d is given twice", port)
		}
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
	if port < least {
		t.Errorf("port %d", port)
	}
	again(t, port)
}

// again takes a port that was given up. A process that is being started has copies of all sockets of its parent, up to its
// exec, and other runs of these tests draw from the same ports; so it may take a moment.
func again(t *testing.T, port int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		release, err := take(port)
		if err == nil {
			release()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("port %d was given up, but: %v", port, err)
		}
	}
}

// TestHoldElsewhere: what stands in for the abstract names of Linux keeps a number too.
func TestHoldElsewhere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("all other tests hold by it")
	}
	port, release, err := draw(low, high) // so that nobody else tries the same
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range 2 {
		held, err := hold("another", port)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hold("another", port); err == nil {
			t.Errorf("%d is held twice", port)
		}
		if err := held.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTakenByOthers: a port on which somebody listens who has not asked here is not given, and not kept from others either.
func TestTakenByOthers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if _, _, err := draw(port, port+1); err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("error %v", err)
	}
	held, err := hold(runtime.GOOS, port)
	if err != nil {
		t.Fatalf("it is still held: %v", err)
	}
	held.Close()
}

// many draws ports in many goroutines at once, and keeps them.
func many() (ports []int, release func(), err error) {
	var (
		mu       sync.Mutex // guards what follows, and what is returned
		releases []func()
		group    sync.WaitGroup
	)
	for range 20 {
		group.Go(func() {
			for range 5 {
				port, r, e := draw(low, high)
				mu.Lock()
				if e != nil {
					err = e
				} else {
					ports, releases = append(ports, port), append(releases, r)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return ports, func() {
		for _, r := range releases {
			r()
		}
	}, err
}

const asked = "AISLE_TEST_PORTS"

// TestOtherProcess is the other process of TestProcesses: it begins when it is told to, tells its ports, and holds them until it
// is killed.
func TestOtherProcess(t *testing.T) {
	if os.Getenv(asked) == "" {
		t.Skip("for TestProcesses")
	}
	in := bufio.NewReader(os.Stdin)
	fmt.Println("there")
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ports, _, err := many()
	fmt.Println(strings.Trim(fmt.Sprint(ports), "[]"), err)
	_, _ = io.Copy(io.Discard, in)
}

// TestProcesses: of many goroutines in two processes no two get the same port, and what was given up, or held by a process
// that was killed, is given again.
func TestProcesses(t *testing.T) {
	other := startOther(t)
	other.tell(t)
	mine, release, err := many()
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Fields(other.line(t))
	if len(theirs) != len(mine)+1 || theirs[len(mine)] != "<nil>" {
		t.Fatalf("the other process has %q", theirs)
	}
	all := map[string]bool{}
	for _, port := range mine {
		all[strconv.Itoa(port)] = true
	}
	for _, port := range theirs[:len(mine)] {
		all[port] = true
	}
	if len(all) != 2*len(mine) {
		t.Errorf("%d ports were given, but only %d different ones", 2*len(mine), len(all))
	}
	release()
	other.kill()
	for port := range all {
		n, _ := strconv.Atoi(port) // or it is 0, which would be given
		again(t, n)
	}
}

// process is one that runs TestOtherProcess.
type process struct {
	in   io.Writer
	out  *bufio.Reader
	kill func()
}

func startOther(t *testing.T) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env, cmd.Stderr = append(os.Environ(), asked+"=1"), os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have failed and ended
		_ = cmd.Wait()         // by the signal
	})
	t.Cleanup(kill)
	p := &process{in, bufio.NewReader(out), kill}
	if line := p.line(t); line != "there" {
		t.Fatalf("the other process begins with %q", line)
	}
	return p
}

func (p *process) tell(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(p.in, "begin\n"); err != nil {
		t.Fatal(err)
	}
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the other process: %v after %q", err, text)
	}
	return strings.TrimSpace(text)
}
