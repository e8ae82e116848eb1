package demo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// block is the page's element aisle-demo, read without the package's own types.
type block struct {
	Path     string         `json:"path"`
	Revision uint64         `json:"revision"`
	Segment  map[string]any `json:"segment"`
	Products []offer        `json:"products"`
	Token    string         `json:"token"`
}

type offer struct {
	ID        int     `json:"id"`
	Price     int64   `json:"price"`
	List      int64   `json:"list"`
	Currency  string  `json:"currency"`
	Stock     int     `json:"stock"`
	Promotion *string `json:"promotion"`
}

// element is the content of the script element of an id.
func element(t testing.TB, page []byte, id string) []byte {
	t.Helper()
	_, rest, ok := bytes.Cut(page, []byte(`<script id="`+id+`" type="application/json">`))
	if !ok {
		t.Fatalf("no element %s in the page", id)
	}
	data, _, ok := bytes.Cut(rest, []byte(`</script>`))
	if !ok {
		t.Fatalf("element %s does not end", id)
	}
	return data
}

func blockOf(t testing.TB, page []byte) block {
	t.Helper()
	var b block
	if err := json.Unmarshal(element(t, page, "aisle-demo"), &b); err != nil {
		t.Fatalf("aisle-demo: %v", err)
	}
	return b
}

func tokenOf(t testing.TB, page []byte) string {
	t.Helper()
	var v struct{ SegmentToken string }
	if err := json.Unmarshal(element(t, page, "segment-token"), &v); err != nil {
		t.Fatalf("segment-token: %v", err)
	}
	return v.SegmentToken
}

// offerIn is what a page says of one product.
func offerIn(t testing.TB, page []byte, id int) offer {
	t.Helper()
	for _, o := range blockOf(t, page).Products {
		if o.ID == id {
			return o
		}
	}
	t.Fatalf("no product %d in the page", id)
	return offer{}
}

// tokenJSON is a token by hand, so that a test of the decoder does not trust the encoder.
func tokenJSON(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

// segments draws segments of all sorts: known and unknown values, the nulls, and fields that do not fit each other.
func segments() *rapid.Generator[demo.Segment] {
	return rapid.Custom(func(t *rapid.T) demo.Segment {
		pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
		s := demo.ChannelSegment(pick("channel", "1", "2", "3", "9"))
		s.Campaigns = pick("campaigns", "", "vip", "9a2e", "vip,9a2e", "nobody", `<b>"&'`)
		s.PriceTables = pick("priceTables", "", "gold", "silver", "silver,gold", "bronze")
		s.RegionID = pick("regionId", "", "v2.0123456789ABCDEF0123456789ABCDEF", "U1cj", "v2.1BB18CE648B5111D0933734ED83EC783")
		s.UTMCampaign = pick("utm_campaign", "", "black friday", "newsletter", "spring", "</script>")
		s.UTMSource = pick("utm_source", "", "google", "ça & là")
		s.UTMICampaign = pick("utmi_campaign", "", "banner")
		s.Facets = pick("facets", "", "productClusterIds=158;")
		if rapid.Bool().Draw(t, "odd store") {
			s.CurrencyCode, s.CurrencySymbol = pick("currencyCode", "EUR", "USD"), pick("currencySymbol", "€", "$")
			s.CultureInfo, s.CountryCode = pick("cultureInfo", "en-US", "pt-BR", "fr-FR"), pick("countryCode", "FRA", "ARG")
			s.ChannelPrivacy = pick("channelPrivacy", "public", "private")
		}
		return s
	})
}

// shop is a storefront behind a real socket.
type shop struct {
	*demo.Storefront
	url    string
	client *http.Client
}

func newShop(t testing.TB, o demo.Options) *shop {
	t.Helper()
	s := demo.New(o)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &shop{Storefront: s, url: srv.URL, client: client}
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; header holds names and values in turn.
func (s *shop) do(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, data}
}

func (s *shop) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", header...)
}

// json reads an answer into v.
func (a answer) json(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("status %d: %v in %.200s", a.status, err, a.body)
	}
}

// cookie is the value that an answer sets; ok is false where it sets none of that name.
func (a answer) cookie(name string) (c *http.Cookie, ok bool) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c, true
		}
	}
	return nil, false
}

// productWhere is the first product that fits.
func productWhere(t testing.TB, c *demo.Catalogue, fits func(*demo.Product) bool) *demo.Product {
	t.Helper()
	for _, p := range c.Products {
		if fits(p) {
			return p
		}
	}
	t.Fatal("the catalogue has no such product")
	return nil
}

// jwtOf is a token with these claims that nobody has signed.
func jwtOf(claims string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}
