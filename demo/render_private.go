package demo

import "strings"

func (v *view) account(who visitor) Page {
	v.header("Your account", "Your account at Casa Lume.", crumb{name: "Account"})
	v.raw(`<main><section class="prose">`)
	v.greeting(who)
	if who.operator != "" {
		v.impersonation(who.operator)
	}
	v.raw(`</section><section class="knows"><div><h2>What aisle’s session says</h2><dl class="specs">`)
	for _, item := range []string{
		"profile.firstName", "profile.email", "profile.priceTables", "authentication.storeUserEmail", "authentication.adminUserEmail",
		"impersonate.storeUserEmail", "store.channel", "public.postalCode", "checkout.regionId", "public.utm_campaign", "rnb.campaigns",
	} {
		v.raw(`<dt>`, item, `</dt><dd data-fill="`, item, `">–</dd>`)
	}
	v.raw(`</dl></div><div><h2>What this page was made for</h2><dl class="specs">`)
	for _, f := range Fields() {
		value := withDefault(*v.terms.seg.field(f), "–")
		v.raw(`<dt>`, f.String(), `</dt><dd>`).text(value).raw(`</dd>`)
	}
	if who.session != "" {
		v.raw(`<dt>session</dt><dd>`).text(shortened(who.session)).raw(`…</dd>`)
	}
	v.raw(`</dl></div></section>`)
	v.conditions()
	v.raw(`<section>`)
	v.shelf("You looked at", "Or would have, in a shop that is real.")
	v.grid(v.c.pick("account", 16))
	v.raw(`</section></main>`)
	return v.done()
}

func shortened(id string) string { return id[:min(len(id), 8)] }

func (v *view) greeting(who visitor) {
	v.raw(`<p class="over">Account</p>`)
	switch {
	case who.operator != "":
		v.raw(`<h1>Hello, operator.</h1><p>You are signed in as <b data-operator>`).text(who.operator).raw(`</b>.</p>`)
	case who.email == "":
		v.raw(`<h1>Good to see you.</h1><p>You are not signed in. <a class="button" href="/login">Sign in</a></p>`)
		return
	default:
		v.raw(`<h1>Hello, <span data-email>`).text(who.email).raw(`</span>.</h1>`)
		v.customerLine(who.customer)
	}
	v.raw(`<form method="post" action="/logout" data-logout><button class="button quiet">Sign out</button></form>`)
}

// customerLine says what the shop's own files have of a customer.
func (v *view) customerLine(c customer) {
	if c.email == "" {
		v.raw(`<p>You are no customer of this store yet, and pay list prices.</p>`)
		return
	}
	v.raw(`<p>`).text(c.name()).raw(`, customer `).text(c.id).raw(`: `)
	if len(c.tables) == 0 {
		v.raw(`no price table.</p>`)
		return
	}
	v.raw(`price table <b data-tables>`).text(strings.Join(c.tables, ", ")).raw(`</b>.</p>`)
}

// impersonation is the form by which an operator sees the shop as a customer does. The script sends it to the sessions system,
// which decides.
func (v *view) impersonation(operator string) {
	v.raw(`<div class="panel"><h2>See the shop as a customer</h2><form class="signin" data-impersonate><label for="as">The customer’s email</label>`,
		`<input id="as" name="email" type="email" required list="customers"><datalist id="customers">`)
	for _, c := range v.c.data.customers[:min(len(v.c.data.customers), maxOffered)] {
		v.raw(`<option value="`).text(c.email).raw(`">`)
	}
	v.raw(`</datalist><button class="button">See as them</button> <button class="button quiet" type="button" data-stop>Stop</button>`,
		`<p class="problem" role="alert" data-problem hidden></p></form><p class="fine">Whether <b>`).text(operator)
	v.raw(`</b> may is up to aisle’s configuration: operators are those of acme.example.</p></div>`)
}

// conditions are forms that change the public part of the session.
func (v *view) conditions() {
	v.raw(`<section class="panel"><h2>Try other conditions</h2><form class="channels" data-channel>`)
	for _, c := range []crumb{{"In reais", "1"}, {"In dollars", "2"}, {"Business prices", "3"}} {
		v.raw(`<button class="button quiet" name="sc" value="`, c.path, `">`, c.name, `</button>`)
	}
	v.raw(`<p class="problem" role="alert" data-problem hidden></p></form>`,
		`<form data-forget><button class="button quiet">Forget campaign and postal code</button></form>`,
		`<p class="fine">Business prices are for who has the gold price table: others get a 401 or a 403.</p></section>`)
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
		total += o.Price * int64(l.pieces)
		v.line(l, o)
	}
	v.raw(`<tr class="total"><td colspan="4">Total</td><td data-total>`).text(v.money(total)).raw(`</td></tr></table>`)
}

