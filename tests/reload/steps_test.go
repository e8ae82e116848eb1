package reload_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/tests/rig"
)

// silence is how long somebody is given who must not answer.
const silence = 300 * time.Millisecond

// successor is a process that this test hands over to, a step at a time (docs/adr/0015).
type successor struct {
	t             *testing.T
	dir           string
	shops, admins string // URLs
	told          *bufio.Reader
	begin         *os.File
}

// handTo starts `aisle serve` as the successor of this process.
func handTo(t *testing.T, dir string) *successor {
	t.Helper()
	bin, err := rig.Build(dir)
	must(t, err)
	told, tell, err := os.Pipe()
	must(t, err)
	heard, begin, err := os.Pipe()
	must(t, err)
	s := &successor{t: t, dir: dir, told: bufio.NewReader(told), begin: begin}
	cmd := exec.Command(bin, "serve", "--config", filepath.Join(dir, "edge.yaml"))
	var sockets []string
	for _, url := range []*string{&s.shops, &s.admins} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		t.Cleanup(func() { l.Close() })
		f, err := l.(*net.TCPListener).File()
		must(t, err)
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		*url = "http://" + l.Addr().String()
		sockets = append(sockets, fmt.Sprintf(`{"address":"127.0.0.1:0","admin":%t,"owned":true}`, len(sockets) == 1))
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, tell, heard)
	cmd.Env = append(os.Environ(), fmt.Sprintf(`AISLE_HANDOVER={"parent":%d,"sockets":[%s],"ready":5,"begin":6}`, os.Getpid(), strings.Join(sockets, ",")))
	cmd.Dir, cmd.Stderr = dir, t.Output()
	must(t, cmd.Start(), tell.Close(), heard.Close())
	t.Cleanup(func() {
		_ = begin.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the successor: %v", err)
		}
		told.Close()
	})
	return s
}

// says fails the test unless the next line is this one.
func (s *successor) says(want string) {
	s.t.Helper()
	if line, err := s.told.ReadString('\n'); err != nil || line != want+"\n" {
		s.t.Fatalf("the successor says %q %v, want %q", line, err, want)
	}
}

// silent fails the test if anybody answers.
func silent(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), silence)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(t, err)
	r.Close = true
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("%s answers with %d: too early", url, resp.StatusCode)
	}
}

// A successor answers nobody before it is told to begin, goes by what was revoked and configured until then, and does nothing
// for operators before the old process accepts nothing more.
func TestSuccessorSteps(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(r.Header.Get("X-Vtex-Segment"), "="))
		w.Header().Set("Cache-Control", "public, max-age=60")
		fmt.Fprintf(w, "%s", token)
	}))
	defer origin.Close()
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	keys := "k1 " + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")) + "\n"
	put("seal.keys", keys)
	config := configOf(origin.URL, "account: acme\nsegment: {keys_file: ./seal.keys}\n")
	put("edge.yaml", config)
	kept, voided := sealed(t, keys, "gold"), sealed(t, keys, "platinum")

	s := handTo(t, dir)
	s.says("prepared")
	silent(t, s.shops+"/p")
	silent(t, s.admins+"/readyz")
	var revoked segment.Revocations
	revoked.Void(time.Now(), segment.DigestOf([]byte(voided.token)), time.Now().Add(2*time.Hour))
	text, err := json.Marshal(&revoked)
	must(t, err)
	put("seal.keys.revoked", string(text))
	put("edge.yaml", config+"routes: [{match: {path: /closed}, maintenance: {}}]\n")
	_, err = io.WriteString(s.begin, "begin\n")
	must(t, err)
	s.says("ready")

	f := func(c sealedSegment, path string, status int, want string) {
		t.Helper()
		got, err := rig.Fetch("GET", s.shops+path, "", "Cookie: vtex_segment="+c.token+"; aisle_seal="+c.seal)
		if err != nil || got.Status != status || !strings.Contains(got.Header.Get("Cache-Status"), want) {
			t.Errorf("%s: %+v %v, want %d with %q", path, got, err, status, want)
		}
	}
	f(kept, "/p", 200, "detail=absent")
	f(voided, "/p", 200, "detail=unsealed")
	f(kept, "/closed", 503, "")
	silent(t, s.admins+"/readyz")
	must(t, s.begin.Close())
	expect(t, "GET", s.admins+"/readyz", 200, "ready")
}

