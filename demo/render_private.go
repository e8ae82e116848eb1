package demo

func (v *view) account(email, session string) Page {
	v.header("Your account", "Your account at Casa Lume.", crumb{name: "Account"})
	v.raw(`<main><section class="prose">`)
	if email == "" {
		v.raw(`<p class="over">Account</p><h1>Good to see you.</h1><p>You are not signed in. <a class="button" href="/login">Sign in</a></p>`)
	} else {
		v.raw(`<p class="over">Account</p><h1>Hello, <span data-email>`).text(email).raw(`</span>.</h1>`,
			`<form method="post" action="/logout"><button class="button quiet">Sign out</button></form>`)
	}
	v.raw(`<h2>What the shop knows of you</h2><dl class="specs">`)
	for _, f := range Fields() {
		value := withDefault(*v.terms.seg.field(f), "–")
		v.raw(`<dt>`, f.String(), `</dt><dd>`).text(value).raw(`</dd>`)
	}
	if session != "" {
		v.raw(`<dt>session</dt><dd>`).text(session[:8]).raw(`…</dd>`)
	}
	v.raw(`</dl></section><section>`)
	v.shelf("You looked at", "Or would have, in a shop that is real.")
	v.grid(v.c.pick("account", 16))
	v.raw(`</section></main>`)
	return v.done()
}

func (v *view) cart(lines []line) Page {
	v.header("Your cart", "Your cart at Casa Lume.", crumb{name: "Cart"})
	v.raw(`<main><section class="prose wide"><p class="over">Cart</p><h1>`)
	if len(lines) == 0 {
		v.raw(`Nothing in here yet.</h1><p>Most people begin with a <a href="/c/mugs">mug</a>.</p>`)
	} else {
		v.raw(`Nearly yours.</h1>`)
		v.lines(lines)
	}
	v.raw(`</section><section>`)
	v.shelf("Before you go", "Small enough for the same parcel.")
	v.grid(v.c.pick("cart", 16))
	v.raw(`</section></main>`)
	return v.done()
}

func (v *view) lines(lines []line) {
	total := int64(0)
	v.raw(`<table class="cart">`)
	for _, l := range lines {
		o := v.quote(l.product)
		sum := o.Price * int64(l.pieces)
		total += sum
		v.raw(`<tr data-product="`).int(o.ID).raw(`"><td><img src="/assets/product-`).int(o.ID).raw(`.svg" width="72" height="72" alt=""></td><td><a href="`, l.product.Path(), `">`).text(l.product.Name)
		v.raw(`</a></td><td>`).int(l.pieces).raw(` × `).text(v.money(o.Price)).raw(`</td><td>`).text(v.money(sum)).raw(`</td></tr>`)
	}
	v.raw(`<tr class="total"><td colspan="3">Total</td><td data-total>`).text(v.money(total)).raw(`</td></tr></table>`)
}

func (v *view) login(email, back, problem string) Page {
	v.header("Sign in", "Sign in to Casa Lume.", crumb{name: "Sign in"})
	v.raw(`<main><section class="prose"><p class="over">Sign in</p><h1>Who is it?</h1>`)
	if problem != "" {
		v.raw(`<p class="problem" role="alert">`).text(problem).raw(`</p>`)
	}
	v.raw(`<form class="signin" method="post" action="/login"><label for="email">Email</label><input id="email" name="email" type="email" required value="`).text(email)
	v.raw(`"><input type="hidden" name="returnUrl" value="`).text(back).raw(`"><button class="button">Come in</button></form>`)
	v.raw(`<p class="fine">No password in a demonstration. <b>gold@</b> and <b>silver@</b> anything have price tables of their own; <b>vip@</b> anything is in a campaign.</p></section><section>`)
	v.shelf("Meanwhile", "What is on the table today.")
	v.grid(v.c.pick("login", 16))
	v.raw(`</section></main>`)
	return v.done()
}
