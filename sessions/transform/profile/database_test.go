package profile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/profile/pgtest"
)

const schema = `
CREATE TABLE customers (id text PRIMARY KEY, email text, first_name text, last_name text, document text, phone text, price_tables text[]);
INSERT INTO customers VALUES
	('c1', 'Ann@x.example', 'Ann', 'Ash', '111', '+55 11 1', '{gold,vip}'),
	('c2', 'bob@x.example', 'Bob', 'Birch', '222', NULL, '{silver}'),
	('c3', NULL, 'Cy', NULL, NULL, NULL, NULL),
	('c4', 'twin@x.example', NULL, NULL, NULL, NULL, '{gold}'),
	('c5', 'twin@x.example', NULL, NULL, NULL, NULL, '{silver}'),
	('c6', 'odd@x.example', NULL, NULL, NULL, NULL, '{"a b","c",NULL}');
CREATE TABLE accounts (no integer PRIMARY KEY, tables text);
INSERT INTO accounts VALUES (7, 'gold;vip'), (8, '');
CREATE TABLE written (id text);`

const byBoth = `SELECT id, email, first_name, last_name, document, phone, price_tables FROM customers WHERE id = @id OR lower(email) = @email`

// database is a server with the schema.
type database struct{ *pgtest.Server }

func (d database) app(t *testing.T, query string) *profile.Profile {
	t.Helper()
	return newApp(t, profile.Options{SQL: profile.SQL{DSN: d.DSN(), Query: query}})
}

// fails wants an error that tells nothing secret.
func fails(t *testing.T, p *profile.Profile, in, want string) {
	t.Helper()
	out, err := p.Transform(t.Context(), vals(strings.Fields(in)...))
	if err == nil || out != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%s: %v, %v; want %q", in, out, err, want)
	}
}

// TestDatabase has one server for all of it: one takes a second to make. In the last part it goes away and comes back.
func TestDatabase(t *testing.T) {
	d := database{pgtest.Start(t)}
	d.Do(schema)
	for _, part := range []struct {
		name string
		f    func(*testing.T, database)
	}{
		{"customers", databaseCustomers}, {"columns", databaseColumns}, {"failures", databaseFailures}, {"changes", databaseChanges},
		{"time", databaseTime}, {"many at once", databaseCrowd}, {"restart", databaseRestart},
	} {
		t.Run(part.name, func(t *testing.T) { part.f(t, d) })
	}
}

func databaseCustomers(t *testing.T, d database) {
	f := asked(t, d.app(t, byBoth))
	f("", "isAuthenticated=false")
	f("authentication.storeUserId=c1", ann()...)
	f("authentication.storeUserEmail=ANN@x.example", ann()...)
	f("authentication.storeUserId=c1 authentication.storeUserEmail=bob@x.example", ann()...)
	f("authentication.storeUserId=c3 authentication.storeUserEmail=cy@x.example", "id=c3", "email=cy@x.example", "firstName=Cy", "isAuthenticated=true")
	f("authentication.storeUserId=c4 authentication.storeUserEmail=twin@x.example", "id=c4", "email=twin@x.example", "priceTables=gold", "isAuthenticated=true")
	f("authentication.storeUserId=c9 authentication.storeUserEmail=twin@x.example", "id=c9", "email=twin@x.example", "isAuthenticated=true")
	f("authentication.storeUserId=c9 authentication.storeUserEmail=ann@x.example", "id=c9", "email=ann@x.example", "isAuthenticated=true")
	f("authentication.storeUserId=c6", "id=c6", "email=odd@x.example", "priceTables=a b,c", "isAuthenticated=true")
	f("authentication.storeUserId=c9 authentication.storeUserEmail=x@x", "id=c9", "email=x@x", "isAuthenticated=true")
	f("authentication.storeUserId=';DROP authentication.storeUserEmail=c1", "id=';DROP", "email=c1", "isAuthenticated=true")
	shared := d.app(t, `SELECT * FROM (VALUES ('c7', 'a@x', 'gold'), (NULL, 'a@x', 'silver')) AS known (id, email, price_tables) WHERE @id <> ''`)
	asked(t, shared)("authentication.storeUserId=c9 authentication.storeUserEmail=a@x", "id=c9", "email=a@x", "priceTables=silver", "isAuthenticated=true")
	f("public.storeUserEmail=ann@x.example", "isAuthenticated=false")
	trusting := newApp(t, profile.Options{SQL: profile.SQL{DSN: d.DSN(), Query: byBoth}, TrustPublicEmail: true})
	asked(t, trusting)("public.storeUserEmail=Ann@x.example", "priceTables=gold,vip", "isAuthenticated=false")
}

