package demo

import (
	"cmp"
	"net/url"
	"slices"
)

// maxListed bounds a search page, in products.
const maxListed = 48

func (v *view) category(cat *Category, order string) Page {
	v.header(cat.Name, cat.Blurb, crumb{name: cat.Name})
	v.raw(`<main><section class="list-head"><h1>`).text(cat.Name).raw(`</h1><p>`).text(cat.Blurb).raw(`</p></section>`)
	v.sorter(v.path+"?", len(cat.Products), order)
	v.grid(v.ordered(cat.Products, order))
	v.raw(`</main>`)
	v.tag("category-"+cat.Key, "catalogue")
	return v.done()
}

func (v *view) search(q, order string) Page {
	found := v.c.Search(q)
	v.header("Search", "Search the shop.", crumb{name: "Search"})
	v.raw(`<main><section class="list-head"><h1>`)
	if q == "" {
		v.raw(`Everything`)
	} else {
		v.raw(`“`).text(q).raw(`”`)
	}
	v.raw(`</h1><p>`).int(len(found)).raw(` found`)
	if len(found) > maxListed {
		v.raw(`, the first `).int(maxListed).raw(` shown`)
	}
	v.raw(`</p></section>`)
	shown := v.ordered(found, order)
	v.sorter("/s?q="+url.QueryEscape(q)+"&", len(found), order)
	v.grid(shown[:min(len(shown), maxListed)])
	// A short result is filled up, as shops do.
	if len(shown) < 12 {
		v.shelf("You may also like", "Close to what you asked for, or simply nice.")
		v.grid(v.c.pick(q, 16))
	}
	v.raw(`</main>`)
	v.tag("search", "catalogue")
	return v.done()
}

func (v *view) sorter(base string, n int, order string) {
	v.raw(`<div class="sorter"><span>`).int(n).raw(` pieces</span><nav aria-label="Order">`)
	for _, o := range []crumb{{"Our order", ""}, {"Price up", "price"}, {"Price down", "-price"}} {
		current := ""
		if o.path == order {
			current = ` aria-current="true"`
		}
		v.raw(`<a`, current, ` href="`).text(base+"sort="+o.path).raw(`">`, o.name, `</a>`)
	}
	v.raw(`</nav></div>`)
}

// ordered sorts by what this shopper pays; the order is the segment's too. Any other order is by id. The given
// slice stays as it is.
func (v *view) ordered(products []*Product, order string) []*Product {
	out := slices.Clone(products)
	byPrice := func(a, b *Product) int {
		return cmp.Compare(v.terms.quote(a, v.revision).Price, v.terms.quote(b, v.revision).Price)
	}
	switch order {
	case "price":
		slices.SortStableFunc(out, byPrice)
	case "-price":
		slices.SortStableFunc(out, func(a, b *Product) int { return byPrice(b, a) })
	}
	return out
}
