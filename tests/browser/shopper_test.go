package browser_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
	"github.com/aislecache/aisle/tests/rig"
)

// offer is what a page says of a product, for people and in its data.
type offer struct {
	Price, Stock     int
	Table, Promotion string
}

// wanted is what the shop charges under a segment.
func wanted(p *demo.Product, s demo.Segment) offer {
	o := demo.Quote(p, 0, s)
	return offer{int(o.Price), o.Stock, o.Table, o.Promotion}
}

// shown reads the product within an element of the page.
func (b *browser) shown(element string) offer {
	b.t.Helper()
	text := b.eval(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e) return "";
		const d = e.dataset;
		return JSON.stringify({price: e.querySelector("[data-live-price]").textContent, stock: d.stock, table: d.table, promotion: d.promotion});
	})()`, element))
	var raw struct{ Price, Stock, Table, Promotion string }
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		b.t.Fatalf("no %s on %s: %q", element, b.eval("location.href"), text)
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, raw.Price)
	price, _ := strconv.Atoi(digits)
	stock, err := strconv.Atoi(raw.Stock)
	if err != nil {
		b.t.Errorf("stock %q", raw.Stock)
	}
	return offer{price, stock, raw.Table, raw.Promotion}
}

// state is what the shopper is entitled to after a step.
type state struct {
	name    string
	do      func(b *browser)
	segment demo.Segment
}

// walk is a shopper's way through the shop.
type walk struct {
	product *demo.Product
	states  []state
}

// newWalk is that of the issue: a campaign's link, a postal code, a gold customer, an operator who sees the shop as a silver
// one, and out.
func newWalk(t *testing.T) walk {
	t.Helper()
	catalogue := demo.NewCatalogue()
	w := walk{}
	for _, p := range catalogue.Products {
		// Every condition shows in this one's offer, and it is by the audience that the campaign does.
		if p.OwnPrice && p.ByCampaign && !p.ByUTM && !p.ToOrder {
			w.product = p
			break
		}
	}
	region, ok := catalogue.RegionOf("BRA", "04561-000")
	if w.product == nil || !ok {
		t.Fatal("the catalogue has no such product, or no region")
	}
	path := w.product.Path()
	campaign := demo.DefaultSegment()
	campaign.Campaigns, campaign.UTMCampaign = "9a2e", "black friday"
	placed := campaign
	placed.RegionID = region.ID
	gold, silver := placed, placed
	gold.PriceTables, silver.PriceTables = "gold", "silver"
	w.states = []state{
		{"campaign-link", func(b *browser) { b.opens(path + "?utm_campaign=black+friday") }, campaign},
		{"postal-code", func(b *browser) {
			b.steps(send(`.buy [data-postal] input`, "04561-000"))
		}, placed},
		{"gold-customer", func(b *browser) { b.logsIn("[data-customer]", "ann@gold.example", path) }, gold},
		{"logged-out", func(b *browser) { b.logsOut(path) }, placed},
		{"operator", func(b *browser) { b.logsIn("[data-operator-login]", "olivia@acme.example", path) }, placed},
		{"impersonation", func(b *browser) {
			b.opens("/account")
			b.steps(send(`[data-impersonate] input`, "sofia@silver.example"))
			b.opens(path)
		}, silver},
		{"operator-logged-out", func(b *browser) { b.logsOut(path) }, placed},
	}
	return w
}

func (b *browser) logsIn(form, email, path string) {
	b.t.Helper()
	b.opens("/login?returnUrl=" + path)
	b.steps(send(form+` input[type="email"]`, email))
	b.opens(path)
}

func (b *browser) logsOut(path string) {
	b.t.Helper()
	b.opens("/account")
	b.steps(click(`[data-logout] button`))
	b.opens(path)
}

// TestShopper: price, stock and promotion are right at each step, on the page and in the cart, after Back and after a reload that
// revalidates; and the second shopper of a segment gets each page from memory.
func TestShopper(t *testing.T) {
	chromium, w := newChromium(t), newWalk(t)
	_, shop := rig.MakeRun(t, "../..")
	first := newBrowser(t, chromium, shop)
	for i, s := range w.states {
		t.Run(s.name, func(t *testing.T) {
			first.t = t
			s.do(first)
			first.checks(w.product, s, fmt.Sprintf("%d-%s", i+1, s.name))
		})
	}
	second := newBrowser(t, chromium, shop)
	for _, s := range w.states {
		t.Run("second shopper/"+s.name, func(t *testing.T) {
			second.t = t
			s.do(second)
			second.wants(".buy", w.product, s, "the page")
			second.wantsHit("the page")
			second.steps(chromedp.Reload())
			second.wants(".buy", w.product, s, "the page, reloaded")
			second.wantsHit("the page, reloaded")
		})
	}
	for _, b := range []*browser{first, second} {
		if len(b.faults) > 0 {
			t.Errorf("answers that went wrong: %q", b.faults)
		}
	}
}

func (b *browser) wants(element string, p *demo.Product, s state, where string) {
	b.t.Helper()
	if diff := cmp.Diff(wanted(p, s.segment), b.shown(element)); diff != "" {
		b.t.Errorf("%s (-shop +shown):\n%s", where, diff)
	}
}

// wantsHit: the last document came out of the edge's memory.
func (b *browser) wantsHit(where string) {
	b.t.Helper()
	if got := b.cacheStatus(); !strings.Contains(got, "aisle; hit") {
		b.t.Errorf("%s did not come from memory: %s", where, got)
	}
}

// checks looks at the product's page and at the cart, in every way that a shopper gets there.
func (b *browser) checks(p *demo.Product, s state, picture string) {
	b.t.Helper()
	line := fmt.Sprintf(`tr[data-product="%d"]`, p.ID)
	b.wants(".buy", p, s, "the page")
	b.keeps(picture)
	if b.eval(`String(!!document.querySelector(".buy form button:not([disabled])"))`) != "true" {
		b.t.Fatal("it cannot be bought")
	}
	b.steps(click(`.buy form[action="/checkout/cart"] button`))
	b.wants(line, p, s, "the cart")
	b.keeps(picture + "-cart")
	b.goesBack()
	b.wants(".buy", p, s, "the page, after Back")
	b.steps(chromedp.Reload())
	b.wants(".buy", p, s, "the page, reloaded")
	b.steps(chromedp.Navigate(b.base + "/checkout/cart"))
	b.wants(line, p, s, "the cart, later")
	b.goesBack()
	b.wants(".buy", p, s, "the page, after Back from the cart")
}

// TestBackAfterALogIn: a page that was left before the log-in is in the browser's history as it was, and must not show as it was.
func TestBackAfterALogIn(t *testing.T) {
	chromium, w := newChromium(t), newWalk(t)
	_, shop := rig.MakeRun(t, "../..")
	b := newBrowser(t, chromium, shop)
	stranger := state{segment: demo.DefaultSegment()}
	gold := state{segment: demo.DefaultSegment()}
	gold.segment.PriceTables = "gold"
	b.opens(w.product.Path())
	b.wants(".buy", w.product, stranger, "the page")
	b.steps(click(`[data-account]`))
	b.steps(click(`main a[href="/login"]`))
	b.steps(send(`[data-customer] input[type="email"]`, "ann@gold.example"))
	for i := range 5 {
		if b.eval("location.pathname") == w.product.Path() {
			break
		} else if i == 4 {
			t.Fatalf("the product's page is not in the history: %s", b.eval("location.href"))
		}
		b.goesBack()
	}
	b.wants(".buy", w.product, gold, "the page of before, after Back")
	b.keeps("back-after-log-in")
	b.logsOut(w.product.Path())
	b.wants(".buy", w.product, stranger, "the page after the log-out")
}
