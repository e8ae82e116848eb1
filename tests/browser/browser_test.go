package browser_test

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// page is a product with a price of its own in price tables.
const page = "/table-lamp-aurora/p"

// chromium runs the browser once, without a window, with a profile that is empty and its own.
func chromium(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		rig.Need(t, "Chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" + t.TempDir(),
	}, args...)...)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium %v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// artifacts is where pictures are kept for whoever wants to look: AISLE_ARTIFACTS, or the system's temporary folder.
func artifacts(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("AISLE_ARTIFACTS")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "aisle-artifacts")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T) *rig.Edge {
	t.Helper()
	bin := rig.Aisle(t)
	config, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The documented configuration, at ports of the system's choice.
	text := strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:0", "127.0.0.1:8081", "127.0.0.1:0", "http://127.0.0.1:9000", rig.RunDemo(t, bin)).
		Replace(string(config))
	return rig.RunEdge(t, bin, text)
}

// TestProductPage: a browser shows the page through the edge, from memory the second time, with its style and script.
func TestProductPage(t *testing.T) {
	edge := start(t)
	first := chromium(t, "--dump-dom", edge.URL+page)
	for _, want := range []string{"<title>Table lamp Aurora · Casa Lume</title>", "R$ 168,90", `"segmentToken":`} {
		if !strings.Contains(first, want) {
			t.Errorf("the page as the browser has it lacks %q", want)
		}
	}
	if r := rig.Get(t, edge.URL+page); r.Status != 200 || !r.Hit() {
		t.Errorf("after the browser's visit: %d %s", r.Status, r.CacheStatus())
	}
	if second := chromium(t, "--dump-dom", edge.URL+page); !strings.Contains(second, "R$ 168,90") {
		t.Error("the page from memory has lost its price")
	}
	style := regexp.MustCompile(`/assets/style\.css[^"]*`).FindString(first)
	if r := rig.Get(t, edge.URL+style); style == "" || r.Status != 200 || !r.Hit() {
		t.Errorf("the browser did not fetch the style sheet %q through the edge: %d %s", style, r.Status, r.CacheStatus())
	}
}

// TestScreenshot keeps a picture of the page and checks that there is something on it.
func TestScreenshot(t *testing.T) {
	edge := start(t)
	file := filepath.Join(artifacts(t), "product.png")
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	chromium(t, "--window-size=1280,1400", "--hide-scrollbars", "--screenshot="+file, edge.URL+page)
	t.Logf("picture: %s", file)
	data, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	picture, err := png.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 1280 || size.Y != 1400 {
		t.Errorf("the picture is of %v", size)
	}
	colours := map[[3]uint32]bool{}
	for y := 0; y < 1400; y += 7 {
		for x := 0; x < 1280; x += 7 {
			r, g, b, _ := picture.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	// A page without its style sheet or picture has a handful of greys.
	if len(colours) < 100 {
		t.Errorf("the picture has %d colours: there is no page on it", len(colours))
	}
}
