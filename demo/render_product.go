package demo

import "strings"

func (v *view) product(p *Product) Page {
	if p.Narrows() {
		v.narrow(p.Depends())
	}
	v.page.Strong = true
	o := v.quote(p)
	v.header(p.Name, p.Text, crumb{p.Category.Name, "/c/" + p.Category.Key}, crumb{name: p.Name})
	v.raw(`<main><section class="pdp"><div class="pdp-art">`, p.Picture, `</div><div class="pdp-text">`)
	v.raw(`<p class="over">`).text(p.Category.Name).raw(` · CL-`).int(10000 + p.ID).raw(`</p><h1>`).text(p.Name).raw(`</h1>`)
	v.stars(reviewsOf(p))
	v.buyBox(p, o)
	v.raw(`<p class="pdp-about">`).text(p.Text).raw(`</p><dl class="specs">`)
	for _, s := range p.Specs {
		v.raw(`<dt>`).text(s[0]).raw(`</dt><dd>`).text(s[1]).raw(`</dd>`)
	}
	v.raw(`</dl></div></section>`)
	v.reviews(p)
	v.related(p)
	v.raw(`</main>`)
	v.tag("category-"+p.Category.Key, "catalogue")
	return v.done()
}

func (v *view) buyBox(p *Product, o Offer) {
	v.raw(`<div class="buy" data-product="`).int(p.ID).raw(`"`)
	v.facts(o)
	v.raw(`>`)
	v.flags(o)
	v.raw(`<p class="price big"><strong data-live-price>`).text(v.money(o.Price)).raw(`</strong>`)
	if o.Price < o.List {
		v.raw(` <s>`).text(v.money(o.List)).raw(`</s>`)
	}
	v.raw(`</p>`)
	v.why(o)
	v.raw(`<p class="fine">or 6 × `).text(v.money((o.Price + 3) / 6)).raw(`, delivered within `).text(v.terms.seg.CountryCode).raw(`</p>`)
	v.stock(p, o)
	v.delivery(p)
	v.raw(`<form method="post" action="/checkout/cart"><input type="hidden" name="product" value="`).int(p.ID).raw(`"><button class="button"`)
	if o.Stock == 0 {
		v.raw(` disabled`)
	}
	v.raw(`>Put into the cart</button></form>`)
	v.postal("buy")
	v.raw(`</div>`)
}

// why tells how the price came about.
func (v *view) why(o Offer) {
	if o.Price == o.List {
		return
	}
	v.raw(`<p class="fine why">List price`)
	if o.Table != "" {
		v.raw(`, less `).int(int(v.terms.table.percent)).raw(` % by the price table <b>`).text(o.Table).raw(`</b>`)
	}
	if o.Promotion != "" {
		v.raw(`, less `).int(int(v.terms.promotion(v.c.ByID(o.ID)).percent)).raw(` % by <b>`).text(o.Promotion).raw(`</b>`)
	}
	v.raw(`.</p>`)
}

// delivery tells who delivers to the page's region, and when.
func (v *view) delivery(p *Product) {
	id := v.terms.seg.RegionID
	r, known := v.c.region(id)
	v.raw(`<p class="fine" data-delivery>`)
	switch {
	case p.ToOrder:
		v.raw(`Made for you, and with you in three weeks, wherever you are.`)
	case known:
		v.raw(`Delivered to <b>`).text(r.Name).raw(`</b> `).text(r.Delivery).raw(` by `).text(strings.Join(r.Sellers, " and ")).raw(`.`)
	case id == "":
		v.raw(`Say where you are to see what is near you.`)
	default:
		v.raw(`Delivery: `).text(v.c.regionName(id)).raw(`.`)
	}
	v.raw(`</p>`)
}

func (v *view) stars(list []review) {
	sum := 0
	for _, r := range list {
		sum += r.stars
	}
	v.raw(`<p class="stars">`, starLine((sum+len(list)/2)/len(list)), ` <span>`).int(len(list)).raw(` reviews</span></p>`)
}

func starLine(n int) string { return strings.Repeat("★", n) + strings.Repeat("☆", 5-n) }

func (v *view) reviews(p *Product) {
	v.raw(`<section>`)
	v.shelf("What people say", "From customers who bought it here.")
	v.raw(`<div class="reviews">`)
	for _, r := range reviewsOf(p) {
		v.raw(`<blockquote><p class="stars">`, starLine(r.stars), `</p><h3>`).text(r.title).raw(`</h3><p>`).text(r.text).raw(`</p><footer>`).text(r.author).raw(`</footer></blockquote>`)
	}
	v.raw(`</div></section>`)
}

// related shows prices of other products only where the page depends on all fields anyway.
func (v *view) related(p *Product) {
	v.raw(`<section>`)
	if v.page.Narrowed {
		v.shelf("Goes well with", "Pictures only: this page depends on "+SegmentVary(v.page.Depends)+" and on nothing else.")
		v.pictures(v.c.pick(p.Slug, 18))
	} else {
		v.shelf("Goes well with", "Things that like its company.")
		v.grid(v.c.pick(p.Slug, 18))
	}
	v.raw(`</section>`)
}
