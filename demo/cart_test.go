package demo_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

// factsOf are the data attributes and the price as it is written of a product, in its page or in the cart.
func factsOf(t testing.TB, page []byte, id int) map[string]string {
	t.Helper()
	place := regexp.MustCompile(fmt.Sprintf(`(?s)data-product="%d"([^>]*)>(.*?)data-live-price>([^<]+)<`, id)).FindSubmatch(page)
	if place == nil {
		t.Fatalf("no product %d in the page", id)
	}
	facts := map[string]string{"shown": string(place[3])}
	for _, m := range regexp.MustCompile(` data-([a-z]+)="([^"]*)"`).FindAllSubmatch(place[1], -1) {
		facts[string(m[1])] = string(m[2])
	}
	delete(facts, "pieces")
	return facts
}

// TestPageAndCartAgree: under one segment the cart has the prices, stock and promotions of the products' pages.
func TestPageAndCartAgree(t *testing.T) {
	s := newShop(t, demo.Options{})
	session := sidecarSession("3d0ff36c-3c0a-4d43-8d6a-3a2f8d3f3333")
	// Each takes part in something else; 15 in price tables no, in campaigns and utm yes; 12 in tables and campaigns; 7 is made to order.
	products := []int{1, 7, 12, 15, 60}
	for _, id := range products {
		s.do(t, "POST", "/checkout/cart", fmt.Sprint("product=", id), append(session, "Content-Type", formType)...)
	}
	seen := map[string]bool{}
	f := func(seg demo.Segment) {
		t.Helper()
		header := append(session, "X-Vtex-Segment", seg.Token())
		cart := s.get(t, "/checkout/cart", header...).body
		for _, id := range products {
			page := s.get(t, s.Catalogue().ByID(id).Path(), header...).body
			facts := factsOf(t, page, id)
			if diff := cmp.Diff(facts, factsOf(t, cart, id)); diff != "" {
				t.Errorf("product %d under %+v (-page +cart):\n%s", id, seg, diff)
			}
			o := demo.Quote(s.Catalogue().ByID(id), 0, seg)
			want := []string{fmt.Sprint(o.Price), fmt.Sprint(o.List), fmt.Sprint(o.Stock), o.Table, o.Promotion}
			got := []string{facts["price"], facts["list"], facts["stock"], facts["table"], facts["promotion"]}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("product %d under %+v (-quote +page):\n%s", id, seg, diff)
			}
			seen[strings.Join(got, " ")] = true
		}
	}
	regions := []string{"", "v2.FF6F4914BA56D6BD91FDA9066E3A46EA"}
	for _, r := range s.Catalogue().Regions() {
		regions = append(regions, r.ID)
	}
	for _, channel := range []string{"1", "2", "3"} {
		for _, table := range []string{"", "gold", "silver", "bronze", "bronze,gold"} {
			for _, campaign := range []string{"", "7f1c", "9a2e", "c31e", "7f1c,9a2e,c31e"} {
				for _, region := range regions {
					seg := demo.ChannelSegment(channel)
					seg.PriceTables, seg.Campaigns, seg.RegionID = table, campaign, region
					if campaign == "9a2e" {
						seg.UTMCampaign = "black friday"
					}
					f(seg)
				}
			}
		}
	}
	if len(seen) < 200 {
		t.Errorf("only %d different offers were seen", len(seen))
	}
}

func TestCartLinesAreChangedAndRemoved(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	f := func(want map[int]int, form ...string) {
		t.Helper()
		if a := b.form(t, "/checkout/cart", form...); a.status != http.StatusSeeOther {
			t.Errorf("%v: %d %s", form, a.status, a.body)
		}
		var cart struct{ Items []struct{ ID, Pieces int } }
		b.send(t, "GET", "/_v/private/cart", "").json(t, &cart)
		got := map[int]int{}
		for _, i := range cart.Items {
			got[i.ID] = i.Pieces
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", form, diff)
		}
	}
	f(map[int]int{5: 1}, "product", "5")
	f(map[int]int{5: 4}, "product", "5", "pieces", "4")
	f(map[int]int{5: 4, 9: 2}, "product", "9", "pieces", "2")
	f(map[int]int{5: 99, 9: 2}, "product", "5", "pieces", "1000")
	f(map[int]int{9: 2}, "product", "5", "pieces", "0")
	f(map[int]int{9: 2}, "product", "5", "pieces", "0")
	for _, bad := range []string{"-1", "x", "1.5"} {
		if a := b.form(t, "/checkout/cart", "product", "9", "pieces", bad); a.status != http.StatusBadRequest {
			t.Errorf("pieces %q: %d", bad, a.status)
		}
	}
}

func TestCartTellsWhatCannotBeDelivered(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	p := productWhere(t, s.Catalogue(), func(p *demo.Product) bool { return !p.ToOrder })
	b.form(t, "/checkout/cart", "product", fmt.Sprint(p.ID))
	f := func(seg demo.Segment, want bool) {
		t.Helper()
		page := string(b.send(t, "GET", "/checkout/cart", "", "X-Vtex-Segment", seg.Token()).body)
		if got := strings.Contains(page, "data-short>Only 0 can be delivered."); got != want {
			t.Errorf("region %q: %v, want %v", seg.RegionID, got, want)
		}
	}
	f(demo.DefaultSegment(), false)
	nowhere := demo.DefaultSegment()
	nowhere.RegionID = "U1cj"
	f(nowhere, true)
}

// Through log-in, impersonation and log-out an edge's session is one, whatever its tokens are: so is the cart.
func TestCartFollowsTheSession(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	session := sidecarSession("3d0ff36c-3c0a-4d43-8d6a-3a2f8d3f4444")
	f := func(path, body string) {
		t.Helper()
		a := b.send(t, "POST", path, body, append(session, "Content-Type", formType)...)
		for _, name := range []string{"vtex_session", "vtex_segment"} {
			if c, ok := a.cookie(name); ok {
				t.Errorf("POST %s sends %v for an edge's session", path, c)
			}
		}
		if cart := string(b.send(t, "GET", "/checkout/cart", "", session...).body); !strings.Contains(cart, `<tr data-product="5"`) {
			t.Errorf("the cart is gone after POST %s", path)
		}
	}
	f("/checkout/cart", "product=5")
	f("/login", "email=ann%40gold.example")
	f("/logout", "")
	f("/login", "email=olivia%40acme.example&as=operator")
	f("/logout", "")
}
