package demo_test

import (
	"bytes"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/aislecache/aisle/demo"
)

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestShoppersAtOnceEachGetTheirOwnPage(t *testing.T) {
	s := newShop(t, demo.Options{})
	c := s.Catalogue()
	tables := []string{"", "gold", "silver", "silver,gold"}
	together(16, func(i int) {
		seg := demo.ChannelSegment([]string{"1", "2", "3"}[i%3])
		seg.PriceTables = tables[i%len(tables)]
		for round := range 10 {
			p := c.ByID(1 + (i*31+round*7)%360)
			a := s.get(t, p.Path(), "X-Vtex-Segment", seg.Token())
			want := demo.Render(c, 0, seg, p.Path(), "")
			if !bytes.Equal(a.body, want.HTML) {
				t.Errorf("shopper %d got another page of product %d than Render makes", i, p.ID)
			}
		}
	})
}

func TestAPageIsOfOneRevision(t *testing.T) {
	s := newShop(t, demo.Options{})
	c, path := s.Catalogue(), "/c/clocks"
	together(8, func(i int) {
		for range 12 {
			if i == 0 {
				s.Reprice()
			}
			a := s.get(t, path)
			b := blockOf(t, a.body)
			if want := demo.LastModified(b.Revision).Format(http.TimeFormat); a.header.Get("Last-Modified") != want {
				t.Errorf("revision %d is of %s, want %s", b.Revision, a.header.Get("Last-Modified"), want)
			}
			for _, o := range b.Products {
				if q := demo.Quote(c.ByID(o.ID), b.Revision, demo.DefaultSegment()); q.Price != o.Price {
					t.Errorf("revision %d sells product %d for %d, want %d", b.Revision, o.ID, o.Price, q.Price)
				}
			}
		}
	})
	if got := s.State().Revision; got != 12 {
		t.Errorf("revision %d after 12 price lists", got)
	}
}

func TestEditsOfOneSessionAtOnceAreAllKept(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	b.send(t, "POST", "/api/sessions", "")
	cookie := "vtex_session=" + b.cookies["vtex_session"]
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	together(len(names), func(i int) {
		s.do(t, "PATCH", "/api/sessions", `{"public":{"`+names[i]+`":{"value":"`+names[i]+`"}}}`, "Cookie", cookie)
		s.do(t, "POST", "/checkout/cart", "product=9", "Cookie", cookie, "Content-Type", formType)
	})
	var got session
	b.send(t, "GET", "/api/sessions?items=public.*", "").json(t, &got)
	for _, name := range names {
		if got.Namespaces["public"][name].Value != name {
			t.Errorf("the edit of %s is lost", name)
		}
	}
	var cart struct{ Items []struct{ Pieces int } }
	b.send(t, "GET", "/_v/private/cart", "").json(t, &cart)
	if len(cart.Items) != 1 || cart.Items[0].Pieces != len(names) {
		t.Errorf("cart %+v, want %d pieces of one product", cart, len(names))
	}
}

func TestFaultsChangeWhileRequestsRun(t *testing.T) {
	s := newShop(t, demo.Options{})
	var mu sync.Mutex
	seen := map[int]int{}
	together(8, func(i int) {
		for round := range 20 {
			if i == 0 {
				s.Fail([]demo.FaultMode{demo.FaultNone, demo.Fault500, demo.Fault503}[round%3], 1)
			}
			a := s.get(t, "/healthz")
			mu.Lock()
			seen[a.status]++
			mu.Unlock()
		}
	})
	for status := range seen {
		if !slices.Contains([]int{200, 500, 503}, status) {
			t.Errorf("%d answers of %d", seen[status], status)
		}
	}
	if st := s.State(); st.Requests["health"] != 160 || seen[500] == 0 || seen[503] == 0 {
		t.Errorf("%d requests counted, answers %v", st.Requests["health"], seen)
	}
}

func TestPicturesAreAssetsToo(t *testing.T) {
	s := newShop(t, demo.Options{})
	page := s.get(t, s.Catalogue().ByID(17).Path()).body
	a := s.get(t, "/assets/product-17.svg")
	if string(a.body) != s.Catalogue().ByID(17).Picture || !bytes.Contains(page, a.body) {
		t.Error("the asset is not the picture of the page")
	}
}