func (v *view) line(l line, o Offer) {
	v.raw(`<tr data-product="`).int(o.ID).raw(`" data-pieces="`).int(l.pieces).raw(`"`)
	v.facts(o)
	v.raw(`><td class="thumb"><img src="/assets/product-`).int(o.ID).raw(`.svg" width="72" height="72" alt=""></td><td><a href="`, l.product.Path(), `">`).text(l.product.Name)
	v.raw(`</a>`)
	v.stock(l.product, o)
	if o.Stock < l.pieces {
		v.raw(`<p class="problem" data-short>Only `).int(o.Stock).raw(` can be delivered.</p>`)
	}
	v.raw(`</td><td class="price">`)
	v.flags(o)
	v.raw(`<strong data-live-price>`).text(v.money(o.Price)).raw(`</strong>`)
	if o.Price < o.List {
		v.raw(` <s>`).text(v.money(o.List)).raw(`</s>`)
	}
	v.raw(`</td><td>`)
	v.pieces(l)
	v.raw(`</td><td data-sum>`).text(v.money(o.Price * int64(l.pieces))).raw(`</td></tr>`)
}

func (v *view) pieces(l line) {
	v.raw(`<form class="pieces" method="post" action="/checkout/cart"><input type="hidden" name="product" value="`).int(l.product.ID)
	v.raw(`"><input name="pieces" type="number" min="0" max="`).int(maxPieces).raw(`" value="`).int(l.pieces)
	v.raw(`" aria-label="Pieces"><button>Change</button></form><form class="pieces" method="post" action="/checkout/cart"><input type="hidden" name="product" value="`)
	v.int(l.product.ID).raw(`"><button name="pieces" value="0" data-remove>Remove</button></form>`)
}

// maxOffered bounds the customers that forms offer.
const maxOffered = 10

func (v *view) login(email, back, problem string) Page {
	v.header("Sign in", "Sign in to Casa Lume.", crumb{name: "Sign in"})
	v.raw(`<main><section class="doors"><div class="prose"><p class="over">Sign in</p><h1>Who is it?</h1>`)
	if problem != "" {
		v.raw(`<p class="problem" role="alert">`).text(problem).raw(`</p>`)
	}
	v.raw(`<form class="signin" method="post" action="/login" data-customer><label for="email">Email</label><input id="email" name="email" type="email" required value="`).text(email)
	v.raw(`"><input type="hidden" name="returnUrl" value="`).text(back).raw(`"><button class="button">Come in</button></form>`)
	v.raw(`<p class="fine">No password in a demonstration. Anybody may come in; the customers have price tables of their own.</p>`)
	v.raw(`<form class="signin" method="post" action="/login" data-operator-login><label for="operator">Operator</label><input type="hidden" name="as" value="operator">`,
		`<input id="operator" name="email" type="email" required value="olivia@acme.example"><button class="button quiet">Come in to work</button></form>`,
		`<p class="fine">Operators see the shop as a customer does, if aisle’s configuration lets them.</p></div>`)
	v.customers(back)
	v.raw(`</section><section>`)
	v.shelf("Meanwhile", "What is on the table today.")
	v.grid(v.c.pick("login", 16))
	v.raw(`</section></main>`)
	return v.done()
}

// customers are a log-in by one click each.
func (v *view) customers(back string) {
	v.raw(`<form class="people" method="post" action="/login" data-customers><h2>Customers of this store</h2><input type="hidden" name="returnUrl" value="`).text(back).raw(`">`)
	for _, c := range v.c.data.customers[:min(len(v.c.data.customers), maxOffered)] {
		v.raw(`<button name="email" value="`).text(c.email).raw(`"><b>`).text(withDefault(c.name(), c.email)).raw(`</b> <span>`).text(c.email).raw(`</span> `)
		if len(c.tables) == 0 {
			v.raw(`<i>list prices</i></button>`)
			continue
		}
		for _, table := range c.tables {
			v.raw(`<i class="flag table `).text(table).raw(`">`).text(table).raw(`</i>`)
		}
		v.raw(`</button>`)
	}
	v.raw(`</form>`)
}
