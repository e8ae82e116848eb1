package isolation_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
)

// issuer is a sidecar of aisle's own, which issues what half of the shoppers hold. It has the edges' seal keys, and
// nothing else in common with them. What it issues is compared with what it was asked for.
type issuer struct {
	t      *testing.T
	url    string
	client *http.Client
	issued atomic.Int64
}

const issuerKey = "isolation:a-secret-of-the-test-alone"

// startIssuer runs `aisle sessions`.
func startIssuer(t *testing.T, binary string) *issuer {
	t.Helper()
	dir := t.TempDir()
	addr, admin := ports.Address(t), ports.Address(t)
	id, secret, _ := strings.Cut(issuerKey, ":")
	files := map[string]string{
		"seal.keys": keysFile(), "backend.keys": id + " " + secret + "\n",
		"sidecar.yaml": fmt.Sprintf(`
admin: {listen: %q}
account: %s
upstreams: {storefront: {servers: ["http://127.0.0.1:1"]}}
segment:
  channels:
    "1": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$", channelPrivacy: public}
    "2": {countryCode: USA, cultureInfo: en-US, currencyCode: USD, currencySymbol: "$", channelPrivacy: public}
    "3": {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$", channelPrivacy: private}
  keys_file: %q
sessions:
  listen: %q
  store: {bolt: %q, sync: interval}
  token_keys_file: ./data/session.keys
  backend_keys_file: %q
  creates_per_minute: 0
`, admin, account, filepath.Join(dir, "seal.keys"), addr, filepath.Join(dir, "sessions.db"), filepath.Join(dir, "backend.keys")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := start(t, binary, "sessions", "--config", filepath.Join(dir, "sidecar.yaml"))
	awaitReady(t, "http://"+admin+"/readyz", log)
	return &issuer{t: t, url: "http://" + addr, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
}

// drawn is a random segment that a sidecar can be brought to issue.
func (p *population) drawn(r *rand.Rand) conditions {
	c := group("1")
	set := func(f, percent int, values ...string) {
		if chance(r, percent) {
			c.value[f] = pick(r, values...)
		}
	}
	if id := pick(r, "1", "1", "2", "2", "3"); id != "1" {
		c.enter(id)
	}
	set(priceTables, 50, "gold", "gold", "silver", "gold,silver", "platinum")
	set(regionID, 50, append([]string{"v2.UNKNOWN"}, p.regions...)...)
	set(campaigns, 30, "vip", "7f1c", "9a2e", "7f1c,other")
	set(utmCampaign, 30, "black friday", "newsletter", `say "<b>&amp;</b>"`)
	set(utmSource, 30, "google", "é-ü-€", "newsletter")
	set(utmiCampaign, 10, "banner", "hero")
	set(cultureInfo, 15, "en-US", "es-MX", "pt-PT")
	set(facets, 12, "productClusterIds=158;", "zip-code=01002020;country=BRA;")
	return c
}

// write is the request that brings a new session to a segment: shoppers' values as a shopper says them, the others by the
// backend's credential.
func write(c conditions) string {
	v := c.value
	type item struct {
		Value string `json:"value"`
	}
	body := map[string]map[string]item{
		"public":  {"utm_campaign": {v[utmCampaign]}, "utm_source": {v[utmSource]}, "utmi_cp": {v[utmiCampaign]}, "cultureInfo": {v[cultureInfo]}},
		"profile": {"priceTables": {v[priceTables]}}, "checkout": {"regionId": {v[regionID]}}, "rnb": {"campaigns": {v[campaigns]}}, "search": {"facets": {v[facets]}},
	}
	if v[channel] == "3" { // a private one has no members but by the backend's word
		body["store"] = map[string]item{
			"channel": {"3"}, "channelPrivacy": {"private"}, "currencyCode": {v[currencyCode]}, "currencySymbol": {v[currencySymbol]},
			"countryCode": {v[countryCode]}, "cultureInfo": {v[cultureInfo]},
		}
		delete(body["public"], "cultureInfo") // it would call the store's transform, which knows better
	} else {
		body["public"]["sc"] = item{v[channel]}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// issue begins a session and gives what it got; ok is false where that is not what was asked for, which is reported.
func (i *issuer) issue(c conditions) (token, seal string, ok bool) {
	q, err := http.NewRequest("POST", i.url+"/api/sessions", strings.NewReader(write(c)))
	if err != nil {
		i.t.Error(err)
		return "", "", false
	}
	q.Header.Set("X-Aisle-Backend-Key", issuerKey)
	res, err := i.client.Do(q)
	if err != nil {
		i.t.Errorf("the sidecar: %v", err)
		return "", "", false
	}
	defer res.Body.Close()
	for _, ck := range res.Cookies() {
		switch ck.Name {
		case "vtex_segment":
			token = ck.Value
		case "aisle_seal":
			seal = ck.Value
		}
	}
	text, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil || res.StatusCode != http.StatusCreated || string(text) != string(written(c)) {
		i.t.Errorf("difference: the sidecar was asked for %s and answered %d with %s", written(c), res.StatusCode, text)
		return "", "", false
	}
	i.issued.Add(1)
	return token, seal, true
}

// written is a segment as the public system writes it: the twelve fields always, the two others with a value.
func written(c conditions) []byte {
	var list []member
	for f, name := range fieldNames() {
		switch {
		case c.value[f] != "":
			list = append(list, member{name, quoted(c.value[f])})
		case f != adminCultureInfo && f != facets:
			list = append(list, member{name, "null"})
		}
	}
	return object(list)
}

// customer is a shopper whose cookies a sidecar has issued.
func (p *population) customer(r *rand.Rand) *shopper {
	c := p.drawn(r)
	token, seal, ok := p.issuer.issue(c)
	if !ok {
		return &shopper{}
	}
	c.extra = map[string]string{}
	return &shopper{token: token, seal: seal, readable: true, proven: true, stated: c}
}
