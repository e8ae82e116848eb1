package demo

import "strings"

// Offer is what one product costs under one segment. Money is in cents of Currency.
type Offer struct {
	ID        int    // the product's
	List      int64  // the channel's price, before price tables and promotions
	Price     int64  // what the shopper pays
	Currency  string // the segment's currencyCode
	Stock     int    // pieces in the segment's region; 0: sold out
	Table     string // the price table that gave the price; "" where none did
	Promotion string // the promotion in Price; "" where none applies
}

// discount is a named rebate in whole percent. The zero value gives none.
type discount struct {
	name    string
	percent int64
}

// terms is a segment taken apart once per page: a page quotes up to sixty products.
type terms struct {
	seg      Segment
	table    discount
	campaign discount
	utm      discount
}

func termsOf(seg Segment) terms {
	return terms{
		seg:      seg,
		table:    best(seg.PriceTables, tableDiscount),
		campaign: best(seg.Campaigns, campaignDiscount),
		utm:      utmDiscount(strings.ToLower(seg.UTMCampaign)),
	}
}

// Quote prices p under seg at a revision of the price list.
//
// The order is: revision, channel, price table (only where p.OwnPrice), then the larger one of the promotions
// by campaign and by utm_campaign. Each step rounds to whole cents, half up.
func Quote(p *Product, revision uint64, seg Segment) Offer { return termsOf(seg).quote(p, revision) }

func (t terms) quote(p *Product, revision uint64) Offer {
	o := Offer{ID: p.ID, Currency: t.seg.CurrencyCode, Stock: p.stock(t.seg.RegionID)}
	o.List = inChannel(reprice(p.Base, revision), t.seg.Channel)
	o.Price = o.List
	if p.OwnPrice && t.table.percent > 0 {
		o.Price, o.Table = less(o.Price, t.table.percent), t.table.name
	}
	if promo := t.promotion(p); promo.percent > 0 {
		o.Price, o.Promotion = less(o.Price, promo.percent), promo.name
	}
	return o
}

// promotion is the larger one of the two that p may take part in; the campaign's where they are equal.
func (t terms) promotion(p *Product) discount {
	var d discount
	if p.ByCampaign {
		d = t.campaign
	}
	if p.ByUTM && t.utm.percent > d.percent {
		d = t.utm
	}
	return d
}

// reprice raises a base price by one percent per revision, ten times, and starts again: neighbours always differ.
func reprice(base int64, revision uint64) int64 { return base + int64(revision%10)*(base/100) }

// inChannel converts centavos to the channel's price: dollars at 5.40 on channel 2, twelve percent off on channel 3.
func inChannel(cents int64, channel string) int64 {
	switch channel {
	case "2":
		return (cents*100 + 270) / 540
	case "3":
		return less(cents, 12)
	}
	return cents
}

// less takes percent off, rounded to whole cents, half up.
func less(cents, percent int64) int64 { return (cents*(100-percent) + 50) / 100 }

// best is the largest discount that a comma-separated list of names gives.
func best(list string, of func(string) discount) discount {
	var top discount
	for name := range strings.SplitSeq(list, ",") {
		if d := of(strings.TrimSpace(name)); d.percent > top.percent {
			top = d
		}
	}
	return top
}

func tableDiscount(name string) discount {
	switch name {
	case "gold":
		return discount{"gold", 15}
	case "silver":
		return discount{"silver", 8}
	case "bronze":
		return discount{"bronze", 4}
	}
	return discount{}
}

// campaignDiscount knows the audiences of examples/store by id, and one by name.
func campaignDiscount(id string) discount {
	switch id {
	case "vip", "7f1c":
		return discount{"VIP club", 10}
	case "9a2e":
		return discount{"Black Friday", 25}
	case "c31e":
		return discount{"Rio days", 12}
	}
	return discount{}
}

func utmDiscount(campaign string) discount {
	switch campaign {
	case "black friday", "blackfriday":
		return discount{"Black Friday", 25}
	case "newsletter":
		return discount{"Newsletter", 5}
	}
	return discount{}
}

// money writes cents as a culture does: "$1,234.56" for English ones, "R$ 1.234,56" for all others.
func money(cents int64, symbol, culture string) string {
	thousands, decimal, gap := ".", ",", " "
	if strings.HasPrefix(culture, "en") {
		thousands, decimal, gap = ",", ".", ""
	}
	whole := digits(cents / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + thousands + whole[i:]
	}
	return symbol + gap + whole + decimal + digits(100 + cents%100)[1:]
}
