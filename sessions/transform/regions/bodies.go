package regions

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aislecache/aisle/sessions/transform"
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

const operationField = "X-Vtex-Operation-Id"

// operationOf echoes the id that a caller gave the call, if that may stand in a log line, and else makes one (a UUID, RFC 9562, 5.4).
func operationOf(header http.Header) string {
	if id := header.Get(operationField); transform.PlainID(id, 64) {
		return id
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand says
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
