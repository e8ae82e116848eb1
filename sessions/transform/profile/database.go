package profile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/aislecache/aisle/sessions/transform"
)

// SQL says how customers are asked of PostgreSQL. The zero value is none.
type SQL struct {
	// DSN is as libpq has it: a URL or key=value words; what it lacks comes from PGHOST and its kin. The connection sets
	// default_transaction_read_only as it starts, which PgBouncer has to be told to ignore (ignore_startup_parameters).
	DSN string
	// Query gives the customer of @id, else of @email with A to Z in lower case; NULL is what the shopper has not. Its columns
	// are called as the fields of customers.csv, in any case and with "_" or without; priceTables is a text
	// as there, or an array of texts:
	//
	//	SELECT id, email, first_name, last_name, document, phone, price_tables
	//	FROM customers WHERE id = @id OR lower(email) = @email
	Query string
}

const (
	maxConnections = 16
	maxRows        = 16 // that are looked at: an id and an e-mail are those of two customers at most
)

// database asks PostgreSQL, in transactions that cannot write.
type database struct {
	db    *sql.DB
	query string
}

func newDatabase(o SQL) (*database, error) {
	if !strings.Contains(o.Query, "@id") && !strings.Contains(o.Query, "@email") {
		return nil, errors.New("profile.customers.sql.query: want @id or @email in it")
	}
	config, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		return nil, transform.AtKey("profile.customers.sql.dsn", transform.OneLine(err)) // it leaves the password out
	}
	// The query is the operator's, its arguments are not: a slip in it should not cost the customers.
	config.RuntimeParams["default_transaction_read_only"] = "on"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "aisle"
	}
	db := sql.OpenDB(connector{config})
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections / 4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &database{db: db, query: o.Query}, nil
}

func (d *database) close() { _ = d.db.Close() } // there is nothing to lose

func (d *database) find(ctx context.Context, id, email string) (Customer, bool, error) {
	rows, err := d.db.QueryContext(ctx, d.query, sql.Named("id", orNull(id)), sql.Named("email", orNull(email)))
	if err != nil {
		return Customer{}, false, databaseError(err)
	}
	defer func() { _ = rows.Close() }()
	all, err := customersOf(rows)
	if err != nil {
		return Customer{}, false, err
	}
	return pick(all, id)
}

func orNull(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// pick finds the customer with the id among those that an id or an e-mail may be of, else the one without an id: of several,
// those with another id are not the shopper. Two are a doubt, and no doubt gives a price table.
func pick(all []Customer, id string) (Customer, bool, error) {
	for _, c := range all {
		if id != "" && c.ID == id {
			return c, true, nil
		}
	}
	if len(all) > 1 {
		all = slices.DeleteFunc(all, func(c Customer) bool { return c.another(id) })
	}
	switch len(all) {
	case 0:
		return Customer{}, false, nil
	case 1:
		return all[0], true, nil
	}
	return Customer{}, false, fmt.Errorf("sql: the query gave %d rows, and none with the id that was asked for", len(all))
}

func customersOf(rows *sql.Rows) ([]Customer, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, databaseError(err)
	}
	columns, err := columnsOf(names)
	if err != nil {
		return nil, fmt.Errorf("sql: query: %w", err)
	}
	var all []Customer
	texts, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range texts {
		into[i] = &texts[i]
	}
	for rows.Next() {
		if len(all) == maxRows {
			return nil, fmt.Errorf("sql: the query gave more than %d rows", maxRows)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, errors.New("sql: a column that is no text")
		}
		var r row
		for i, at := range columns {
			r[at] = texts[i].String
		}
		if r[tablesAt], err = arrayText(r[tablesAt]); err != nil {
			return nil, err
		}
		if err := r.tidy(); err != nil {
			return nil, fmt.Errorf("sql: %w", err)
		}
		all = append(all, r.customer())
	}
	return all, databaseError(rows.Err())
}

// arrayText turns the text form of an array, {a,"b c"}, into the one of customers.csv.
func arrayText(text string) (string, error) {
	if !strings.HasPrefix(text, "{") {
		return text, nil
	}
	var list []pgtype.Text
	if pgtype.NewMap().Scan(pgtype.TextArrayOID, pgtype.TextFormatCode, []byte(text), &list) != nil {
		return "", errors.New("sql: priceTables is no array of texts")
	}
	var names []string
	for _, one := range list {
		if err := soundName(one.String); err != nil {
			return "", fmt.Errorf("sql: priceTables: %w", err)
		}
		names = append(names, one.String)
	}
	return strings.Join(names, ";"), nil
}
