package demo_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/demo"
)

// paths are pages of every kind, products that narrow and such that do not among them.
func paths(c *demo.Catalogue) []string {
	list := []string{"/", "/s", "/about", "/nothing", "/c/nothing", "/nothing/p"}
	for _, cat := range c.Categories {
		list = append(list, "/c/"+cat.Key)
	}
	for _, p := range c.Products {
		list = append(list, p.Path())
	}
	return list
}

func TestRenderIsPure(t *testing.T) {
	c, other := demo.NewCatalogue(), demo.NewCatalogue()
	rapid.Check(t, func(t *rapid.T) {
		s := segments().Draw(t, "segment")
		path := rapid.SampledFrom(paths(c)).Draw(t, "path")
		query := rapid.SampledFrom([]string{"", "q=oak&sort=price", "sort=-price", "q=%zz", "utm_source=x"}).Draw(t, "query")
		revision := rapid.Uint64Range(0, 20).Draw(t, "revision")
		a := demo.Render(c, revision, s, path, query)
		b := demo.Render(other, revision, s, path, query)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("two renderings differ:\n%s", cmp.Diff(a, b))
		}
	})
}

func TestPagesAreOfTheSizeOfRealOnes(t *testing.T) {
	c := demo.NewCatalogue()
	rich := demo.ChannelSegment("2")
	rich.PriceTables, rich.Campaigns, rich.UTMCampaign, rich.UTMSource, rich.RegionID = "gold", "vip", "newsletter", "google", c.Regions()[0].ID
	for _, s := range []demo.Segment{demo.DefaultSegment(), rich} {
		for _, path := range paths(c) {
			p := demo.Render(c, 0, s, path, "")
			if n := len(p.HTML); n < 20<<10 || n > 80<<10 {
				t.Errorf("%s has %d bytes", path, n)
			}
		}
		for _, q := range []string{"q=minas", "q=zzzz", "q=espresso&sort=price"} {
			if n := len(demo.Render(c, 0, s, "/s", q).HTML); n < 20<<10 || n > 80<<10 {
				t.Errorf("/s?%s has %d bytes", q, n)
			}
		}
	}
}

func TestPageEmbedsWhatItWasMadeFor(t *testing.T) {
	c := demo.NewCatalogue()
	rapid.Check(t, func(t *rapid.T) {
		s := segments().Draw(t, "segment")
		path := rapid.SampledFrom(paths(c)).Draw(t, "path")
		page := demo.Render(c, 7, s, path, "")
		want := s
		if page.Narrowed {
			want = s.Narrow(page.Depends)
		}
		b := readBlock(t, page.HTML)
		if b.Path != path || b.Revision != 7 || b.Token != want.Token() {
			t.Fatalf("path %q, revision %d, token %q; want %q, 7, %q", b.Path, b.Revision, b.Token, path, want.Token())
		}
		if diff := cmp.Diff(asMap(t, want), b.Segment); diff != "" {
			t.Fatalf("segment (-want +got):\n%s", diff)
		}
		if !bytes.Contains(page.HTML, []byte(`<script id="segment-token" type="application/json">{"segmentToken":"`+want.Token()+`"}</script>`)) {
			t.Fatal("the element segment-token is not there")
		}
		for _, o := range b.Products {
			q := demo.Quote(c.ByID(o.ID), 7, want)
			got := demo.Offer{ID: o.ID, List: o.List, Price: o.Price, Currency: o.Currency, Stock: o.Stock, Table: q.Table}
			if o.Promotion != nil {
				got.Promotion = *o.Promotion
			}
			if diff := cmp.Diff(q, got); diff != "" {
				t.Fatalf("product %d (-quote +page):\n%s", o.ID, diff)
			}
		}
	})
}

// readBlock is blockOf for properties.
func readBlock(t *rapid.T, page []byte) block {
	t.Helper()
	_, rest, _ := bytes.Cut(page, []byte(`<script id="aisle-demo" type="application/json">`))
	data, _, _ := bytes.Cut(rest, []byte(`</script>`))
	var b block
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return b
}

