package isolation_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// special is a second origin, honest, whose pages print whom they were made for: every field of the request that the
// page depends on. A page never prints what it does not name in Vary or Segment-Vary, but for what must never reach
// it where its page is for everybody.
type special struct {
	addr    string
	version atomic.Uint64
	serial  atomic.Uint64
	failing atomic.Int32 // percent of the requests
}

// printed is the body of its pages.
type printed struct {
	Version uint64            `json:"version"` // read before the page is made, as prices are
	Serial  uint64            `json:"serial"`  // of this answer alone
	Target  string            `json:"target"`
	Saw     map[string]string `json:"saw"`
	Token   string            `json:"token"` // as real storefronts embed it
}

// mode is how a page of the special origin behaves, the second part of its path below the route.
type mode struct {
	name     string
	storable bool // the anonymous answer may be for everybody
	always   bool // and is so always
}

func modes() []mode {
	return []mode{
		{"plain", true, true}, {"lang", true, true}, {"short", true, true}, {"tagged", true, true}, {"late", true, true},
		{"narrow", true, true}, {"narrower", true, true}, {"targeted", true, true}, {"moody", true, false}, {"foreign", true, false},
		{"private", false, false}, {"nostore", false, false}, {"varycookie", false, false}, {"members", false, false},
		{"cookie", true, false}, {"slow", true, true}, {"big", true, false},
	}
}

