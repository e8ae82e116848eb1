package demo

// grid writes products as cards with price and stock.
func (v *view) grid(products []*Product) {
	v.raw(`<div class="grid">`)
	for _, p := range products {
		v.card(p)
	}
	v.raw(`</div>`)
}

func (v *view) card(p *Product) {
	o := v.quote(p)
	v.raw(`<article class="card"><a href="`, p.Path(), `"><figure>`, p.Picture)
	if o.Promotion != "" {
		v.raw(`<figcaption class="flag promotion">`).text(o.Promotion).raw(`</figcaption>`)
	} else if o.Table != "" {
		v.raw(`<figcaption class="flag table `).text(o.Table).raw(`">`).text(o.Table).raw(` price</figcaption>`)
	}
	v.raw(`</figure><h3>`).text(p.Name).raw(`</h3>`)
	v.price(o)
	v.stock(p, o)
	v.raw(`</a></article>`)
}

func (v *view) price(o Offer) {
	v.raw(`<p class="price"><strong>`).text(v.money(o.Price)).raw(`</strong>`)
	if o.Price < o.List {
		v.raw(` <s>`).text(v.money(o.List)).raw(`</s>`)
	}
	v.raw(`</p>`)
}

// facts are what made the price, as attributes for tests and scripts: the same on a product's page and in the cart.
func (v *view) facts(o Offer) {
	v.raw(` data-price="`, digits(o.Price), `" data-list="`, digits(o.List), `" data-currency="`).text(o.Currency)
	v.raw(`" data-stock="`).int(o.Stock).raw(`" data-table="`).text(o.Table).raw(`" data-promotion="`).text(o.Promotion).raw(`"`)
}

// flags say what made the price.
func (v *view) flags(o Offer) {
	if o.Promotion != "" {
		v.raw(`<span class="flag promotion">`).text(o.Promotion).raw(`</span>`)
	}
	if o.Table != "" {
		v.raw(`<span class="flag table `).text(o.Table).raw(`">`).text(o.Table).raw(` price</span>`)
	}
}

func (v *view) stock(p *Product, o Offer) {
	switch {
	case p.ToOrder:
		v.raw(`<p class="stock">Made to order</p>`)
	case o.Stock == 0:
		v.raw(`<p class="stock out">Sold out here</p>`)
	case o.Stock < 4:
		v.raw(`<p class="stock low">Only `).int(o.Stock).raw(` left</p>`)
	default:
		v.raw(`<p class="stock">`).int(o.Stock).raw(` in stock</p>`)
	}
}

// pictures writes products without prices: what a page may show whose Segment-Vary does not name the fields
// that those prices follow.
func (v *view) pictures(products []*Product) {
	v.raw(`<div class="grid small">`)
	for _, p := range products {
		v.raw(`<article class="card"><a href="`, p.Path(), `"><figure>`, p.Picture, `</figure><h3>`).text(p.Name).raw(`</h3></a></article>`)
	}
	v.raw(`</div>`)
}

func (v *view) shelf(title, note string) {
	v.raw(`<div class="shelf-head"><h2>`).text(title).raw(`</h2><p>`).text(note).raw(`</p></div>`)
}
