package demo_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

func TestCatalogueIsWhole(t *testing.T) {
	c := demo.NewCatalogue()
	if len(c.Products) != 360 || len(c.Categories) != 8 {
		t.Fatalf("%d products in %d categories", len(c.Products), len(c.Categories))
	}
	slugs := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	seen := map[string]bool{}
	for i, p := range c.Products {
		if p.ID != i+1 || c.ByID(p.ID) != p || c.Product(p.Slug) != p || seen[p.Name] {
			t.Errorf("product %d %q is not found where it should be, or comes twice", p.ID, p.Name)
		}
		seen[p.Name] = true
		if !slugs.MatchString(p.Slug) || p.Path() != "/"+p.Slug+"/p" || demo.Classify(p.Path()) != demo.ClassProduct {
			t.Errorf("product %d has the path %q", p.ID, p.Path())
		}
		if p.Base < 1990 || p.Base > 300_000 || p.Base%100 != 90 {
			t.Errorf("product %d costs %d", p.ID, p.Base)
		}
		if len(p.Text) < 100 || len(p.Specs) != 8 || strings.Contains(p.Text, " a o") || strings.Contains(p.Text, " a e") {
			t.Errorf("product %d: %q", p.ID, p.Text)
		}
	}
	for _, cat := range c.Categories {
		if len(cat.Products) != 45 || c.Category(cat.Key) != cat || cat.Products[0].Category != cat {
			t.Errorf("category %s has %d products", cat.Key, len(cat.Products))
		}
	}
}

func TestCatalogueIsTheSameEachTime(t *testing.T) {
	a, b := demo.NewCatalogue(), demo.NewCatalogue()
	for i := range a.Products {
		p, q := *a.Products[i], *b.Products[i]
		if p.Category.Key != q.Category.Key {
			t.Errorf("product %d moved from %s to %s", p.ID, p.Category.Key, q.Category.Key)
		}
		p.Category, q.Category = nil, nil
		if diff := cmp.Diff(p, q); diff != "" {
			t.Errorf("product %d:\n%s", p.ID, diff)
		}
	}
}

func TestLookupsMissWhatIsNotThere(t *testing.T) {
	c := demo.NewCatalogue()
	for _, id := range []int{0, -1, 361} {
		if p := c.ByID(id); p != nil {
			t.Errorf("ByID(%d) = %s", id, p.Name)
		}
	}
	if c.Product("no-such") != nil || c.Category("no-such") != nil {
		t.Error("something was found under no-such")
	}
}

func TestHalfOfTheProductsAreOfEachSort(t *testing.T) {
	c := demo.NewCatalogue()
	f := func(name string, want int, is func(*demo.Product) bool) {
		t.Helper()
		n := 0
		for _, p := range c.Products {
			if is(p) {
				n++
			}
		}
		if n != want {
			t.Errorf("%d products are %s, want %d", n, name, want)
		}
	}
	f("narrowing", 180, (*demo.Product).Narrows)
	f("own price", 180, func(p *demo.Product) bool { return p.OwnPrice })
	f("narrowing with an own price", 90, func(p *demo.Product) bool { return p.Narrows() && p.OwnPrice })
	f("by campaign", 120, func(p *demo.Product) bool { return p.ByCampaign })
	f("by utm", 72, func(p *demo.Product) bool { return p.ByUTM })
	f("to order", 51, func(p *demo.Product) bool { return p.ToOrder })
}

func TestDependsNamesTrueFieldsOnly(t *testing.T) {
	c := demo.NewCatalogue()
	// Each field with two values that any product which follows it must tell apart.
	pairs := []struct {
		field demo.Field
		set   func(*demo.Segment, bool)
	}{
		{demo.FieldPriceTables, func(s *demo.Segment, on bool) { s.PriceTables = choose(on, "gold") }},
		{demo.FieldCampaigns, func(s *demo.Segment, on bool) { s.Campaigns = choose(on, "vip") }},
		{demo.FieldUTMCampaign, func(s *demo.Segment, on bool) { s.UTMCampaign = choose(on, "newsletter") }},
		{demo.FieldUTMSource, func(s *demo.Segment, on bool) { s.UTMSource = choose(on, "google") }},
		{demo.FieldUTMICampaign, func(s *demo.Segment, on bool) { s.UTMICampaign = choose(on, "banner") }},
		{demo.FieldFacets, func(s *demo.Segment, on bool) { s.Facets = choose(on, "productClusterIds=1;") }},
	}
	for _, p := range c.Products {
		for _, pair := range pairs {
			with, without := demo.DefaultSegment(), demo.DefaultSegment()
			pair.set(&with, true)
			pair.set(&without, false)
			differs := demo.Quote(p, 0, with) != demo.Quote(p, 0, without)
			if named := slices.Contains(p.Depends(), pair.field); named != differs {
				t.Errorf("product %d: depends on %v: %v, and the offer differs: %v", p.ID, pair.field, named, differs)
			}
		}
	}
}

