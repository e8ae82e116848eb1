package regions

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// The codes of errors (facts 1.9).
const (
	codePostalCode = "001"
	codePlace      = "CHK0119"
	codeCountry    = "CHK0127"
)

// regionBody is a region on the wire.
type regionBody struct {
	ID      string       `json:"id"`
	Sellers []sellerBody `json:"sellers"`
}

type sellerBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Logo string `json:"logo"`
}

// bodyOf names sellers by their ids: the data know no more of them.
func bodyOf(r Region) regionBody {
	body := regionBody{ID: r.ID, Sellers: make([]sellerBody, 0, len(r.Sellers))}
	for _, id := range r.Sellers {
		body.Sellers = append(body.Sellers, sellerBody{ID: id, Name: id})
	}
	return body
}

// addressBody is an address on the wire, with each field of the description.
type addressBody struct {
	PostalCode     string    `json:"postalCode"`
	City           string    `json:"city"`
	State          string    `json:"state"`
	Country        string    `json:"country"`
	Street         string    `json:"street"`
	Number         string    `json:"number"`
	Neighborhood   string    `json:"neighborhood"`
	Complement     *string   `json:"complement"`
	Reference      string    `json:"reference"`
	GeoCoordinates []float64 `json:"geoCoordinates"`
}

// fault is an error as its client is told.
type fault struct{ code, message string }

func badPostalCode(text string) *fault {
	return &fault{codePostalCode, fmt.Sprintf("O campo CEP (%s) nos dados de entrega é inválido", cut(text))}
}

func fail(w http.ResponseWriter, status int, f fault, operation string) {
	type inner struct {
		Code      string  `json:"code"`
		Message   string  `json:"message"`
		Exception *string `json:"exception"`
	}
	write(w, status, struct {
		Fields    struct{} `json:"fields"`
		Error     inner    `json:"error"`
		Operation string   `json:"operationId"`
	}{struct{}{}, inner{Code: f.code, Message: f.message}, operation})
}

func write(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic("BUG: " + err.Error()) // of strings and numbers alone
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone
}
