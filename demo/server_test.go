package demo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

func goldToken() string {
	s := demo.DefaultSegment()
	s.PriceTables = "gold"
	return s.Token()
}

func TestEveryLinkOfTheHomePageAnswers(t *testing.T) {
	s := newShop(t, demo.Options{})
	links := regexp.MustCompile(`(?:href|src|action)="(/[^"]*)"`)
	seen := map[string]bool{}
	for _, page := range []string{"/", "/c/lamps", "/s?q=oak", s.Catalogue().ByID(1).Path(), "/account", "/checkout/cart", "/login"} {
		for _, m := range links.FindAllSubmatch(s.get(t, page).body, -1) {
			link := html.UnescapeString(string(m[1]))
			if seen[link] || link == "/logout" {
				continue
			}
			seen[link] = true
			if a := s.get(t, link); a.status != http.StatusOK {
				t.Errorf("%s leads to %s: %d", page, link, a.status)
			}
		}
	}
	if len(seen) < 120 {
		t.Errorf("only %d links", len(seen))
	}
}

func TestFieldsOfAnswers(t *testing.T) {
	s := newShop(t, demo.Options{})
	even, odd := s.Catalogue().ByID(2), s.Catalogue().ByID(3)
	f := func(path string, status int, want map[string]string) {
		t.Helper()
		a := s.get(t, path)
		if a.status != status {
			t.Errorf("%s: %d, want %d", path, a.status, status)
		}
		for name, value := range want {
			values := a.header.Values(name)
			if value == "absent" {
				if len(values) > 0 {
					t.Errorf("%s: %s: %q, want none", path, name, values)
				}
				continue
			}
			if got := strings.Join(values, "|"); !strings.HasPrefix(got, value) || len(values) != 1 {
				t.Errorf("%s: %s: %q, want %q", path, name, values, value)
			}
		}
	}
	const page, private, modified = "public, max-age=60, stale-while-revalidate=30", "private, no-store", "Sun, 01 Jun 2025 12:00:00 GMT"
	f("/", 200, map[string]string{"Cache-Control": page, "Last-Modified": modified, "ETag": "absent", "Segment-Vary": "absent",
		"Vary": "absent", "Surrogate-Key": "home catalogue product-", "Content-Type": "text/html", "Set-Cookie": "absent"})
	f("/c/mugs", 200, map[string]string{"Cache-Control": page, "Last-Modified": modified, "Surrogate-Key": "category-mugs catalogue product-91"})
	f("/s?q=x", 200, map[string]string{"Cache-Control": page, "Surrogate-Key": "search catalogue"})
	f(even.Path(), 200, map[string]string{"Cache-Control": page, "ETag": `"`, "Last-Modified": modified, "Surrogate-Key": "category-lamps catalogue product-2",
		"Segment-Vary": "channel, currencyCode, currencySymbol, countryCode, cultureInfo, channelPrivacy, regionId"})
	f(odd.Path(), 200, map[string]string{"ETag": `"`, "Segment-Vary": "absent"})
	f("/about", 200, map[string]string{"Segment-Vary": "", "Cache-Control": page})
	f("/nothing", 404, map[string]string{"Cache-Control": "public, max-age=10", "Last-Modified": "absent", "ETag": "absent"})
	f("/account", 200, map[string]string{"Cache-Control": private, "Last-Modified": "absent", "ETag": "absent"})
	f("/checkout/cart", 200, map[string]string{"Cache-Control": private})
	f("/cart", 302, map[string]string{"Cache-Control": private, "Location": "/checkout/cart"})
	f("/checkout/payment", 404, map[string]string{"Cache-Control": "no-store"})
	f("/login", 200, map[string]string{"Cache-Control": private})
	f("/_v/private/cart", 200, map[string]string{"Cache-Control": private, "Vary": "x-vtex-locale, x-vtex-segment, x-vtex-session"})
	f("/_v/private/other", 404, nil)
	f("/_v/public/catalog.json", 200, map[string]string{"Cache-Control": page, "Vary": "absent", "Content-Type": "application/json"})
	f("/_v/public/other", 404, nil)
	f("/_v/segment/other", 404, nil)
	f("/assets/style.css", 200, map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/css", "ETag": `"`, "Vary": "absent"})
	f("/assets/app.js", 200, map[string]string{"Content-Type": "text/javascript"})
	f("/assets/logo.svg", 200, map[string]string{"Content-Type": "image/svg+xml"})
	f("/assets/product-17.svg", 200, map[string]string{"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=31536000, immutable"})
	for _, bad := range []string{"product-0.svg", "product-361.svg", "product-017.svg", "product-17.png", "product-x.svg", "nothing.css", "../server.go", ""} {
		f("/assets/"+bad, 404, map[string]string{"Cache-Control": "no-store"})
	}
	f("/healthz", 200, map[string]string{"Cache-Control": "no-store"})
}

func TestOptionsSetTheFreshnessOfPages(t *testing.T) {
	f := func(o demo.Options, want string) {
		t.Helper()
		if got := newShop(t, o).get(t, "/").header.Get("Cache-Control"); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
	f(demo.Options{MaxAge: 5 * time.Minute, Grace: time.Hour}, "public, max-age=300, stale-while-revalidate=3600")
	f(demo.Options{MaxAge: -1, Grace: -1}, "public, max-age=0")
	f(demo.Options{MaxAge: time.Second, Grace: -1}, "public, max-age=1")
}

func TestVaryNamesWhatTheRequestCarried(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(path, want string, header ...string) {
		t.Helper()
		if got := strings.Join(s.get(t, path, header...).header.Values("Vary"), "|"); got != want {
			t.Errorf("%s with %v: Vary %q, want %q", path, header, got, want)
		}
	}
	for _, path := range []string{"/", "/c/lamps", s.Catalogue().ByID(2).Path(), "/nothing", "/_v/segment/graphql/v1"} {
		f(path, "")
		f(path, "", "Cookie", "vtex_segment="+goldToken())
		f(path, "x-vtex-segment", "X-Vtex-Segment", goldToken())
		f(path, "x-vtex-locale", "X-Vtex-Locale", "pt-BR")
		f(path, "x-vtex-locale, x-vtex-segment", "X-Vtex-Segment", goldToken(), "X-Vtex-Locale", "pt-BR")
		f(path, "x-vtex-segment", "X-Vtex-Segment", "")
	}
	f("/assets/app.js", "", "X-Vtex-Segment", goldToken())
	f("/_v/public/catalog.json", "", "X-Vtex-Segment", goldToken())
}

func TestSegmentIsTakenFromTheHeaderThenTheCookie(t *testing.T) {
	s := newShop(t, demo.Options{})
	silver := demo.DefaultSegment()
	silver.PriceTables = "silver"
	def := demo.DefaultSegment().Token()
	f := func(name, want string, header ...string) {
		t.Helper()
		page := s.get(t, "/", header...).body
		if got := tokenOf(t, page); got != want {
			t.Errorf("%s: token %s, want %s", name, got, want)
		}
		if got := blockOf(t, page).Token; got != want {
			t.Errorf("%s: token %s in the block, want %s", name, got, want)
		}
	}
	f("neither", def)
	f("cookie", goldToken(), "Cookie", "a=b; vtex_segment="+goldToken()+"; c=d")
	f("header", goldToken(), "X-Vtex-Segment", goldToken())
	f("both", goldToken(), "X-Vtex-Segment", goldToken(), "Cookie", "vtex_segment="+silver.Token())
	f("duplicate cookies, the last", silver.Token(), "Cookie", "vtex_segment="+goldToken()+"; vtex_segment="+silver.Token())
	f("quoted", goldToken(), "Cookie", `vtex_segment="`+goldToken()+`"`)
	f("padded", goldToken(), "Cookie", "vtex_segment="+goldToken()+"==")
	f("malformed", def, "Cookie", "vtex_segment=%%%")
	f("malformed header", def, "X-Vtex-Segment", "!", "Cookie", "vtex_segment="+goldToken())
	f("other cookie", def, "Cookie", "vtex_segments="+goldToken())
}

func TestConditionalRequestsAreAnsweredAsRealOriginsDo(t *testing.T) {
	s := newShop(t, demo.Options{})
	product := s.Catalogue().ByID(1).Path() // has a price of its own
	first := s.get(t, product)
	etag, date := first.header.Get("ETag"), first.header.Get("Last-Modified")
	if gold := s.get(t, product, "X-Vtex-Segment", goldToken()); gold.header.Get("ETag") == etag || gold.header.Get("Last-Modified") != date {
		t.Fatalf("gold: ETag %s and Last-Modified %s; want another than %s, and %s", gold.header.Get("ETag"), gold.header.Get("Last-Modified"), etag, date)
	}
	f := func(name, path string, want int, header ...string) {
		t.Helper()
		a := s.get(t, path, header...)
		if a.status != want {
			t.Errorf("%s: %d, want %d", name, a.status, want)
		}
		if a.status == http.StatusNotModified && (len(a.body) > 0 || a.header.Get("Cache-Control") == "" || a.header.Get("Content-Type") != "") {
			t.Errorf("%s: a 304 with body %q and fields %v", name, a.body, a.header)
		}
	}
	f("its ETag", product, 304, "If-None-Match", etag)
	f("its ETag, weak", product, 304, "If-None-Match", "W/"+etag)
	f("its ETag in a list", product, 304, "If-None-Match", `"x", `+etag)
	f("its ETag in a second line", product, 304, "If-None-Match", `"x"`, "If-None-Match", etag)
	f("any", product, 304, "If-None-Match", "*")
	f("another ETag", product, 200, "If-None-Match", `"x"`)
	f("the ETag of another segment", product, 200, "If-None-Match", etag, "X-Vtex-Segment", goldToken())
	f("the trap: the date counts for every segment", product, 304, "If-Modified-Since", date, "X-Vtex-Segment", goldToken())
	f("the trap on the home page", "/", 304, "If-Modified-Since", date, "Cookie", "vtex_segment="+goldToken())
	f("a later date", product, 304, "If-Modified-Since", "Mon, 02 Jun 2025 12:00:00 GMT")
	f("an earlier date", product, 200, "If-Modified-Since", "Sun, 01 Jun 2025 11:59:59 GMT")
	f("no date", product, 200, "If-Modified-Since", "yesterday")
	f("If-None-Match goes first", product, 200, "If-None-Match", `"x"`, "If-Modified-Since", date)
	f("no ETag to match", "/", 200, "If-None-Match", "*")
	f("a page that is not there", "/nothing", 404, "If-Modified-Since", date)
	f("an account", "/account", 200, "If-Modified-Since", date)
	asset := s.get(t, "/assets/style.css").header.Get("ETag")
	f("an asset", "/assets/style.css", 304, "If-None-Match", asset)
	s.Reprice()
	f("a new price list, by date", product, 200, "If-Modified-Since", date)
	f("a new price list, by ETag", product, 200, "If-None-Match", etag)
	f("assets stay", "/assets/style.css", 304, "If-None-Match", asset)
}

func TestHeadHasTheFieldsOfGet(t *testing.T) {
	s := newShop(t, demo.Options{})
	for _, path := range []string{"/", s.Catalogue().ByID(2).Path(), "/assets/app.js", "/_v/public/catalog.json", "/nothing", "/account"} {
		get, head := s.get(t, path), s.do(t, http.MethodHead, path, "")
		get.header.Del("Date")
		head.header.Del("Date")
		if diff := cmp.Diff(get.header, head.header); diff != "" || len(head.body) > 0 || head.status != get.status {
			t.Errorf("%s: status %d, %d bytes, fields (-get +head):\n%s", path, head.status, len(head.body), diff)
		}
	}
}

func TestMethodsThatAPathDoesNotHave(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(method, path string, allow ...string) {
		t.Helper()
		a := s.do(t, method, path, "")
		if got := a.header.Values("Allow"); a.status != http.StatusMethodNotAllowed || !slices.Equal(got, allow) {
			t.Errorf("%s %s: %d, Allow %v; want 405, %v", method, path, a.status, got, allow)
		}
	}
	f("POST", "/", "GET", "HEAD")
	f("PUT", s.Catalogue().ByID(1).Path(), "GET", "HEAD")
	f("DELETE", "/assets/app.js", "GET", "HEAD")
	f("POST", "/_v/segment/graphql/v1", "GET", "HEAD")
	f("POST", "/_v/private/cart", "GET", "HEAD")
	f("DELETE", "/checkout/cart", "GET", "HEAD", "POST")
	f("DELETE", "/login", "GET", "HEAD", "POST")
	f("PUT", "/logout", "GET", "POST")
	f("GET", "/_demo/reprice", "POST")
	f("POST", "/_demo/state", "GET", "HEAD")
}

func graphqlPath(name, hash, variables string) string {
	q := newQuery("operationName", name, "variables", variables, "extensions", `{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`)
	return "/_v/segment/graphql/v1?" + q
}

func TestPersistedQueryForPrices(t *testing.T) {
	s := newShop(t, demo.Options{})
	type price struct {
		ID        int
		Price     int64
		Currency  string
		Formatted string
	}
	f := func(name, variables string, header []string, token string, want ...price) {
		t.Helper()
		a := s.get(t, graphqlPath("ProductPrices", demo.PricesHash(), variables), header...)
		var got struct {
			Data struct {
				Prices   []price
				Revision uint64
			}
			SegmentToken string
		}
		a.json(t, &got)
		if diff := cmp.Diff(append([]price{}, want...), got.Data.Prices); diff != "" || got.SegmentToken != token {
			t.Errorf("%s: token %s, want %s; prices (-want +got):\n%s", name, got.SegmentToken, token, diff)
		}
		if a.header.Get("Cache-Control") != "public, max-age=60, stale-while-revalidate=30" || a.header.Get("ETag") == "" || a.header.Get("Last-Modified") == "" {
			t.Errorf("%s: fields %v", name, a.header)
		}
		for _, p := range want {
			if !slices.Contains(strings.Fields(a.header.Get("Surrogate-Key")), s.Catalogue().ByID(p.ID).Tags()[0]) {
				t.Errorf("%s: no tag of %d in %q", name, p.ID, a.header.Get("Surrogate-Key"))
			}
		}
	}
	plain, dollars := demo.DefaultSegment(), demo.ChannelSegment("2")
	dollars.PriceTables = "gold"
	one := func(id int, seg demo.Segment) price {
		o := demo.Quote(s.Catalogue().ByID(id), 0, seg)
		return price{id, o.Price, seg.CurrencyCode, demo.Money(o.Price, seg.CurrencySymbol, seg.CultureInfo)}
	}
	f("two products", `{"ids":[1,2]}`, nil, plain.Token(), one(1, plain), one(2, plain))
	f("gold in dollars", `{"ids":[1]}`, []string{"X-Vtex-Segment", dollars.Token()}, dollars.Token(), one(1, dollars))
	f("an unknown product", `{"ids":[0,5,9999]}`, nil, plain.Token(), one(5, plain))
	f("none", `{"ids":[]}`, nil, plain.Token())
}

func TestPersistedQueryRefusals(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(path, says string) {
		t.Helper()
		a := s.get(t, path)
		var got struct{ Errors []struct{ Message string } }
		a.json(t, &got)
		if a.status != 200 || len(got.Errors) != 1 || !strings.Contains(got.Errors[0].Message, says) || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q %q, want %q", path, a.status, a.header.Get("Cache-Control"), a.body, says)
		}
	}
	f("/_v/segment/graphql/v1", "extensions is not JSON")
	f(graphqlPath("ProductPrices", "00ff", `{"ids":[1]}`), "PersistedQueryNotFound")
	f(graphqlPath("Other", demo.PricesHash(), `{"ids":[1]}`), "PersistedQueryNotFound")
	f(graphqlPath("ProductPrices", demo.PricesHash(), `{"ids":"1"}`), "variables")
	f(graphqlPath("ProductPrices", demo.PricesHash(), `{"ids":[`+strings.Repeat("1,", 100)+`1]}`), "at most 100")
	f(graphqlPath("ProductPrices", demo.PricesHash(), ``), "variables")
}

func TestPricesHashIsInTheScript(t *testing.T) {
	s := newShop(t, demo.Options{})
	if script := s.get(t, "/assets/app.js").body; !bytes.Contains(script, []byte(demo.PricesHash())) || bytes.Contains(script, []byte("@PRICES")) {
		t.Error("app.js does not send the hash of the query")
	}
	if raw, err := hex.DecodeString(demo.PricesHash()); err != nil || len(raw) != sha256.Size {
		t.Errorf("hash %q", demo.PricesHash())
	}
}

func TestPublicCatalogueHasNoPrices(t *testing.T) {
	s := newShop(t, demo.Options{})
	plain := s.get(t, "/_v/public/catalog.json")
	gold := s.get(t, "/_v/public/catalog.json", "Cookie", "vtex_segment="+goldToken(), "X-Vtex-Segment", goldToken())
	if !bytes.Equal(plain.body, gold.body) || bytes.Contains(plain.body, []byte("price")) {
		t.Error("the public catalogue tells shoppers apart")
	}
	var got struct {
		Products []struct{ Name, Path, Category string }
	}
	plain.json(t, &got)
	if len(got.Products) != 360 || got.Products[0].Path != s.Catalogue().ByID(1).Path() || got.Products[0].Category != "lamps" {
		t.Errorf("%d products, the first %+v", len(got.Products), got.Products[:1])
	}
}

func TestLatencyIsWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := demo.New(demo.Options{Latency: 80 * time.Millisecond, Jitter: 40 * time.Millisecond, Seed: 7}).Handler()
		shortest, longest := time.Hour, time.Duration(0)
		for range 50 {
			start := time.Now()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/healthz", nil))
			took := time.Since(start)
			shortest, longest = min(shortest, took), max(longest, took)
		}
		if shortest < 80*time.Millisecond || longest >= 120*time.Millisecond || longest-shortest < 20*time.Millisecond {
			t.Errorf("between %v and %v, want an even spread over 80 to 120 ms", shortest, longest)
		}
	})
}

func TestLatencyEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := demo.New(demo.Options{Latency: time.Hour}).Handler()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w, start := httptest.NewRecorder(), time.Now()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		if took := time.Since(start); took != time.Second || w.Body.Len() > 0 {
			t.Errorf("took %v and wrote %d bytes", took, w.Body.Len())
		}
	})
}

func TestServeRunsUntilItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- demo.Serve(ctx, demo.Options{Listen: "127.0.0.1:0"}, func(addr string) { ready <- addr })
	}()
	addr := <-ready
	res, err := http.Get("http://" + addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("healthz: %s", res.Status)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the address still listens")
	}
}

func TestServeCutsOffWhatOutlastsTheDrain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, done, cut := make(chan string, 1), make(chan error, 1), make(chan error, 1)
	o := demo.Options{Listen: "127.0.0.1:0", FailureMode: demo.FaultHang, FailureRate: 1, Drain: time.Millisecond}
	go func() { done <- demo.Serve(ctx, o, func(addr string) { ready <- addr }) }()
	addr := <-ready
	go func() {
		res, err := http.Get("http://" + addr + "/")
		if err == nil {
			res.Body.Close()
		}
		cut <- err
	}()
	waitFor(t, "http://"+addr, func(st demo.State) bool { return st.Requests["home"] == 1 })
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if err := <-cut; err == nil {
		t.Error("the hanging request got an answer")
	}
}

func TestServeRefusesWhatMakesNoSense(t *testing.T) {
	f := func(o demo.Options, says ...string) {
		t.Helper()
		err := demo.Serve(t.Context(), o, func(string) { t.Error("it listened") })
		for _, part := range says {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%+v: error %v does not say %q", o, err, part)
			}
		}
	}
	f(demo.Options{FailureRate: 2, Latency: -1, Jitter: -time.Second, Drain: -1}, "failure rate 2", "latency -1ns", "jitter -1s", "drain -1ns")
	f(demo.Options{FailureRate: -0.5}, "failure rate -0.5")
	f(demo.Options{Listen: "nowhere"}, "nowhere")
	f(demo.Options{Account: "a;b"}, `account "a;b"`)
	f(demo.Options{Store: "/nowhere"}, "/nowhere", "customers.csv", "regions.csv", "shoppers.jwks")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f(demo.Options{Listen: taken.Addr().String()}, taken.Addr().String(), "in use")
}
