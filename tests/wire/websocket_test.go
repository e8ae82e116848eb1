package wire_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/tests/rig"
)

// saw is what client.js prints.
type saw struct {
	Greeting struct{ URL, Cookie, Host string }
	Echoed   []bool // for each message: it came back as it was sent
	Pongs    int
	Code     int
	Reason   string
	Status   int // of an answer that was none of an upgrade
}

// talk runs the client to its end.
func talk(t *testing.T, node, url, ending string) saw {
	t.Helper()
	p := rig.Run(t, exec.Command(node, "client.js", url, ending))
	if code, err := p.Wait(); err != nil || code != 0 {
		t.Fatalf("the client ended with %d, %v: %s%s", code, err, p.Stdout(), p.Stderr())
	}
	var s saw
	if err := json.Unmarshal([]byte(p.Stdout()), &s); err != nil {
		t.Fatalf("%q: %v", p.Stdout(), err)
	}
	return s
}

// TestWebSocket: a socket is open through the edge in both directions, on routes of every scope, with the shopper's
// own cookies, and each end learns with which code the other closed it.
func TestWebSocket(t *testing.T) {
	if _, err := os.Stat("node_modules/ws"); err != nil {
		rig.Need(t, "the npm package ws")
	}
	node := rig.Node(t, "../..")
	server := rig.Run(t, exec.Command(node, "echo.js"))
	line, err := server.WaitStdout("listening on ")
	if err != nil {
		t.Fatal(err)
	}
	origin := strings.TrimPrefix(line, "listening on ")
	edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(origin, `routes: [{match: {path: "/open/**"}, scope: public}]`))
	f := func(path, ending string, code int, reason string) {
		t.Helper()
		got := talk(t, node, strings.Replace(edge.URL, "http", "ws", 1)+path, ending)
		want := saw{Echoed: []bool{true, true, true, true, true}, Pongs: 1, Code: code, Reason: reason}
		want.Greeting.URL, want.Greeting.Cookie, want.Greeting.Host = path, "session=ada", got.Greeting.Host
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if _, err := server.WaitStdout(fmt.Sprintf("closed %s %d", path, code)); err != nil {
			t.Errorf("%s: the server did not learn of the end: %v", path, err)
		}
	}
	f("/api/chat?room=1", "client", 4001, "the client has had enough")
	f("/chat", "server", 4002, "the server has had enough")
	f("/open/chat", "client", 4001, "the client has had enough")
}
