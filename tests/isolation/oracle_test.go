package isolation_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// spec is the token of the public API description (facts/sessions.md, 1.1).
const spec = `{"campaigns":null,"channel":"1","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,` +
	`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"en-US","channelPrivacy":"public"}`

// TestOracleTokens: what the oracle wants the origin to be asked is written as the public system writes it.
func TestOracleTokens(t *testing.T) {
	c := group("1")
	c.value[cultureInfo] = "en-US"
	f := func(want string) {
		t.Helper()
		if got := string(object(c.members())); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(spec)
	if want := base64.RawStdEncoding.EncodeToString([]byte(spec)); c.token() != want {
		t.Errorf("token %s, want %s", c.token(), want)
	}
	c.value[facets], c.value[adminCultureInfo], c.extra = "a=1;", "pt-BR", map[string]string{"x": "1", "b": `"<&>"`}
	f(strings.Replace(strings.TrimSuffix(spec, "}")+`,"facets":"a=1;","b":"<&>","x":1}`, `,"channelPrivacy"`, `,"admin_cultureInfo":"pt-BR","channelPrivacy"`, 1))
}

// TestOracleProjections: the rules of DESIGN.md as this package reads them, on cases that were worked out by hand.
func TestOracleProjections(t *testing.T) {
	f := func(cookie string, sealed bool, query []param, fields []string, want string) {
		t.Helper()
		s := &shopper{readable: true, proven: sealed}
		var members map[string]string
		if err := json.Unmarshal([]byte(cookie), &members); err != nil {
			t.Fatal(err)
		}
		for i, name := range fieldNames() {
			s.stated.value[i] = members[name]
		}
		q := &request{shopper: s, query: query, route: route{scope: segmentScope, fields: fields}}
		var changed []string
		for i, v := range q.shared().value {
			if v != group("1").value[i] {
				changed = append(changed, fieldNames()[i]+"="+v)
			}
		}
		if got := strings.Join(changed, " "); got != want {
			t.Errorf("%s sealed=%v %v in %q: %q, want %q", cookie, sealed, query, fields, got, want)
		}
	}
	const dollars = "currencyCode=USD currencySymbol=$ countryCode=USA cultureInfo=en-US"
	f(`{}`, false, nil, nil, "")
	f(`{"channel":"2"}`, false, nil, nil, "channel=2 "+dollars)
	f(`{"channel":"2","priceTables":"gold"}`, true, nil, []string{"channel"}, "channel=2 "+dollars)
	f(`{"channel":"2","priceTables":"gold"}`, true, nil, []string{"priceTables"}, "priceTables=gold")
	f(`{"channel":"2","priceTables":"gold"}`, false, nil, nil, "channel=2 "+dollars)
	f(`{"channel":"3"}`, false, nil, nil, "")
	f(`{"channel":"3"}`, true, nil, nil, "channel=3 channelPrivacy=private")
	f(`{"channel":"03"}`, false, nil, nil, "")
	f(`{"channel":"9","cultureInfo":"es-MX"}`, false, nil, nil, "channel=9 cultureInfo=es-MX")
	f(`{"utm_source":"a"}`, false, []param{{"utm_source", "b"}, {"utm_source", "c"}}, nil, "utm_source=b")
	f(`{"priceTables":"gold","cultureInfo":"es-MX"}`, true, []param{{"sc", "2"}}, nil, "channel=2 priceTables=gold "+dollars)
	f(`{"channel":"2"}`, false, []param{{"sc", "3"}}, nil, "channel=2 "+dollars)
	f(`{"channel":"2"}`, false, []param{{"sc", "9"}, {"utmi_cp", "x"}}, []string{"utmi_campaign"}, "utmi_campaign=x")
}

// TestOracleTargets: what leaves the target, and in which order the rest stands.
func TestOracleTargets(t *testing.T) {
	f := func(path, want string, query ...param) {
		t.Helper()
		if got := routeOf(path).target(path, query); got != want {
			t.Errorf("%s %v: %s, want %s", path, query, got, want)
		}
	}
	f("/", "/", param{"sc", "2"}, param{"gclid", "x"})
	f("/s", "/s?a=1&a=0&q=x+y", param{"q", "x y"}, param{"a", "1"}, param{"utm_source", "g"}, param{"a", "0"})
	f("/x/pub/plain/0", "/x/pub/plain/0?sc=2", param{"utm_medium", "m"}, param{"sc", "2"})
}

// TestFloors: a purge counts for what begins after it was acknowledged, and for what it names.
func TestFloors(t *testing.T) {
	var fl floors
	before := fl.begin()
	fl.raise(3, tagName("a"))
	after := fl.begin()
	fl.raise(7, allDemo)
	f := func(want uint64, began int, names ...string) {
		t.Helper()
		if got := fl.of(began, names...); got != want {
			t.Errorf("%v from %d on: %d, want %d", names, began, got, want)
		}
	}
	f(0, before, tagName("a"), allDemo)
	f(3, after, tagName("a"), allDemo)
	f(0, after, tagName("b"))
	f(7, fl.begin(), tagName("a"), allDemo)
}

// TestMarks: whatever another request sent is found, wherever it stands.
func TestMarks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	mine, other, mail := nonce(rng), nonce(rng), nonce(rng)
	q := &request{nonce: mine, shopper: &shopper{email: "gold@" + mail + ".example"}}
	f := func(bad bool, body string, h http.Header) {
		t.Helper()
		if v := newOracle(&tally{}).checkMarks(q, &answer{200, h, []byte(body)}); (v != "") != bad {
			t.Errorf("%q %v: %q", body, h, v)
		}
	}
	f(false, "nothing", nil)
	f(false, mine+" "+mail, http.Header{"X": {mine}})
	f(true, mine+" "+other, nil)
	f(true, "cut "+other[:12], nil)
	f(true, "", http.Header{"Set-Cookie": {"a=" + other}})
}