func choose(on bool, v string) string {
	if on {
		return v
	}
	return ""
}

func TestSearch(t *testing.T) {
	c := demo.NewCatalogue()
	f := func(q string, holds func(*demo.Product) bool) {
		t.Helper()
		found := c.Search(q)
		for _, p := range c.Products {
			if got := slices.Contains(found, p); got != holds(p) {
				t.Errorf("search %q: product %d %q found: %v", q, p.ID, p.Name, got)
			}
		}
	}
	has := func(words ...string) func(*demo.Product) bool {
		return func(p *demo.Product) bool {
			hay := strings.ToLower(p.Name + " " + p.Category.Name + " " + p.Text)
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(hay, w) })
		}
	}
	f("", func(*demo.Product) bool { return true })
	f("  ", func(*demo.Product) bool { return true })
	f("OAK chair", has("oak", "chair"))
	f("minas", has("minas"))
	f("no such words", func(*demo.Product) bool { return false })
	if n := len(c.Search("espresso")); n != 9 {
		t.Errorf("%d espresso cups, want 9", n)
	}
}

func TestPicturesAreWellFormed(t *testing.T) {
	seen := map[string]int{}
	for _, p := range demo.NewCatalogue().Products {
		d := xml.NewDecoder(strings.NewReader(p.Picture))
		shapes := 0
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("product %d: %v in %s", p.ID, err, p.Picture)
			}
			if _, ok := tok.(xml.StartElement); ok {
				shapes++
			}
		}
		if shapes < 6 || len(p.Picture) > 2000 || strings.Contains(p.Picture, "%!") {
			t.Errorf("product %d: a picture of %d shapes in %d bytes: %s", p.ID, shapes, len(p.Picture), p.Picture)
		}
		seen[p.Picture]++
	}
	if len(seen) < 250 {
		t.Errorf("only %d different pictures", len(seen))
	}
}

func TestClassify(t *testing.T) {
	f := func(path string, want demo.Class) {
		t.Helper()
		if got := demo.Classify(path); got != want {
			t.Errorf("Classify(%q) = %v, want %v", path, got, want)
		}
	}
	f("/", demo.ClassHome)
	f("/c/lamps", demo.ClassCategory)
	f("/c/p", demo.ClassCategory)
	f("/s", demo.ClassSearch)
	f("/table-lamp-aurora/p", demo.ClassProduct)
	f("//p", demo.ClassOther)
	f("/p", demo.ClassOther)
	f("/a/b/p", demo.ClassOther)
	f("/about", demo.ClassAbout)
	f("/account", demo.ClassAccount)
	f("/cart", demo.ClassCart)
	f("/checkout/cart", demo.ClassCart)
	f("/login", demo.ClassLogin)
	f("/logout", demo.ClassLogin)
	f("/assets/style.css", demo.ClassAsset)
	f("/_v/segment/graphql/v1", demo.ClassSegmentAPI)
	f("/_v/private/cart", demo.ClassPrivateAPI)
	f("/_v/public/catalog.json", demo.ClassPublicAPI)
	f("/api/sessions", demo.ClassSessions)
	f("/api/sessions/abc", demo.ClassSessions)
	f("/api/segments/abc==", demo.ClassSessions)
	f("/healthz", demo.ClassHealth)
	f("/_demo/state", demo.ClassControl)
	f("/nothing", demo.ClassOther)
	f("", demo.ClassOther)
}

func TestClassesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	words := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for class := demo.Class(0); class <= demo.ClassOther; class++ {
		name := class.String()
		if name == "unknown" || seen[name] || !words.MatchString(name) {
			t.Errorf("class %d is called %q", class, name)
		}
		seen[name] = true
	}
	if got := (demo.ClassOther + 1).String(); got != "unknown" {
		t.Errorf("beyond the last class: %q", got)
	}
}
