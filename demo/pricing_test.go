package demo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/demo"
)

// everything takes part in all that there is.
func everything(base int64) *demo.Product {
	return &demo.Product{ID: 1, Base: base, OwnPrice: true, ByCampaign: true, ByUTM: true, ToOrder: true}
}

func TestQuotePrices(t *testing.T) {
	f := func(name string, base int64, revision uint64, change func(*demo.Segment), list, price int64) {
		t.Helper()
		s := demo.DefaultSegment()
		change(&s)
		o := demo.Quote(everything(base), revision, s)
		if o.List != list || o.Price != price {
			t.Errorf("%s: list %d, price %d; want %d, %d", name, o.List, o.Price, list, price)
		}
	}
	channel := func(c string) func(*demo.Segment) { return func(s *demo.Segment) { *s = demo.ChannelSegment(c) } }
	tables := func(v string) func(*demo.Segment) { return func(s *demo.Segment) { s.PriceTables = v } }
	campaigns := func(v string) func(*demo.Segment) { return func(s *demo.Segment) { s.Campaigns = v } }
	utm := func(v string) func(*demo.Segment) { return func(s *demo.Segment) { s.UTMCampaign = v } }

	f("list price", 10000, 0, channel("1"), 10000, 10000)
	f("dollars", 10000, 0, channel("2"), 1852, 1852) // 18.5185
	f("dollars, rounded down", 540, 0, channel("2"), 100, 100)
	f("dollars, half up", 27, 0, channel("2"), 5, 5) // 5.0
	f("dollars of a cent and a half", 8, 0, channel("2"), 1, 1)
	f("business", 10000, 0, channel("3"), 8800, 8800)
	f("unknown channel", 10000, 0, channel("42"), 10000, 10000)

	f("gold", 10000, 0, tables("gold"), 10000, 8500)
	f("silver", 10000, 0, tables("silver"), 10000, 9200)
	f("the better of two tables", 10000, 0, tables("silver,gold"), 10000, 8500)
	f("blanks in the list", 10000, 0, tables(" silver , x"), 10000, 9200)
	f("bronze", 10000, 0, tables("bronze"), 10000, 9600)
	f("a customer of two tables", 10000, 0, tables("bronze,gold"), 10000, 8500)
	f("unknown table", 10000, 0, tables("copper"), 10000, 10000)
	f("another case is another table", 10000, 0, tables("Gold"), 10000, 10000)
	f("half a cent up", 10010, 0, tables("gold"), 10010, 8509) // 8508.5
	f("below half down", 10003, 0, tables("gold"), 10003, 8503)

	f("vip", 10000, 0, campaigns("vip"), 10000, 9000)
	f("vip by id", 10000, 0, campaigns("7f1c"), 10000, 9000)
	f("rio days", 10000, 0, campaigns("c31e"), 10000, 8800)
	f("two campaigns, the larger", 10000, 0, campaigns("vip,9a2e"), 10000, 7500)
	f("unknown campaign", 10000, 0, campaigns("nobody"), 10000, 10000)

	f("black friday", 10000, 0, utm("black friday"), 10000, 7500)
	f("utm in another case", 10000, 0, utm("Black Friday"), 10000, 7500)
	f("newsletter", 10000, 0, utm("newsletter"), 10000, 9500)
	f("unknown utm", 10000, 0, utm("spring"), 10000, 10000)

	f("the larger of campaign and utm", 10000, 0, func(s *demo.Segment) { s.Campaigns, s.UTMCampaign = "vip", "newsletter" }, 10000, 9000)
	f("utm where it is larger", 10000, 0, func(s *demo.Segment) { s.Campaigns, s.UTMCampaign = "vip", "black friday" }, 10000, 7500)
	f("table, then promotion", 10000, 0, func(s *demo.Segment) { s.PriceTables, s.Campaigns = "gold", "vip" }, 10000, 7650)
	f("all of it in dollars", 54000, 0, func(s *demo.Segment) {
		*s = demo.ChannelSegment("2")
		s.PriceTables, s.UTMCampaign = "gold", "black friday"
	}, 10000, 6375)

	f("revision 1", 10000, 1, channel("1"), 10100, 10100)
	f("revision 9", 10000, 9, channel("1"), 10900, 10900)
	f("revision 10 starts again", 10000, 10, channel("1"), 10000, 10000)
	f("revision and table", 10000, 2, tables("gold"), 10200, 8670)
}

func TestQuoteNamesWhatGaveThePrice(t *testing.T) {
	f := func(p demo.Product, tables, campaigns, utm, table, promotion string) {
		t.Helper()
		s := demo.DefaultSegment()
		s.PriceTables, s.Campaigns, s.UTMCampaign = tables, campaigns, utm
		o := demo.Quote(&p, 0, s)
		if o.Table != table || o.Promotion != promotion {
			t.Errorf("%+v: table %q, promotion %q; want %q, %q", p, o.Table, o.Promotion, table, promotion)
		}
		if want := int64(10000); table == "" && promotion == "" && o.Price != want {
			t.Errorf("%+v: price %d without a reason", p, o.Price)
		}
	}
	const base = 10000
	all := demo.Product{ID: 1, Base: base, OwnPrice: true, ByCampaign: true, ByUTM: true}
	f(all, "", "", "", "", "")
	f(all, "gold", "", "", "gold", "")
	f(all, "silver,gold", "vip", "", "gold", "VIP club")
	f(all, "", "vip", "black friday", "", "Black Friday")
	f(all, "", "9a2e", "newsletter", "", "Black Friday")
	none := demo.Product{ID: 1, Base: base}
	f(none, "gold", "vip", "black friday", "", "")
	f(demo.Product{ID: 1, Base: base, OwnPrice: true}, "gold", "vip", "black friday", "gold", "")
	f(demo.Product{ID: 1, Base: base, ByCampaign: true}, "gold", "vip", "black friday", "", "VIP club")
	f(demo.Product{ID: 1, Base: base, ByUTM: true}, "gold", "vip", "newsletter", "", "Newsletter")
}

