package demo

import (
	"strconv"
	"strings"
)

// perCategory is five kinds by nine models.
const perCategory = 45

// Category is a shelf of the shop.
type Category struct {
	Key      string // the path segment, /c/<key>
	Name     string
	Blurb    string
	Products []*Product // by id; owned by the catalogue
	kinds    [5]string
	stuff    string // what its things are made of
	low      int64  // the cheapest base price and the span above it, in whole reais
	span     int64
	draw     func(paint, int) string
}

// Product is one thing for sale. All of it but Base is the same under every segment.
type Product struct {
	ID         int // from 1, without gaps
	Slug       string
	Name       string
	Text       string // a paragraph
	Picture    string // SVG markup
	Base       int64  // centavos, at revision 0 on channel 1
	OwnPrice   bool   // has prices of its own in price tables: half of all products
	ByCampaign bool   // takes part in promotions by campaign
	ByUTM      bool   // takes part in promotions by utm_campaign
	ToOrder    bool   // made to order: stock does not differ by region
	Category   *Category
	Specs      [][2]string // name and value
}

// Narrows tells whether the page of p says by Segment-Vary what it depends on: every second product's does.
func (p *Product) Narrows() bool { return p.ID%2 == 0 }

// Depends are the segment fields that price, stock and promotion of p follow. The slice is the caller's.
func (p *Product) Depends() []Field {
	fields := storeFields()
	if p.OwnPrice {
		fields = append(fields, FieldPriceTables)
	}
	if !p.ToOrder {
		fields = append(fields, FieldRegionID)
	}
	if p.ByCampaign {
		fields = append(fields, FieldCampaigns)
	}
	if p.ByUTM {
		fields = append(fields, FieldUTMCampaign)
	}
	return fields
}

// Path is the path of the product's page.
func (p *Product) Path() string { return "/" + p.Slug + "/p" }

// Tags are the labels of p for purging.
func (p *Product) Tags() []string { return []string{"product-" + strconv.Itoa(p.ID)} }

// Catalogue is all that the shop sells. It does not change after NewCatalogue and may be shared by goroutines.
type Catalogue struct {
	Categories []*Category
	Products   []*Product // Products[i] has the id i+1
	bySlug     map[string]*Product
	data       *shopData
	files      files
}

// NewCatalogue builds the shop of examples/store: eight categories of 45 products. Two calls give equal catalogues.
func NewCatalogue() *Catalogue { return newCatalogue(worked()) }

func newCatalogue(d *shopData) *Catalogue {
	c := &Catalogue{Categories: newCategories(), bySlug: map[string]*Product{}, data: d, files: newFiles()}
	for _, cat := range c.Categories {
		for i := range perCategory {
			p := newProduct(cat, len(c.Products)+1, i)
			cat.Products = append(cat.Products, p)
			c.Products = append(c.Products, p)
			c.bySlug[p.Slug] = p
		}
	}
	return c
}

// Product finds a product by its slug; nil where there is none.
func (c *Catalogue) Product(slug string) *Product { return c.bySlug[slug] }

// ByID finds a product by its id; nil where there is none.
func (c *Catalogue) ByID(id int) *Product {
	if id < 1 || id > len(c.Products) {
		return nil
	}
	return c.Products[id-1]
}

// Category finds a category by its key; nil where there is none.
func (c *Catalogue) Category(key string) *Category {
	for _, cat := range c.Categories {
		if cat.Key == key {
			return cat
		}
	}
	return nil
}

// Search finds the products whose name, category or text holds every word of q, by id. An empty q finds all.
func (c *Catalogue) Search(q string) []*Product {
	words := strings.Fields(strings.ToLower(q))
	var found []*Product
	for _, p := range c.Products {
		if p.matches(words) {
			found = append(found, p)
		}
	}
	return found
}

func (p *Product) matches(words []string) bool {
	hay := strings.ToLower(p.Name + " " + p.Category.Name + " " + p.Text)
	for _, w := range words {
		if !strings.Contains(hay, w) {
			return false
		}
	}
	return true
}

// pick chooses n products for a shelf, spread over the shop, the same ones for one seed.
func (c *Catalogue) pick(seed string, n int) []*Product {
	at := int(mix(0, seed) % uint64(len(c.Products)))
	shelf := make([]*Product, n)
	for i := range shelf {
		// 101 is prime to 360: no product comes twice, and neighbours are of different categories.
		shelf[i] = c.Products[(at+i*101)%len(c.Products)]
	}
	return shelf
}

func newProduct(cat *Category, id, i int) *Product {
	names := models()
	kind, model := i%len(cat.kinds), names[(uint64(i/len(cat.kinds))+mix(0, cat.Key)%100)%uint64(len(names))]
	p := &Product{
		ID: id, Category: cat, Name: cat.kinds[kind] + " " + model,
		OwnPrice: id%4 < 2, ByCampaign: id%3 == 0, ByUTM: id%5 == 0, ToOrder: id%7 == 0,
	}
	p.Slug = slug(p.Name)
	p.Base = (cat.low+int64(mix(uint64(id), "price")%uint64(cat.span)))*100 + 90
	p.Text = describe(cat, cat.kinds[kind], model, id)
	p.Specs = specsOf(cat, id)
	p.Picture = picture(cat, id, kind)
	return p
}

// slug is a name in the form of a path segment: the names of the catalogue are ASCII.
func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// nth chooses one of list by id and topic.
func nth(list []string, id int, topic string) string {
	return list[mix(uint64(id), topic)%uint64(len(list))]
}

// digits is n in decimal.
func digits(n int64) string { return strconv.FormatInt(n, 10) }
