package profile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aislecache/aisle/sessions/transform"
)

// Customer is what is known of a customer.
type Customer struct {
	ID, Email, FirstName, LastName, Document, Phone string
	PriceTables                                     []string // in the order of the source, each once
}

const maxField = 1024 // bytes of one field of a customer

// is says whether a source that was asked for this id or e-mail may answer with c. A source need not repeat what it
// was asked for: by an e-mail alone, it may answer with an id alone.
func (c Customer) is(id, email string) bool {
	if c.Email == "" && (c.ID == "" || id == "") {
		return true
	}
	return id != "" && c.ID == id || email != "" && transform.FoldEmail(c.Email) == email
}

// another says whether c, found by the e-mail of a shopper with an id, is somebody else with that e-mail, who may be the one
// that had it before.
func (c Customer) another(id string) bool { return id != "" && c.ID != "" && c.ID != id }

// fields are the names of a customer's fields, in the order of customers.csv.
func fields() []string {
	return []string{"id", "email", "firstName", "lastName", "document", "phone", "priceTables"}
}

// fieldAt finds a field by its name, in any case and with or without "_", as databases spell it; -1: none.
func fieldAt(name string) int {
	plain := strings.ReplaceAll(name, "_", "")
	return slices.IndexFunc(fields(), func(f string) bool { return strings.EqualFold(f, plain) })
}

// row are the fields of a customer as texts, in the order of fields.
type row [7]string

const tablesAt = 6 // of priceTables in a row

// tidy trims a row, brings its e-mail and price tables into the form that they are kept in, and says what is wrong
// with it, without its values.
func (r *row) tidy() error {
	for i, text := range r {
		text = strings.TrimSpace(text)
		if len(text) > maxField {
			return fmt.Errorf("%s has %d bytes, %d are allowed", fields()[i], len(text), maxField)
		}
		if !utf8.ValidString(text) {
			return fmt.Errorf("%s is not UTF-8", fields()[i])
		}
		r[i] = text
	}
	r[1] = transform.FoldEmail(r[1])
	if r[0] == "" && r[1] == "" {
		return errNobody
	}
	if strings.ContainsAny(r[tablesAt], ";,") {
		r[tablesAt] = strings.Join(tables(r[tablesAt]), ",")
	}
	return nil
}

var errNobody = errors.New("neither an id nor an email")

func (r *row) customer() Customer {
	return Customer{r[0], r[1], r[2], r[3], r[4], r[5], tables(r[6])}
}

// tables splits names of price tables at ";" and at ",", which no name can hold: the segment joins them by commas.
func tables(text string) []string {
	var list []string
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == ',' }) {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// soundName says why an item of a list is no name: it would be split into names that nobody gave.
func soundName(name string) error {
	if strings.ContainsAny(name, ";,") {
		return errors.New(`a name holds no ";" and no ","`)
	}
	return nil
}