// TestCookiesGoOut once.
func TestCookiesGoOut(t *testing.T) {
	o := newOracle(&tally{})
	rng := rand.New(rand.NewPCG(1, 2))
	f := func(bad bool, line string) {
		t.Helper()
		q := &request{route: route{scope: segmentScope}, nonce: nonce(rng)}
		if v := o.checkCookies(q, &answer{200, http.Header{"Set-Cookie": {line}}, nil}); (v != "") != bad {
			t.Errorf("%q: %q", line, v)
		}
	}
	f(false, "third="+cookieMark+"1; Path=/")
	f(false, "third="+cookieMark+"2; Path=/")
	f(true, "third="+cookieMark+"1; Path=/")
	f(true, "vtex_segment=x")
}

// TestLives: how long browsers and CDNs keep what they get.
func TestLives(t *testing.T) {
	f := func(browser, cdn time.Duration, lines ...string) {
		t.Helper()
		h := http.Header{}
		for _, l := range lines {
			name, value, _ := strings.Cut(l, ": ")
			h.Add(name, value)
		}
		if b, c := privateLife(h), sharedLife(h); b != browser || c != cdn {
			t.Errorf("%q: a browser keeps it for %s, a CDN for %s", lines, b, c)
		}
	}
	f(0, 0, "Cache-Control: private, no-cache")
	f(0, 0, "Cache-Control: private, no-cache, no-store", "ETag: \"x\"")
	f(time.Minute, time.Minute, "Cache-Control: public, max-age=60")
	f(50*time.Second, 50*time.Second, "Cache-Control: max-age=60", "Age: 10")
	f(time.Second, time.Minute, "Cache-Control: max-age=1, s-maxage=60")
	f(time.Second, 0, "Cache-Control: private, max-age=1")
	f(0, time.Minute, "Cache-Control: no-cache", "CDN-Cache-Control: max-age=60")
	f(time.Minute, 0, "Cache-Control: max-age=60", "Vary: Cookie")
	f(time.Minute, 0, "Cache-Control: max-age=60", "Set-Cookie: a=b")
}

// TestExcuses: failures are excused while an origin fails and for a while after.
func TestExcuses(t *testing.T) {
	var w weather
	if w.excuses(time.Now()) {
		t.Error("excused before any storm")
	}
	w.storm()
	if !w.excuses(time.Now()) {
		t.Error("not excused in a storm")
	}
	w.calm(time.Hour)
	if now := time.Now(); !w.excuses(now) || w.excuses(now.Add(2*time.Hour)) {
		t.Error("the calm is not an hour after the storm")
	}
}

// TestSpecialPrints: what the second origin prints of a request is what makes its pages differ.
func TestSpecialPrints(t *testing.T) {
	s := startSpecial(t)
	f := func(path string, send []header, want map[string]string) {
		t.Helper()
		w := &wire{addr: s.addr}
		defer w.close()
		a, err := w.send(http.MethodGet, message(http.MethodGet, path, "shop.test", send, ""))
		if err != nil {
			t.Fatal(err)
		}
		var page printed
		if err := json.Unmarshal(a.body, &page); err != nil {
			t.Fatalf("%s: %v", a.body, err)
		}
		want["host"] = "shop.test"
		if diff := cmp.Diff(want, page.Saw); diff != "" {
			t.Errorf("%s saw (-want +got):\n%s", path, diff)
		}
	}
	token := group("2").token()
	about := []header{{"X-Vtex-Segment", token}, {"Cookie", "a=b"}, {"X-Nonce", "n"}, {"Accept-Language", "de"}}
	f("/x/all/plain/0", about, map[string]string{"x-vtex-segment": token, "cookie": "a=b", "x-nonce": "n"})
	f("/x/pub/plain/0", about, map[string]string{"x-vtex-segment": token, "cookie": "a=b"})
	f("/x/all/lang/0", about, map[string]string{"x-vtex-segment": token, "cookie": "a=b", "x-nonce": "n", "accept-language": "de"})
	f("/x/all/narrower/0", about, map[string]string{"x-nonce": "n", "segment priceTables": "<nil>"})
}

// TestMirror: the mirror is the storefront at a price list, and sees what differs.
func TestMirror(t *testing.T) {
	m := newMirror()
	gold := group("1")
	gold.value[priceTables] = "gold"
	plain, other := m.page(2, "/c/lamps", group("1").token()), m.page(2, "/c/lamps", gold.token())
	if plain.hash == other.hash || plain.status != http.StatusOK {
		t.Errorf("one page for two price tables: %+v and %+v", plain, other)
	}
	if next := m.page(3, "/c/lamps", group("1").token()); next.hash == plain.hash {
		t.Error("one page for two price lists")
	}
	body := m.ask(2, "/c/lamps", gold.token()).Body.Bytes()
	if revision, ok := revisionOf(body); !ok || revision != 2 {
		t.Errorf("revision %d, %v", revision, ok)
	}
	if !strings.Contains(machineBlock(body), fmt.Sprintf("%q", "gold")) {
		t.Errorf("no gold in %.200s", machineBlock(body))
	}
}

// TestSealedByHand: the oracle's own seal, on an example that was worked out with openssl.
func TestSealedByHand(t *testing.T) {
	got := currentKey().seal("isolation", "dG9rZW4", time.Unix(1_800_000_000, 0))
	const want = "v1.k2.1800000000.05ce7d2cf784d70a6d6fa3ca82a14ee6"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
