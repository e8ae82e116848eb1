package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/aislecache/aisle/tests/rig"
)

type action = chromedp.Action[chromedp.Void]

// browser is a window of a real browser, driven as a person would: links, forms, Back and Reload.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	document string // Cache-Status of the last document that came over the network
	faults   []string
}

// patience bounds a step. A machine that does other things beside is slow to start a browser, and has been seen to be.
const patience = 60 * time.Second

// newChromium starts Debian's browser without a window. Each browser of it that is opened has cookies and a cache of its own.
func newChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		rig.Need(t, "Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 1000), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-quic", true), chromedp.WSURLReadTimeout(patience),
		// What the automation turns off, and shoppers have: pages that come out of history as they were left.
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter"), chromedp.Flag("enable-features", "BackForwardCache"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return ctx
}

// newBrowser opens a browser without any history at a shop.
func newBrowser(t *testing.T, chromium context.Context, base string) *browser {
	t.Helper()
	ctx, end := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	b := &browser{t: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// hear remembers how documents came, and what should not have come at all.
func (b *browser) hear(event any) {
	e, ok := event.(*network.EventResponseReceived)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Response.Status >= 400 && !strings.HasSuffix(e.Response.URL, "/favicon.ico") {
		b.faults = append(b.faults, fmt.Sprintf("%d %s", e.Response.Status, e.Response.URL))
	}
	if e.Type != network.ResourceTypeDocument {
		return
	}
	for name, value := range e.Response.Headers {
		if text, ok := value.(string); ok && strings.EqualFold(name, "cache-status") {
			b.document = text
		}
	}
}

// cacheStatus is that of the last document.
func (b *browser) cacheStatus() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.document
}

func (b *browser) run(actions ...action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v\nbad answers: %q", err, b.faults)
	}
}

// steps does what brings another document, and waits until that has come and its script has seen to it that it is the right one.
func (b *browser) steps(actions ...action) {
	b.t.Helper()
	// A document that comes back out of the browser's memory is as it was left.
	b.eval(`window.before = true; addEventListener("pageshow", () => { window.before = false }); ""`)
	b.run(actions...)
	b.settles()
}

func (b *browser) settles() {
	b.t.Helper()
	const settled = `String(!window.before && document.readyState === "complete" && document.documentElement.dataset.session === "ready")`
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// Asked anew each time: what waits within a document goes with it.
		var is string
		if is, last = chromedp.Run(b.ctx, chromedp.Evaluate[string](settled)); is == "true" {
			return
		}
	}
	b.t.Fatalf("the page has not settled: %v\nbad answers: %q", last, b.faults)
}

func (b *browser) opens(path string) {
	b.t.Helper()
	b.steps(chromedp.Navigate(b.base + path))
}

// goesBack presses Back. chromedp's own waits for a load, which a page out of the browser's memory has not.
func (b *browser) goesBack() {
	b.t.Helper()
	b.steps(script(`history.back()`))
}

// script is an action in JavaScript. chromedp's selectors wait for ever on a page out of the browser's memory.
func script(text string) action {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[string]("(() => {"+text+"; return \"\"})()")(ctx, t)
		return chromedp.Void{}, err
	}
}

// click presses a link or a button.
func click(selector string) action {
	return script(fmt.Sprintf(`document.querySelector(%q).click()`, selector))
}

// send fills a field in and sends its form, as Enter does.
func send(field, text string) action {
	return script(fmt.Sprintf(`const f = document.querySelector(%q); f.value = %q; f.form.requestSubmit()`, field, text))
}

// eval evaluates JavaScript that gives a text.
func (b *browser) eval(script string) string {
	b.t.Helper()
	return result(b, chromedp.Evaluate[string](script))
}

// result runs an action that gives something.
func result[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatalf("%v\nbad answers: %q", err, b.faults)
	}
	return value
}

// keeps writes a picture of the page to the artifacts.
func (b *browser) keeps(name string) {
	b.t.Helper()
	picture := result(b, chromedp.FullScreenshot(100))
	dir := filepath.Join(artifacts(b.t), "shopper")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