func startSpecial(t *testing.T) *special {
	t.Helper()
	s := &special{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	server := &http.Server{Handler: s, MaxHeaderBytes: 64 << 10}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

// ServeHTTP reads the version first and takes its time then: what is purged meanwhile must not live on.
func (s *special) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := printed{Version: s.version.Load(), Serial: s.serial.Add(1), Target: r.URL.RequestURI()}
	time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
	if rand.IntN(100) < int(s.failing.Load()) {
		s.fail(w)
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) < 5 {
		http.NotFound(w, r)
		return
	}
	s.answer(w, r, parts[2], parts[3], &page)
}

func (s *special) fail(w http.ResponseWriter) {
	switch rand.IntN(3) {
	case 0:
		http.Error(w, "special: tripped", http.StatusInternalServerError)
	case 1: // a page that could be stored, had it come whole
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Content-Length", "4000")
		_, _ = w.Write([]byte(`{"version":1,`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		panic(http.ErrAbortHandler)
	}
}

// answer makes a page: its caching fields by mode, then what it may print.
func (s *special) answer(w http.ResponseWriter, r *http.Request, kind, mode string, page *printed) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("Surrogate-Key", fmt.Sprintf("special mode-%s page-%s", mode, strings.ReplaceAll(strings.Trim(r.URL.Path, "/"), "/", "-")))
	// One date for all segments, and older than any visit: real origins are like that.
	h.Set("Last-Modified", time.Date(2025, 6, 1, 12, int(page.Version), 0, 0, time.UTC).Format(http.TimeFormat))
	page.Token = r.Header.Get("X-Vtex-Segment")
	vary := varied(r)
	page.Saw = saw(r, kind == "pub" || kind == "pubstrip")
	switch mode {
	case "lang":
		vary = append(vary, "Accept-Language")
		page.Saw["accept-language"] = r.Header.Get("Accept-Language")
	case "targeted":
		h.Set("CDN-Cache-Control", "max-age=60")
		h.Set("Surrogate-Control", "max-age=60")
		h.Set("Expires", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
	case "narrow", "narrower":
		narrowPage(h, page, mode)
	case "late":
		time.Sleep(8 * time.Millisecond)
	case "foreign":
		if page.Serial%2 == 0 {
			page.Token = strangersToken(page.Serial)
		}
	case "moody":
		if page.Serial%3 == 0 {
			h.Set("Cache-Control", "private, max-age=60")
		}
	case "cookie":
		h.Set("Set-Cookie", fmt.Sprintf("third=%s%s; Path=/", cookieMark, digits(page.Serial)))
	case "private":
		h.Set("Cache-Control", "private, max-age=60")
	case "nostore":
		h.Set("Cache-Control", "no-store")
	case "varycookie":
		vary = append(vary, "Cookie")
	}
	for _, name := range vary {
		h.Add("Vary", name)
	}
	if (kind == "pub" || kind == "pubstrip") && r.Header.Get("X-Forwarded-For") != "" {
		// A pass: it prints who asked, so an honest page is for nobody else, however public its path.
		h.Set("Cache-Control", "private, max-age=60")
	}
	if mode == "members" && !signedIn(r) {
		s.turnAway(w, r, page)
		return
	}
	if mode == "members" {
		h.Set("Cache-Control", "private, max-age=60")
	}
	s.write(w, r, mode, page)
}

// cookieMark stands in front of what a Set-Cookie gives to one shopper.
const cookieMark = "thirdparty-"

func digits(n uint64) string { return fmt.Sprintf("%012d", n) }

// write sends the page, with a validator where it says nothing that changes with each answer.
func (s *special) write(w http.ResponseWriter, r *http.Request, mode string, page *printed) {
	if mode == "short" {
		w.Header().Set("Cache-Control", "public, max-age=1, stale-while-revalidate=1")
		etag := fmt.Sprintf("%q", fmt.Sprintf("%d-%x", page.Version, sum(page)))
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body, err := json.Marshal(page)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if mode == "big" { // more than the edges keep of one page
		body = append(body, bytes.Repeat([]byte(" "), 1<<20)...)
	}
	s.send(w, mode, page.Serial, body)
}

// send sends a body at once, or in two parts, of which those who wait for the page read the first before the second is
// there. Of some big ones the length is told before.
func (s *special) send(w http.ResponseWriter, mode string, serial uint64, body []byte) {
	if mode == "big" && serial%2 == 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	if mode == "slow" {
		half := len(body) / 2
		_, _ = w.Write(body[:half])
		_ = http.NewResponseController(w).Flush()
		time.Sleep(4 * time.Millisecond)
		if rand.IntN(100) < int(s.failing.Load()) {
			panic(http.ErrAbortHandler)
		}
		body = body[half:]
	}
	_, _ = w.Write(body)
}

// sum is of all that a page shows but for its serial.
func sum(page *printed) uint64 {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode([]any{page.Target, page.Saw, page.Token})
	return h.Sum64()
}

// signedIn tells whether the request shows that the shopper is signed in.
func signedIn(r *http.Request) bool {
	_, err := r.Cookie("sid")
	return err == nil || r.Header.Get("Authorization") != ""
}

// turnAway is what a page for members says to strangers.
func (s *special) turnAway(w http.ResponseWriter, r *http.Request, page *printed) {
	if page.Serial%2 == 0 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, "/login?returnUrl=/", http.StatusFound)
}

// varied is the conditional Vary of the public system's middleware: it names what the request carried (facts, 2.4).
func varied(r *http.Request) (names []string) {
	for _, name := range []string{"x-vtex-locale", "x-vtex-segment", "x-vtex-session"} {
		if r.Header.Get(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// saw is what the request told: on segment scope all of it, but for what must stand in Vary to count; on public scope
// what must never come there, wherever it is from.
func saw(r *http.Request, public bool) map[string]string {
	seen := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		if public && !telling(lower) || slices.Contains([]string{"accept", "accept-language", "accept-encoding", "user-agent", "if-none-match"}, lower) {
			continue
		}
		seen[lower] = strings.Join(values, "; ")
	}
	return seen
}

// telling says of a field that no page for everybody may depend on it.
func telling(lower string) bool {
	switch lower {
	case "cookie", "forwarded", "x-original-url", "x-rewrite-url", "x-http-method-override", "x-real-ip", "via":
		return true
	}
	return strings.HasPrefix(lower, "x-vtex-") || strings.HasPrefix(lower, "x-forwarded-")
}

// narrowPage is a page that depends on few fields and says so; it shows those and nothing else.
func narrowPage(h http.Header, page *printed, mode string) {
	names := []string{"channel", "priceTables", "regionId"}
	if mode == "narrower" {
		names = []string{"priceTables"}
	}
	h.Set("Segment-Vary", strings.Join(names, ", "))
	for name, value := range shown(page.Token, names) {
		page.Saw["segment "+name] = value
	}
	delete(page.Saw, "cookie")
	delete(page.Saw, "x-vtex-segment")
	delete(page.Saw, "x-vtex-locale")
	page.Token = ""
}

// shown reads fields out of a token as it came.
func shown(token string, names []string) map[string]string {
	out := map[string]string{}
	text, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil {
		return out
	}
	var fields map[string]any
	if json.Unmarshal(text, &fields) != nil {
		return out
	}
	for _, name := range names {
		out[name] = fmt.Sprint(fields[name])
	}
	return out
}

// strangersToken is a token that a misbehaving cache of the origin mixed up.
func strangersToken(serial uint64) string {
	c := group("2")
	c.value[channel], c.value[priceTables], c.value[regionID] = "2", "gold", "v2.STRANGER"
	c.value[utmSource] = fmt.Sprintf("stranger-%d", serial%5)
	return c.token()
}