func TestNarrowedPagesAgreeWhereTheNamedFieldsDo(t *testing.T) {
	c := demo.NewCatalogue()
	rapid.Check(t, func(t *rapid.T) {
		p := c.Products[2*rapid.IntRange(0, 179).Draw(t, "half")+1]
		a, b := segments().Draw(t, "a"), segments().Draw(t, "b")
		page := demo.Render(c, 0, a, p.Path(), "")
		if !page.Narrowed {
			t.Fatalf("product %d does not narrow", p.ID)
		}
		// The field's own words decide what is copied, as they will in the edge.
		mixed := asMap(t, b)
		for _, name := range strings.Split(demo.SegmentVary(page.Depends), ", ") {
			mixed[name] = asMap(t, a)[name]
		}
		data, err := json.Marshal(mixed)
		if err != nil {
			t.Fatal(err)
		}
		m, err := demo.DecodeSegment(tokenJSON(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if same := demo.Render(c, 0, m, p.Path(), ""); !reflect.DeepEqual(page, same) {
			t.Fatalf("product %d: equal in %v and yet different:\n%s", p.ID, page.Depends, cmp.Diff(page, same))
		}
	})
}

func TestNarrowedPagesDifferWhereTheyShould(t *testing.T) {
	c := demo.NewCatalogue()
	changes := map[demo.Field]func(*demo.Segment){
		demo.FieldChannel:        func(s *demo.Segment) { s.Channel = "2" },
		demo.FieldCurrencyCode:   func(s *demo.Segment) { s.CurrencyCode = "EUR" },
		demo.FieldCurrencySymbol: func(s *demo.Segment) { s.CurrencySymbol = "€" },
		demo.FieldCountryCode:    func(s *demo.Segment) { s.CountryCode = "ARG" },
		demo.FieldCultureInfo:    func(s *demo.Segment) { s.CultureInfo = "en-US" },
		demo.FieldChannelPrivacy: func(s *demo.Segment) { s.ChannelPrivacy = "private" },
		demo.FieldPriceTables:    func(s *demo.Segment) { s.PriceTables = "gold" },
		demo.FieldRegionID:       func(s *demo.Segment) { s.RegionID = c.Regions()[3].ID },
		demo.FieldCampaigns:      func(s *demo.Segment) { s.Campaigns = "vip" },
		demo.FieldUTMCampaign:    func(s *demo.Segment) { s.UTMCampaign = "newsletter" },
		demo.FieldUTMSource:      func(s *demo.Segment) { s.UTMSource = "google" },
		demo.FieldUTMICampaign:   func(s *demo.Segment) { s.UTMICampaign = "banner" },
		demo.FieldFacets:         func(s *demo.Segment) { s.Facets = "a=b;" },
	}
	for _, p := range c.Products[:40] {
		plain := demo.Render(c, 0, demo.DefaultSegment(), p.Path(), "")
		for _, field := range demo.Fields() {
			s := demo.DefaultSegment()
			changes[field](&s)
			differs := !bytes.Equal(plain.HTML, demo.Render(c, 0, s, p.Path(), "").HTML)
			if want := !plain.Narrowed || slices.Contains(plain.Depends, field); differs != want {
				t.Errorf("product %d: %v changes the page: %v, want %v", p.ID, field, differs, want)
			}
		}
	}
}

func TestGoldSeesAnotherPriceOnlyWhereThereIsOne(t *testing.T) {
	c := demo.NewCatalogue()
	gold := demo.DefaultSegment()
	gold.PriceTables = "gold"
	for _, p := range c.Products {
		plain := offerIn(t, demo.Render(c, 0, demo.DefaultSegment(), p.Path(), "").HTML, p.ID)
		mine := offerIn(t, demo.Render(c, 0, gold, p.Path(), "").HTML, p.ID)
		want := plain.Price
		if p.OwnPrice {
			want = (plain.Price*85 + 50) / 100
		}
		if mine.Price != want {
			t.Errorf("product %d: gold pays %d, want %d of %d", p.ID, mine.Price, want, plain.Price)
		}
	}
}

func TestAboutIsTheSameForEveryone(t *testing.T) {
	c := demo.NewCatalogue()
	want := demo.Render(c, 0, demo.DefaultSegment(), "/about", "")
	if !want.Narrowed || len(want.Depends) != 0 {
		t.Fatalf("about depends on %v", want.Depends)
	}
	rapid.Check(t, func(t *rapid.T) {
		got := demo.Render(c, 0, segments().Draw(t, "segment"), "/about", "")
		if !reflect.DeepEqual(want, got) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func TestPageTags(t *testing.T) {
	c := demo.NewCatalogue()
	f := func(path, query string, status int, want ...string) {
		t.Helper()
		page := demo.Render(c, 0, demo.DefaultSegment(), path, query)
		if page.Status != status {
			t.Errorf("%s: status %d, want %d", path, page.Status, status)
		}
		for _, tag := range want {
			if !slices.Contains(page.Tags, tag) {
				t.Errorf("%s: no tag %q in %v", path, tag, page.Tags)
			}
		}
		sorted := slices.Sorted(slices.Values(page.Tags))
		if len(slices.Compact(sorted)) != len(page.Tags) {
			t.Errorf("%s: a tag comes twice in %v", path, page.Tags)
		}
	}
	f("/", "", 200, "home", "catalogue")
	f("/c/mugs", "", 200, "category-mugs", "catalogue", "product-91", "product-135")
	f("/s", "q=lamp", 200, "search", "catalogue", "product-1")
	f("/about", "", 200, "about")
	f(c.ByID(2).Path(), "", 200, "product-2", "category-lamps", "catalogue")
	f(c.ByID(3).Path(), "", 200, "product-3", "category-lamps", "catalogue")
	f("/nothing", "", 404, "not-found")
	f("/c/nothing", "", 404, "not-found")
	f("/account", "", 404, "not-found")
}

func TestEveryPricedProductIsATag(t *testing.T) {
	c := demo.NewCatalogue()
	for _, path := range paths(c)[6:30] {
		page := demo.Render(c, 0, demo.DefaultSegment(), path, "")
		for _, o := range blockOf(t, page.HTML).Products {
			if tag := c.ByID(o.ID).Tags()[0]; !slices.Contains(page.Tags, tag) {
				t.Errorf("%s shows the price of %d and has no tag %s", path, o.ID, tag)
			}
		}
	}
}

func TestListingsSortByThePriceThatTheShopperPays(t *testing.T) {
	c := demo.NewCatalogue()
	s := demo.DefaultSegment()
	s.PriceTables, s.Campaigns = "gold", "9a2e"
	f := func(path, query string, ordered func(a, b int64) bool) {
		t.Helper()
		list := blockOf(t, demo.Render(c, 0, s, path, query).HTML).Products
		if len(list) < 40 {
			t.Fatalf("%s?%s lists %d", path, query, len(list))
		}
		for i := 1; i < len(list); i++ {
			if !ordered(list[i-1].Price, list[i].Price) {
				t.Errorf("%s?%s: %d before %d", path, query, list[i-1].Price, list[i].Price)
			}
		}
	}
	f("/c/vases", "sort=price", func(a, b int64) bool { return a <= b })
	f("/c/vases", "sort=-price", func(a, b int64) bool { return a >= b })
	f("/s", "q=lamp&sort=price", func(a, b int64) bool { return a <= b })
	if got := blockOf(t, demo.Render(c, 0, s, "/c/lamps", "sort=nonsense").HTML).Products[0].ID; got != 1 {
		t.Errorf("without an order the first lamp is %d", got)
	}
}

func TestSearchPageFillsUpAShortResult(t *testing.T) {
	c := demo.NewCatalogue()
	f := func(q string, found, shown int, like bool) {
		t.Helper()
		page := demo.Render(c, 0, demo.DefaultSegment(), "/s", url.Values{"q": {q}}.Encode())
		if !bytes.Contains(page.HTML, []byte("<p>"+itoa(found)+" found")) {
			t.Errorf("%q: the page does not say %d found", q, found)
		}
		if n := bytes.Count(page.HTML, []byte(`<article class="card">`)); n != shown {
			t.Errorf("%q: %d cards, want %d", q, n, shown)
		}
		if got := bytes.Contains(page.HTML, []byte("You may also like")); got != like {
			t.Errorf("%q: filled up: %v", q, got)
		}
	}
	f("zzzz", 0, 16, true)
	f("espresso", 9, 25, true)
	f("", 360, 48, false)
}

func itoa(n int) string {
	data, _ := json.Marshal(n)
	return string(data)
}

func TestWhatStrangersWriteIsEscaped(t *testing.T) {
	c := demo.NewCatalogue()
	const evil = `"><script>alert(1)</script>'&`
	for _, field := range demo.Fields() {
		m := map[string]any{field.String(): evil}
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		s, err := demo.DecodeSegment(tokenJSON(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", "/c/lamps", "/s", c.ByID(3).Path(), c.ByID(60).Path(), "/nothing"} {
			page := demo.Render(c, 0, s, path, "q="+url.QueryEscape(evil))
			if bytes.Contains(page.HTML, []byte("<script>alert")) || bytes.Contains(page.HTML, []byte(`"><script>a`)) {
				t.Errorf("%v comes through to %s as it is", field, path)
			}
			blockOf(t, page.HTML)
		}
	}
	page := demo.Render(c, 0, demo.DefaultSegment(), "/s", "q="+url.QueryEscape(evil))
	if !bytes.Contains(page.HTML, []byte(`&lt;script&gt;alert(1)&lt;/script&gt;`)) {
		t.Error("the search does not show its words")
	}
	blockOf(t, demo.Render(c, 0, demo.DefaultSegment(), "/</script>", "").HTML)
}

func TestPagesAreWellFormedHTML(t *testing.T) {
	c := demo.NewCatalogue()
	s := demo.ChannelSegment("3")
	s.UTMSource, s.Campaigns, s.UTMCampaign, s.UTMICampaign, s.Facets, s.PriceTables = "a", "vip", "black friday", "b", "c=d;", "gold"
	for _, path := range []string{"/", "/c/lamps", "/s", "/about", "/nothing", c.ByID(1).Path(), c.ByID(60).Path()} {
		d := xml.NewDecoder(bytes.NewReader(demo.Render(c, 0, s, path, "q=oak").HTML))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		depth := 0
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			switch tok.(type) {
			case xml.StartElement:
				depth++
			case xml.EndElement:
				depth--
			}
		}
		if depth != 0 {
			t.Errorf("%s: %d elements stay open", path, depth)
		}
	}
}

func TestBadgesAndBanners(t *testing.T) {
	c := demo.NewCatalogue()
	s := demo.DefaultSegment()
	s.PriceTables, s.RegionID, s.Campaigns, s.UTMSource = "gold", c.Regions()[1].ID, "vip", "google"
	f := func(path string, seg demo.Segment, want bool, parts ...string) {
		t.Helper()
		page := string(demo.Render(c, 3, seg, path, "").HTML)
		for _, part := range parts {
			if strings.Contains(page, part) != want {
				t.Errorf("%s: %q in the page: %v, want %v", path, part, !want, want)
			}
		}
	}
	f("/", s, true, `<i>Price table</i> gold`, `<i>Region</i> Rio de Janeiro`, `<i>Campaign</i> vip`, `<i>UTM source</i> google`,
		`by way of <strong>google</strong>`, `VIP club</strong>: 10 % off`, `price list 3`)
	f("/", demo.DefaultSegment(), true, `<i>Price table</i> list prices`, `<i>Region</i> anywhere`)
	f("/", demo.DefaultSegment(), false, `by way of`, `% off every`, `>Segment-Vary<`)
	// Product 2 has no price of its own, is in no campaign, and its page knows no source.
	f(c.ByID(2).Path(), s, false, `<i>Price table</i>`, `<i>Campaign</i>`, `<i>UTM source</i>`, `by way of`, `gold price`, `VIP club`)
	f(c.ByID(2).Path(), s, true, `<i>Region</i> Rio de Janeiro`, `>Segment-Vary<`)
	f("/", demo.ChannelSegment("3"), true, `<i>Access</i> business`)
}

func TestLastModifiedMovesWithTheRevision(t *testing.T) {
	for revision := range uint64(30) {
		if !demo.LastModified(revision).Before(demo.LastModified(revision + 1)) {
			t.Errorf("revision %d is not older than the next", revision)
		}
	}
	if got := demo.LastModified(0).String(); got != "2025-06-01 12:00:00 +0000 UTC" {
		t.Errorf("the first revision is of %s", got)
	}
}

// TestProductTellsHowItsPriceAndDeliveryCameAbout, and every page has the places for what it does not know itself.
func TestProductTellsHowItsPriceAndDeliveryCameAbout(t *testing.T) {
	c := demo.NewCatalogue()
	f := func(id int, change func(*demo.Segment), parts ...string) {
		t.Helper()
		s := demo.DefaultSegment()
		change(&s)
		page := string(demo.Render(c, 0, s, c.ByID(id).Path(), "").HTML)
		for _, part := range append(parts, "data-who hidden>", "data-account>Account<", "data-postal>", "data-stop hidden>") {
			if !strings.Contains(page, part) {
				t.Errorf("product %d under %+v: no %q", id, s, part)
			}
		}
	}
	in := func(country, code string) func(*demo.Segment) {
		return func(s *demo.Segment) {
			r, _ := c.RegionOf(country, code)
			s.RegionID = r.ID
		}
	}
	f(1, func(*demo.Segment) {}, "Say where you are to see what is near you.")
	f(1, in("BRA", "01310100"), "Delivered to <b>São Paulo</b> tomorrow by atelier-paulista and casa-lume.")
	f(1, in("BRA", "20040020"), "Delivered to <b>Rio de Janeiro</b> in two days by casa-lume and maresia.")
	f(1, in("BRA", "30130010"), "Delivered to <b>Brazil by road</b> within eight days by casa-lume.")
	f(1, in("USA", "10001"), "Delivered to <b>United States</b> in three days by lume-brooklyn.")
	f(1, func(s *demo.Segment) { s.RegionID = "v2.FF6F4914BA56D6BD91FDA9066E3A46EA" }, "Delivery: no delivery.", "Sold out here", "<i>Region</i> no delivery")
	f(1, func(s *demo.Segment) { s.RegionID = "U1cj" }, "Delivery: no delivery.", "Sold out here")
	f(7, in("BRA", "20040020"), "Made for you, and with you in three weeks", "Made to order")
	f(9, func(s *demo.Segment) { s.PriceTables, s.Campaigns = "bronze,silver", "c31e" },
		"less 8 % by the price table <b>silver</b>, less 12 % by <b>Rio days</b>.", "silver price</span>", "Rio days</span>", "<i>Campaign</i> c31e · Rio days")
	f(9, func(s *demo.Segment) { s.Campaigns = "7f1c,9a2e" }, "List price, less 25 % by <b>Black Friday</b>.", "<i>Campaign</i> 7f1c · VIP club, 9a2e · Black Friday")
}

func TestRegionsOfTheWorkedStore(t *testing.T) {
	type region struct{ ID, Name, Sellers string }
	var got []region
	for _, r := range demo.NewCatalogue().Regions() {
		got = append(got, region{r.ID, r.Name, strings.Join(r.Sellers, ";")})
	}
	want := []region{
		{"v2.CBBA3894E796D5300D0C847545419B84", "São Paulo", "atelier-paulista;casa-lume"},
		{"v2.826EF7929CD4C08A5A1D5D90B32AC66B", "Rio de Janeiro", "casa-lume;maresia"},
		{"v2.0519583EDD0FAA01FEA9331A27F3FB92", "Brazil by road", "casa-lume"},
		{"v2.DE1F04139FEA842D696CC8ECA3D91CEB", "United States", "lume-brooklyn"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
