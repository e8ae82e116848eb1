package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
)

// pricesQuery is the one persisted query of the shop. Clients send its hash in its place.
const pricesQuery = `query ProductPrices($ids: [Int!]!) { prices(ids: $ids) { id price list currency stock table promotion formatted } revision }`

// maxQuoted bounds the products of one query.
const maxQuoted = 100

// PricesHash is the sha256Hash by which a persisted query for prices is sent.
func PricesHash() string {
	sum := sha256.Sum256([]byte(pricesQuery))
	return hex.EncodeToString(sum[:])
}

// graphql answers GET /_v/segment/graphql/v1?operationName=ProductPrices&variables={"ids":[1]}&extensions=
// {"persistedQuery":{"version":1,"sha256Hash":PricesHash()}}: prices by a cacheable request, under the segment.
func (s *Storefront) graphql(w http.ResponseWriter, r *http.Request) {
	vary(w.Header(), r)
	if r.URL.Path != "/_v/segment/graphql" && r.URL.Path != "/_v/segment/graphql/v1" {
		plain(w, http.StatusNotFound, "no such endpoint")
		return
	}
	ids, problem := s.pricesAsked(r)
	if problem != "" {
		w.Header().Set("Cache-Control", "no-store")
		reply(w, r, http.StatusOK, map[string]any{"errors": []map[string]string{{"message": problem}}})
		return
	}
	s.prices(w, r, ids)
}

// pricesAsked reads the query; problem is a message for the errors of a GraphQL answer, "" if there is none.
func (s *Storefront) pricesAsked(r *http.Request) (ids []int, problem string) {
	q := r.URL.Query()
	var extensions struct {
		PersistedQuery struct {
			Version    int    `json:"version"`
			Sha256Hash string `json:"sha256Hash"`
		} `json:"persistedQuery"`
	}
	var variables struct {
		IDs []int `json:"ids"`
	}
	if json.Unmarshal([]byte(q.Get("extensions")), &extensions) != nil {
		return nil, "extensions is not JSON"
	}
	if q.Get("operationName") != "ProductPrices" || extensions.PersistedQuery.Sha256Hash != PricesHash() {
		return nil, "PersistedQueryNotFound"
	}
	if err := json.Unmarshal([]byte(q.Get("variables")), &variables); err != nil || len(variables.IDs) > maxQuoted {
		return nil, "variables: want ids, a list of at most 100 numbers"
	}
	return variables.IDs, ""
}

func (s *Storefront) prices(w http.ResponseWriter, r *http.Request, ids []int) {
	seg, revision := segmentOf(r), s.revision.Load()
	type priced struct {
		offerBlock
		Formatted string `json:"formatted"`
	}
	list, tags := []priced{}, []string{"prices", "catalogue"}
	for _, id := range ids {
		// An unknown product is left out, as a shop does with one that was taken off the shelf.
		if p := s.catalogue.ByID(id); p != nil {
			o := Quote(p, revision, seg)
			list = append(list, priced{blocks([]Offer{o})[0], money(o.Price, seg.CurrencySymbol, seg.CultureInfo)})
			tags = append(tags, p.Tags()...)
		}
	}
	s.cacheable(w, revision, tags)
	answer := map[string]any{
		"data": map[string]any{"prices": list, "revision": revision}, "segmentToken": seg.Token(),
	}
	body, _ := json.Marshal(answer) // strings and numbers: it cannot fail
	w.Header().Set("ETag", strongETag(body))
	reply(w, r, http.StatusOK, json.RawMessage(body))
}

// cacheable sets the fields that let caches keep JSON as they keep pages.
func (s *Storefront) cacheable(w http.ResponseWriter, revision uint64, tags []string) {
	h := w.Header()
	h.Set("Cache-Control", s.options.pageControl())
	h.Set("Last-Modified", LastModified(revision).Format(http.TimeFormat))
	h.Set("Surrogate-Key", strings.Join(tags, " "))
}

// publicCatalogue answers GET /_v/public/catalog.json: names and paths, without a price, the same for everyone.
func (s *Storefront) publicCatalogue(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/_v/public/catalog.json" {
		plain(w, http.StatusNotFound, "no such endpoint")
		return
	}
	type item struct {
		ID       int    `json:"id"`
		Name     string `json:"name"`
		Path     string `json:"path"`
		Category string `json:"category"`
	}
	list := make([]item, 0, len(s.catalogue.Products))
	for _, p := range s.catalogue.Products {
		list = append(list, item{p.ID, p.Name, p.Path(), p.Category.Key})
	}
	s.cacheable(w, s.revision.Load(), []string{"catalogue"})
	reply(w, r, http.StatusOK, map[string]any{"products": list})
}