func databaseColumns(t *testing.T, d database) {
	// An id that is a number there, and tables as a text; one argument of the two.
	f := asked(t, d.app(t, `SELECT no AS id, tables AS "priceTables" FROM accounts WHERE no = @id`))
	f("authentication.storeUserId=7 authentication.storeUserEmail=a@x", "id=7", "email=a@x", "priceTables=gold,vip", "isAuthenticated=true")
	f("authentication.storeUserId=8", "id=8", "isAuthenticated=true")
	f("authentication.storeUserEmail=a@x", "email=a@x", "isAuthenticated=true")
}

func databaseFailures(t *testing.T, d database) {
	numbers := d.app(t, `SELECT no AS id FROM accounts WHERE no = @id`)
	fails(t, numbers, "authentication.storeUserId=secret", "SQLSTATE 22P02")
	asked(t, numbers)("authentication.storeUserId=7", "id=7", "isAuthenticated=true") // the connection is still good
	fails(t, d.app(t, byBoth), "authentication.storeUserEmail=twin@x.example", "2 rows")
	fails(t, d.app(t, `SELECT * FROM nowhere WHERE id = @id`), "authentication.storeUserId=c1", "SQLSTATE 42P01")
	fails(t, d.app(t, `SELECT id, 1 AS colour FROM customers WHERE id = @id`), "authentication.storeUserId=c1", "no column is called")
	fails(t, d.app(t, `SELECT phone FROM customers WHERE id = @id`), "authentication.storeUserId=c1", "no column id or email")
	fails(t, d.app(t, `SELECT 'other' AS id FROM customers WHERE id = @id`), "authentication.storeUserId=c1", "another customer")
	fails(t, d.app(t, `SELECT id FROM customers, generate_series(1, 20) WHERE @id <> ''`), "authentication.storeUserId=c9", "more than 16 rows")
	fails(t, d.app(t, `SELECT @id AS id, repeat('secret', 300) AS phone`), "authentication.storeUserId=c1", "phone has 1800 bytes")
	fails(t, d.app(t, `SELECT @id AS id, '{"a' AS price_tables`), "authentication.storeUserId=c1", "no array")
	fails(t, d.app(t, `SELECT @id AS id, ARRAY['gold,secret'] AS price_tables`), "authentication.storeUserId=c1", "priceTables: a name holds no")
	fails(t, d.app(t, `SELECT @id AS id, ARRAY['x', 'gold;secret'] AS price_tables`), "authentication.storeUserId=c1", "priceTables: a name holds no")
	fails(t, d.app(t, `INSERT INTO written VALUES (@id) RETURNING id`), "authentication.storeUserId=c1", "SQLSTATE 25006")
}

func databaseChanges(t *testing.T, d database) {
	s := newSession(t, d.app(t, byBoth))
	s.does("authentication.storeUserId=c2")
	s.tables("silver")
	d.Do(`UPDATE customers SET price_tables = '{}' WHERE id = 'c2'`)
	s.does()
	s.tables("")
	d.Do(`UPDATE customers SET price_tables = '{silver}' WHERE id = 'c2'`)
}

func databaseTime(t *testing.T, d database) {
	p := d.app(t, `SELECT id FROM customers, pg_sleep(30) WHERE id = @id`)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Transform(ctx, vals("authentication.storeUserId=c1")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func databaseCrowd(t *testing.T, d database) {
	p := d.app(t, byBoth)
	var asking sync.WaitGroup
	for i := range 100 {
		asking.Go(func() {
			id := fmt.Sprint("c", i%3+1)
			out, err := p.Transform(t.Context(), vals("authentication.storeUserId="+id))
			if err != nil || plain(out)["profile.id"] != id {
				t.Errorf("%s: %v, %v", id, out, err)
			}
		})
	}
	asking.Wait()
}

func databaseRestart(t *testing.T, d database) {
	s := newSession(t, d.app(t, byBoth))
	s.does("authentication.storeUserId=c1")
	s.tables("gold,vip")
	d.Restart()
	if r := s.does(); r.Calls[0].Err != nil {
		t.Errorf("connections from before the restart: %v", r.Calls[0].Err)
	}
	s.tables("gold,vip")
	d.Kill()
	if r := s.does(); r.Calls[0].Err == nil || strings.Contains(r.Calls[0].Err.Error(), pgtest.Password) {
		t.Errorf("without a server: %v", r.Calls[0].Err)
	}
	s.tables("gold,vip") // a refresh that fails takes nothing
	s.does("authentication.storeUserId=c2")
	s.tables("") // and gives nothing
	d.Restart()
	s.does()
	s.tables("silver")
}
