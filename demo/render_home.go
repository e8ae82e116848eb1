package demo

func (v *view) home() Page {
	v.page.Tags = []string{"home", "catalogue"}
	v.header("Small good things for the house", "Lamps, chairs, mugs, vases, clocks, plants, cushions and prints.")
	hero := v.c.pick("hero", 4)
	v.raw(`<main><section class="hero"><div class="hero-text"><p class="over">Autumn collection</p><h1>Small good things,<br>made slowly.</h1>`,
		`<p>Three hundred and sixty pieces from workshops that we know by name.</p><a class="button" href="/c/lamps">See the lamps</a>`,
		`<a class="button quiet" href="/s?q=minas">Made in Minas</a></div><div class="hero-art">`)
	for _, p := range hero {
		v.raw(`<a href="`, p.Path(), `" title="`).text(p.Name).raw(`">`, p.Picture, `</a>`)
	}
	v.raw(`</div></section><section class="cats" aria-label="Categories">`)
	for _, cat := range v.c.Categories {
		v.raw(`<a href="/c/`, cat.Key, `">`, cat.Products[7].Picture, `<span>`).text(cat.Name).raw(`</span></a>`)
	}
	v.raw(`</section><section>`)
	v.shelf("For you", "Chosen this week by the people who pack the boxes.")
	v.grid(v.c.pick("featured", 12))
	v.raw(`</section><section class="strip"><p><b>Free delivery</b> from three pieces</p><p><b>Five years</b> of warranty</p><p><b>Thirty days</b> to think again</p></section><section>`)
	v.shelf("Just in", "Fresh from the kiln, the loom and the bench.")
	v.grid(v.c.pick("new", 8))
	v.raw(`</section></main>`)
	v.tag(v.page.Tags...)
	return v.done()
}

// about is the one page that depends on no segment field at all.
func (v *view) about() Page {
	v.narrow([]Field{})
	v.page.Tags = []string{"about"}
	v.header("About the shop", "Who we are and how this page is kept.", crumb{name: "About"})
	v.raw(`<main class="prose"><h1>About Casa Lume</h1><p>Casa Lume is a storefront that does not exist. It has 360 products, two public sales channels and a private one, `,
		`gold, silver and bronze price tables, four delivery regions and three campaigns, and so a few thousand different home pages.</p>`,
		`<h2>How prices come about</h2><p>Channel 1 sells in reais, channel 2 in dollars, channel 3 to businesses. A gold customer pays 15 % less, a silver one 8 % and a bronze one 4 %, `,
		`for the half of the products that have prices of their own in price tables. A campaign takes its share off every third product, a newsletter or Black Friday link off every fifth.</p>`,
		`<h2>What this page shows</h2><p>Nothing on it depends on who reads it. Its answer says so, with an empty <code>Segment-Vary</code>; `,
		`one copy in the edge serves every shopper.</p></main><section class="wrap">`)
	v.shelf("From the shop", "Pictures only: prices would depend on you.")
	v.pictures(v.c.pick("about", 24))
	v.raw(`</section>`)
	return v.done()
}

func (v *view) notFound() Page {
	v.page.Status = 404
	v.page.Tags = []string{"not-found", "catalogue"}
	v.header("Not here", "This page does not exist.", crumb{name: "Not found"})
	v.raw(`<main><section class="prose"><p class="over">404</p><h1>Nothing on this shelf.</h1><p>The page you asked for is not here, or is no longer. `,
		`Perhaps one of these, or a <a href="/s">look through everything</a>?</p></section><section>`)
	v.shelf("Near by", "What others found instead.")
	v.grid(v.c.pick("lost", 16))
	v.raw(`</section></main>`)
	return v.done()
}

// tag labels the page with what it is and with every product whose price it shows.
func (v *view) tag(own ...string) {
	tags := append([]string(nil), own...)
	for _, o := range v.shown {
		tags = append(tags, v.c.ByID(o.ID).Tags()...)
	}
	v.page.Tags = tags
}
