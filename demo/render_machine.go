package demo

import "encoding/json"

// machineBlock is what a page says to tests.
type machineBlock struct {
	Path     string       `json:"path"`
	Revision uint64       `json:"revision"`
	Segment  Segment      `json:"segment"`
	Products []offerBlock `json:"products"`
	Token    string       `json:"token"`
}

type offerBlock struct {
	ID        int     `json:"id"`
	Price     int64   `json:"price"`
	List      int64   `json:"list"`
	Currency  string  `json:"currency"`
	Stock     int     `json:"stock"`
	Table     *string `json:"table"`
	Promotion *string `json:"promotion"`
}

func blocks(offers []Offer) []offerBlock {
	list := make([]offerBlock, len(offers))
	for i, o := range offers {
		list[i] = offerBlock{o.ID, o.Price, o.List, o.Currency, o.Stock, orNull(o.Table), orNull(o.Promotion)}
	}
	return list
}

// machine writes the token as storefronts do, and the page's numbers.
func (v *view) machine() {
	token := v.terms.seg.Token()
	// Marshal writes <, > and & as escapes, also inside what MarshalJSON returns: nothing in it closes the script.
	// It cannot fail: there are only strings and integers in it.
	data, _ := json.Marshal(machineBlock{v.path, v.revision, v.terms.seg, blocks(v.shown), token})
	v.raw(`<script id="segment-token" type="application/json">{"segmentToken":"`, token, `"}</script>`)
	v.raw(`<script id="aisle-demo" type="application/json">`, string(data), `</script>`)
}
