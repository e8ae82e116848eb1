package tests_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/tests/rig"
)

// historyPage is a page that embeds its token. At its first view it goes on to another one; whenever it is shown after that,
// out of the history or anew, it tells its token.
const historyPage = `<!doctype html><html data-segment="%s"><script>%s
const told = () => sessionStorage.getItem("left") && fetch("/told", { method: "POST", body: document.documentElement.dataset.segment });
addEventListener("pageshow", () => {
  if (told()) return;
  sessionStorage.setItem("left", "yes");
  setTimeout(() => location.href = "/other", 200); // before it is loaded it would take the place of this page in the history
});
</script><body>page</body></html>`

// otherPage is where the session changes, and the shopper goes back.
const otherPage = `<!doctype html><html><script>
fetch("/api/sessions?utm_source=new", { method: "POST" }).then(() => setTimeout(() => history.back(), 200));
</script><body>other</body></html>`

// historyShop is an origin with both pages, and what it is told.
func historyShop(t *testing.T, script string) (url string, told <-chan string) {
	t.Helper()
	tokens := make(chan string, 16)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=60")
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, historyPage, r.Header.Get("X-Vtex-Segment"), script)
		case "/other":
			_, _ = io.WriteString(w, otherPage)
		case "/told":
			token, _ := io.ReadAll(r.Body)
			tokens <- string(token)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(shop.Close)
	return shop.URL, tokens
}

// TestSegmentsDocumentScript runs the script of docs/segments.md in Chromium: a page out of the history, made for another segment
// than the shopper has by now, is shown as it was without the script, and anew with it.
func TestSegmentsDocumentScript(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		rig.Need(t, "Chromium")
	}
	text, err := os.ReadFile("../docs/segments.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(text), "\n```js\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("there is no script")
	}
	// shown gives the utm_source of the page that the shopper has back, once it is the wanted one, or the last.
	shown := func(script, want string) (source string) {
		t.Helper()
		shop, told := historyShop(t, script)
		edge := rig.RunEdge(t, rig.Aisle(t), rig.Config(shop, "sessions: {mode: embedded, cookies: {secure: false}}"))
		profile, err := os.MkdirTemp("", "chromium")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(profile) }) // its children may write there for a moment longer than it lives
		rig.Run(t, exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+profile, edge.URL+"/"))
		source = "no page at all"
		for patience := time.After(30 * time.Second); source != want; {
			select {
			case token := <-told:
				s, reason := segment.Decode([]byte(token), 0)
				if source, _ = s.Get("utm_source"); reason != segment.OK {
					t.Errorf("the page has the token %q: %s", token, reason)
				}
			case <-patience:
				return source
			}
		}
		return source
	}
	if got := shown("", ""); got != "" {
		t.Errorf("without the script the page out of the history is of %q: the browser asks, and the document is wrong", got)
	}
	if got := shown(script, "new"); got != "new" {
		t.Errorf("with the script the page out of the history is of %q", got)
	}
}
