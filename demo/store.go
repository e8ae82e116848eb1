package demo

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/aislecache/aisle/examples/store"
)

// shopData is what the shop knows besides its products: the files of a store, as examples/store has them. Nothing changes it.
type shopData struct {
	customers []customer
	regions   []Region
	ranges    []postalRange
	key       signingKey
}

// customer is a line of customers.csv.
type customer struct {
	id, email, firstName, lastName string
	tables                         []string
}

func (c customer) name() string { return strings.TrimSpace(c.firstName + " " + c.lastName) }

// storeFiles are those of a folder, or of the worked store for "".
func storeFiles(dir string) fs.FS {
	if dir == "" {
		return store.Files()
	}
	return os.DirFS(dir)
}

// readStore reads customers.csv, regions.csv and shoppers.jwks, and areas.geojson where there is one: of that file the names
// of the regions alone. Its error joins what is wrong with each file.
func readStore(files fs.FS) (*shopData, error) {
	d := &shopData{}
	return d, errors.Join(
		eachRecord(files, "customers.csv", []string{"email"}, d.addCustomer),
		eachRecord(files, "regions.csv", []string{"country", "from", "to", "sellers"}, d.addRange),
		d.nameRegions(files, "areas.geojson"),
		d.readKey(files, "shoppers.jwks"),
	)
}

// worked is the store in the binary.
func worked() *shopData {
	d, err := readStore(store.Files())
	if err != nil {
		panic(fmt.Sprintf("BUG: the store in the binary: %v", err))
	}
	return d
}

// eachRecord calls add with each record of a CSV file, by the names of its first line, which must be there.
func eachRecord(files fs.FS, name string, must []string, add func(field map[string]string) error) error {
	f, err := files.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	in := csv.NewReader(f)
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, column := range must {
		if !slices.Contains(head, column) {
			return fmt.Errorf("%s: no column %s", name, column)
		}
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = add(fieldsOf(head, record))
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return fmt.Errorf("%s: line %d: %w", name, line, err)
		}
	}
}

func fieldsOf(head, record []string) map[string]string {
	field := map[string]string{}
	for i, name := range head {
		field[name] = strings.TrimSpace(record[i])
	}
	return field
}

func (d *shopData) addCustomer(field map[string]string) error {
	c := customer{
		id: field["id"], email: strings.ToLower(field["email"]), firstName: field["firstName"], lastName: field["lastName"],
		tables: splitList(field["priceTables"]),
	}
	if c.email != "" {
		d.customers = append(d.customers, c)
	}
	return nil
}

// splitList reads "a;b".
func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == ',' || r == ' ' })
}

// customer finds a customer by e-mail; ok is false where there is none.
func (d *shopData) customer(email string) (c customer, ok bool) {
	for _, c := range d.customers {
		if strings.EqualFold(c.email, email) {
			return c, true
		}
	}
	return customer{}, false
}

// withTable is the first customer of a price table; ok is false where there is none.
func (d *shopData) withTable(table string) (c customer, ok bool) {
	for _, c := range d.customers {
		if len(c.tables) > 0 && c.tables[0] == table {
			return c, true
		}
	}
	return customer{}, false
}

// readKey takes the first secret of a JWK set (RFC 7517), by which the shop signs.
func (d *shopData) readKey(files fs.FS, name string) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	var set struct {
		Keys []struct{ Kty, Kid, K string }
	}
	if json.Unmarshal(text, &set) != nil { // its error might quote the secret
		return fmt.Errorf("%s: not a JWK set", name)
	}
	for _, k := range set.Keys {
		secret, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.K, "="))
		if k.Kty == "oct" && err == nil && len(secret) >= 32 {
			d.key = signingKey{k.Kid, secret}
			return nil
		}
	}
	return fmt.Errorf("%s: no key of type oct with 32 bytes or more to sign by", name)
}