type sealedSegment struct{ token, seal string }

func sealed(t *testing.T, file, table string) sealedSegment {
	t.Helper()
	keys, err := segment.ParseKeys([]byte(file))
	must(t, err)
	sealer, err := segment.NewSealer("acme", keys, time.Hour, nil)
	must(t, err)
	token := base64.StdEncoding.EncodeToString([]byte(`{"campaigns":null,"channel":"1","priceTables":"` + table + `"}`))
	return sealedSegment{token, sealer.Seal(time.Now(), []byte(token))}
}

// script stands in for the binary of the successor. It says that it is prepared, and does what the test says in files.
const script = `#!/bin/bash
ready=$(sed 's/.*"ready":\([0-9]*\).*/\1/' <<<"$AISLE_HANDOVER")
begin=$(sed 's/.*"begin":\([0-9]*\).*/\1/' <<<"$AISLE_HANDOVER")
echo prepared >&"$ready"
read -r line <&"$begin"
echo "$line" >told.new && mv told.new told
while [ ! -e does ]; do sleep 0.02; done
if [ "$(cat does)" = ready ]; then
	echo ready >&"$ready"
	read -r line <&"$begin" || echo >left
	exec sleep 2
fi
`

// While a successor begins the old process does nothing of what operators ask; then it does it, or refuses it, by what became of
// the successor.
func TestOperatorsWaitAtHandOver(t *testing.T) {
	url, _ := origin(t, nil)
	f := func(does string, status int, text string) {
		t.Helper()
		e := startCopy(t, configOf(url, ""))
		pid := e.ready()
		must(t, os.WriteFile(e.path("next"), []byte(script), 0o700), os.Rename(e.path("next"), e.path("aisle")))
		must(t, syscall.Kill(pid, syscall.SIGUSR2))
		e.awaitFile("told")
		answers := make(chan *rig.Response, 1)
		go func() {
			answer, err := rig.Fetch("POST", e.admin+"/purge", `{"all":true}`)
			if err != nil {
				t.Error(err)
			}
			answers <- answer
		}()
		select {
		case answer := <-answers:
			t.Errorf("a purge is answered while the successor begins: %+v", answer)
		case <-time.After(silence):
		}
		expect(t, "GET", e.admin+"/readyz", 200, "ready")
		expect(t, "GET", e.url+"/p", 200, "/p")
		must(t, os.WriteFile(e.path("does.new"), []byte(does), 0o600), os.Rename(e.path("does.new"), e.path("does")))
		if answer := <-answers; answer == nil || answer.Status != status || !strings.Contains(answer.Body, text) {
			t.Errorf("the purge got %+v, want %d with %q", answer, status, text)
		}
		if does == "ready" {
			e.awaitFile("left")
			silent(t, e.url+"/p") // the sockets are open, and nobody accepts
		} else {
			e.await("not handed over: this process goes on", 1)
			must(t, syscall.Kill(pid, syscall.SIGTERM))
		}
	}
	f("ready", 503, `"type":"Replaced"`)
	f("fail", 200, `"sequence":1`)
}

// startCopy is start on a copy of the binary, which may be replaced.
func startCopy(t *testing.T, config string) *edge {
	t.Helper()
	e := &edge{t: t, dir: t.TempDir()}
	e.configure(config)
	bin, err := rig.Build(t.TempDir())
	must(t, err)
	text, err := os.ReadFile(bin)
	must(t, err, os.WriteFile(e.path("aisle"), text, 0o700))
	cmd := e.launch(nil, e.path("aisle"))
	t.Cleanup(func() {
		if err := cmd.Wait(); err != nil {
			text, _ := os.ReadFile(e.path("log"))
			t.Errorf("the old process: %v\n%s", err, text)
		}
	})
	return e
}

// awaitFile waits until there is a file.
func (e *edge) awaitFile(name string) {
	e.t.Helper()
	e.until("file "+name, func() bool {
		_, err := os.Stat(e.path(name))
		return err == nil
	})
}
