package profile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connector opens connections of pgx for database/sql, which pools them. pgx has a driver of its own: it brings a second
// pool along, and gives arrays, numbers and dates in their Go types; here every column is wanted as a text, as
// PostgreSQL writes it.
type connector struct{ config *pgx.ConnConfig }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return nil, err
	}
	return &connection{conn}, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return pgDriver{} }

// pgDriver is there because database/sql asks for it.
type pgDriver struct{}

// Open implements driver.Driver.
func (pgDriver) Open(dsn string) (driver.Conn, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return connector{config}.Connect(context.Background())
}

// connection is one of pgx. database/sql has one goroutine use it at a time.
type connection struct{ pgx *pgx.Conn }

var errQueriesAlone = errors.New("sql: only queries are supported")

// Prepare implements driver.Conn. pgx prepares and remembers what is asked twice.
func (c *connection) Prepare(string) (driver.Stmt, error) { return nil, errQueriesAlone }

// Begin implements driver.Conn.
func (c *connection) Begin() (driver.Tx, error) { return nil, errQueriesAlone }

// Close implements driver.Conn.
func (c *connection) Close() error { return c.pgx.Close(context.Background()) }

// IsValid implements driver.Validator: a call that ran out of time leaves a closed connection.
func (c *connection) IsValid() bool { return !c.pgx.IsClosed() }

// QueryContext implements driver.QueryerContext. A connection that turns out to be dead, as after a restart of the
// server, makes database/sql ask on another: a query that cannot write may be asked twice.
func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	named := pgx.NamedArgs{}
	for _, a := range args {
		named[a.Name] = a.Value
	}
	found, err := c.pgx.Query(ctx, query, pgx.QueryResultFormats{pgx.TextFormatCode}, named)
	if err != nil {
		if c.pgx.IsClosed() && ctx.Err() == nil {
			return nil, driver.ErrBadConn
		}
		return nil, err
	}
	r := &result{rows: found}
	// The first row now: pgx reads an answer when it is asked for a row, and a dead connection shows only then.
	if r.first = found.Next(); !r.first && found.Err() != nil {
		if c.pgx.IsClosed() && ctx.Err() == nil {
			return nil, driver.ErrBadConn
		}
		return nil, found.Err()
	}
	return r, nil
}

// result gives rows as texts.
type result struct {
	rows  pgx.Rows
	first bool // the first row has been asked for and is not yet given
}

// Columns implements driver.Rows.
func (r *result) Columns() []string {
	var names []string
	for _, f := range r.rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names
}

// Close implements driver.Rows.
func (r *result) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

// Next implements driver.Rows.
func (r *result) Next(into []driver.Value) error {
	if !r.first && !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	r.first = false
	for i, raw := range r.rows.RawValues() {
		into[i] = nil
		if raw != nil {
			into[i] = string(raw) // raw is overwritten by the next row
		}
	}
	return nil
}

// databaseError is an error without values: PostgreSQL quotes what it cannot read, an e-mail where a number is meant.
func databaseError(err error) error {
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	var address *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &connect):
		return fmt.Errorf("sql: %w", connect)
	case errors.As(err, &server):
		return fmt.Errorf("sql: PostgreSQL refuses the query: SQLSTATE %s at character %d", server.Code, server.Position)
	case errors.As(err, &address):
		return fmt.Errorf("sql: %w", address)
	}
	return errors.New("sql: no sound answer of PostgreSQL")
}
