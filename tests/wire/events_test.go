package wire_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// listening is a page that tells the origin of each event when the browser hands it over. The last one ends the stream.
const listening = `<!doctype html><title>events</title><script>
const source = new EventSource('/api/events')
source.onmessage = event => {
  fetch('/api/seen?id=' + event.lastEventId + '&data=' + encodeURIComponent(event.data), {method: 'POST'})
  if (event.data === 'last') source.close()
}
</script>`

// events is an origin that sends the next event only once the browser has told of the one before. So the stream goes
// on only where every event arrives by itself, without another to push it out.
type events struct {
	seen   chan string   // what the browser tells, "id data"
	closed chan struct{} // the stream was closed by the browser
}

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/events.html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, listening)
	case "/api/seen":
		e.seen <- r.FormValue("id") + " " + r.FormValue("data")
		w.WriteHeader(http.StatusNoContent)
	case "/api/events":
		e.send(w, r)
	default:
		http.NotFound(w, r)
	}
}

// send sends the events after Last-Event-ID, of which the third ends the connection, so that the browser has to come
// again.
func (e *events) send(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	after, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	for id := after + 1; id <= count; id++ {
		data := fmt.Sprint("event ", id)
		if id == count {
			data = "last"
		}
		fmt.Fprintf(w, "retry: 50\nid: %d\ndata: %s\n\n", id, data)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case seen := <-e.seen:
			if want := fmt.Sprint(id, " ", data); seen != want {
				fmt.Fprintf(w, "id: %d\ndata: the browser told of %q\n\n", id, seen)
				return
			}
		case <-time.After(20 * time.Second): // a browser, another process
			return
		}
		if id == again {
			return
		}
	}
	e.beat(w, r)
}

// beat keeps the stream alive until whoever reads it leaves.
func (e *events) beat(w http.ResponseWriter, r *http.Request) {
	defer close(e.closed)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		fmt.Fprint(w, ": here\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}

const (
	count = 8 // events
	again = 3 // after this one the stream breaks off
)

// TestEventStream: a browser sees server-sent events one by one as the origin sends them, comes again with the id of
// the last where the stream ends, and when it leaves, the origin learns of it.
func TestEventStream(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		rig.Need(t, "Chromium")
	}
	e := &events{seen: make(chan string, count), closed: make(chan struct{})}
	origin := httptest.NewServer(e)
	t.Cleanup(origin.Close)
	edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(origin.URL, ""))
	browser := rig.Run(t, exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), edge.URL+"/events.html"))
	select {
	case <-e.closed:
	case <-time.After(time.Minute): // a browser, another process
		t.Errorf("the browser has not seen all events, one by one:\n%s", browser.Stderr())
	}
}