func TestQuoteCurrencyIsTheSegments(t *testing.T) {
	s := demo.ChannelSegment("2")
	s.CurrencyCode = "EUR"
	if o := demo.Quote(everything(100), 0, s); o.Currency != "EUR" || o.ID != 1 {
		t.Errorf("offer %+v", o)
	}
}

func TestStockDiffersByRegion(t *testing.T) {
	c := demo.NewCatalogue()
	differ, out := 0, 0
	regions := c.Regions()
	for _, p := range c.Products {
		s := demo.DefaultSegment()
		home := demo.Quote(p, 0, s).Stock
		if home < 1 {
			t.Errorf("product %d: %d pieces without a region, want some", p.ID, home)
		}
		for _, r := range regions {
			s.RegionID = r.ID
			n := demo.Quote(p, 0, s).Stock
			if p.ToOrder && n != home {
				t.Errorf("product %d is made to order and has %d pieces in %s, %d elsewhere", p.ID, n, r.Name, home)
			}
			if n != home {
				differ++
			}
			if n == 0 {
				out++
			}
		}
	}
	if total := len(c.Products) * len(regions); differ < total/2 || out < total/20 || out > total/2 {
		t.Errorf("of %d stocks %d differ from the default and %d are out: too few or too many", total, differ, out)
	}
}

func TestEveryPriceChangesWithEveryRevision(t *testing.T) {
	c := demo.NewCatalogue()
	rapid.Check(t, func(t *rapid.T) {
		s := segments().Draw(t, "segment")
		revision := rapid.Uint64Range(0, 1000).Draw(t, "revision")
		p := rapid.SampledFrom(c.Products).Draw(t, "product")
		before, after := demo.Quote(p, revision, s), demo.Quote(p, revision+1, s)
		if before.Price == after.Price || before.Stock != after.Stock {
			t.Fatalf("product %d: %+v became %+v", p.ID, before, after)
		}
		if before.Price <= 0 || before.Price > before.List {
			t.Fatalf("product %d: price %d, list %d", p.ID, before.Price, before.List)
		}
	})
}

func TestMoneyIsWrittenByCulture(t *testing.T) {
	f := func(cents int64, symbol, culture, want string) {
		t.Helper()
		if diff := cmp.Diff(want, demo.Money(cents, symbol, culture)); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", cents, culture, diff)
		}
	}
	f(0, "R$", "pt-BR", "R$ 0,00")
	f(5, "R$", "pt-BR", "R$ 0,05")
	f(12990, "R$", "pt-BR", "R$ 129,90")
	f(123456, "R$", "pt-BR", "R$ 1.234,56")
	f(123456789, "R$", "pt-BR", "R$ 1.234.567,89")
	f(123456, "$", "en-US", "$1,234.56")
	f(99900, "$", "en-GB", "$999.00")
	f(100000, "€", "fr-FR", "€ 1.000,00")
}

func TestRegionOf(t *testing.T) {
	c := demo.NewCatalogue()
	f := func(country, postal, want string) {
		t.Helper()
		r, ok := c.RegionOf(country, postal)
		if r.Name != want || ok != (want != "") {
			t.Errorf("RegionOf(%s, %q) = %q, %v; want %q", country, postal, r.Name, ok, want)
		}
	}
	f("BRA", "01000000", "São Paulo")
	f("BRA", "04561-000", "São Paulo")
	f("BRA", " 19.999-999 ", "São Paulo")
	f("BRA", "20000000", "Rio de Janeiro")
	f("BRA", "30130010", "Brazil by road")
	f("BRA", "65999999", "Brazil by road")
	f("BRA", "66000000", "")
	f("BRA", "69999999", "")
	f("BRA", "70000000", "Brazil by road")
	f("BRA", "99999999", "Brazil by road")
	f("USA", "10001", "United States")
	f("USA", "94103", "United States")
	f("BRA", "00999999", "")
	f("BRA", "0456100", "")
	f("BRA", "045610000", "")
	f("BRA", "0456100x", "")
	f("BRA", "", "")
	f("BRA", "10001", "")
	f("USA", "04561000", "")
	f("FRA", "75001", "")
}

func TestRegionsHaveIDsOfTheSecondForm(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range demo.NewCatalogue().Regions() {
		if len(r.ID) != 35 || r.ID[:3] != "v2." || seen[r.ID] {
			t.Errorf("%s has the id %q", r.Name, r.ID)
		}
		for _, d := range r.ID[3:] {
			if (d < '0' || d > '9') && (d < 'A' || d > 'F') {
				t.Errorf("%s: %q in the id %q", r.Name, d, r.ID)
			}
		}
		seen[r.ID] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d regions", len(seen))
	}
}
