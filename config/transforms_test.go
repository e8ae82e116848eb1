package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// TestPasswordsAreNotPrinted: the effective configuration gets into tickets.
func TestPasswordsAreNotPrinted(t *testing.T) {
	f := func(dsn, want string) {
		t.Helper()
		c := parse(t, minimal+"sessions: {transforms: {profile: {customers: {sql: {query: q, dsn: \""+dsn+"\"}}}}}")
		if got := c.Sessions().Transforms.Profile.SQL.DSN; got != dsn {
			t.Errorf("the database is asked at %s", got)
		}
		if text := string(c.Effective()); !strings.Contains(text, want) || strings.Contains(text, "secret") {
			t.Errorf("%s: no %q in\n%s", dsn, want, text)
		}
	}
	f("postgres://u:secret@h/db", "postgres://u:xxxxx@h/db")
	f("postgres://h/db?password=secret&user=u", "password=xxxxx")
	f("postgres://u@h/db?sslpassword=secret&sslmode=require", "postgres://u@h/db?sslpassword=xxxxx&sslmode=require")
	f("postgres://u:secret%@h/db", "postgres://xxxxx@h/db")
	f("host=h sslpassword=secret", "host=h sslpassword=xxxxx")
	f("host=h Password = 'a secret' dbname=d", "host=h Password = xxxxx dbname=d")
	f("password=secret host=h", "password=xxxxx host=h")
	f("host=h dbname=d", "host=h dbname=d")
}

// TestSecretsOfURLsAreNotPrinted: what is used has them, what is shown does not, be the URL sound or not.
func TestSecretsOfURLsAreNotPrinted(t *testing.T) {
	f := func(url, want string) {
		t.Helper()
		text := minimal + fmt.Sprintf(`sessions: {mode: embedded, transforms: {authentication: {jwks_url: %[1]q}, profile: {customers: {http: %[1]q}},
  checkout: {regions: {http: %[1]q}}, apps: [{name: a, url: %[1]q, input: {public: [x]}}]}}`, url)
		c := parse(t, text)
		o := c.Sessions().Transforms
		for _, used := range []string{o.Authentication.JWKSURL, o.Profile.HTTP, o.Checkout.Origin, o.Apps[0].URL} {
			if used != url {
				t.Errorf("%s is used for %s", used, url)
			}
		}
		if text := string(c.Effective()); strings.Count(text, want) != 4 || strings.Contains(text, "secret") {
			t.Errorf("%s: no four %s in\n%s", url, want, text)
		}
	}
	f("http://u:secret@h/x", "http://u:xxxxx@h/x")
	f("https://secret@h", "https://xxxxx@h")
	f("http://h/x?an=secret&token=secret%20more&secret", "http://h/x?an=xxxxx&token=xxxxx&xxxxx")
	f("http://h:1/", "http://h:1/")

	bad := func(url string) {
		t.Helper()
		_, err := config.Parse([]byte(minimal + fmt.Sprintf("sessions: {transforms: {authentication: {jwks_url: %q}}}", url)))
		if err == nil || !strings.Contains(err.Error(), "sessions.transforms.authentication.jwks_url: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	bad("ftp://u:secret@h")
	bad("http://u:secret@")
	bad("u:secret@h?token=secret")
	bad("http://u:secret%@h?token=secret")
	bad("http://h?token=secret#x")
}

// TestShortKeys: where the operator's interface leaves the nesting open both are read, and one is shown.
func TestShortKeys(t *testing.T) {
	c := parse(t, minimal+`sessions: {transforms: {profile: {http: "http://h/c"}, checkout: {http: "http://h/r"}}}`)
	if o := c.Sessions().Transforms; o.Profile.HTTP != "http://h/c" || o.Checkout.Origin != "http://h/r" {
		t.Errorf("%+v %+v", o.Profile, o.Checkout)
	}
	text := string(c.Effective())
	for _, want := range []string{"      customers:\n        http: http://h/c\n", "      regions:\n        http: http://h/r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if o := parse(t, minimal+`sessions: {transforms: {profile: {sql: {dsn: "host=h", query: q}}}}`).Sessions().Transforms; o.Profile.SQL.DSN != "host=h" || o.Profile.SQL.Query != "q" {
		t.Errorf("%+v", o.Profile)
	}
	f := func(transforms, want string) {
		t.Helper()
		if _, err := config.Parse([]byte(minimal + "sessions: {transforms: " + transforms + "}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", transforms, err, want)
		}
	}
	f(`{profile: {http: "http://h", customers: {file: a.csv}}}`, "profile.customers: wants one of file, http and sql")
	f(`{profile: {http: "http://h", customers: {http: "http://h"}}}`, "profile.customers: wants one of file, http and sql")
	f(`{profile: {sql: {query: q}, customers: {sql: {query: q}}}}`, "profile.customers: wants one of file, http and sql")
	f(`{profile: {sql: {dsn: "host=h"}}}`, "profile.sql.query: is missing")
	f(`{checkout: {http: "http://h", regions: {http: "http://h"}}}`, "checkout.http: is there already")
	f(`{checkout: {http: "http://h", polygons: {file: a}}}`, "checkout.regions: names files and a server")
}

func TestAPasswordIsNoPartOfAnAddress(t *testing.T) {
	f := func(redis string, want ...string) {
		t.Helper()
		_, err := config.Parse([]byte(minimal + "sessions: {store: {redis: " + redis + "}}"))
		if diff := cmp.Diff(strings.Join(want, "\n"), fmt.Sprint(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", redis, diff)
		}
	}
	const why = "is more than a host and a port: a password has its file, password_file"
	f(`{addresses: ["u:secret@h:1", "redis://u:secret@h:1"]}`,
		`sessions.store.redis.addresses[0]: "xxxxx@h:1" `+why, `sessions.store.redis.addresses[1]: "redis://u:xxxxx@h:1" `+why)
	f(`{sentinel: {master: m, addresses: ["secret@h:1"]}}`, `sessions.store.redis.sentinel.addresses[0]: "xxxxx@h:1" `+why)
	f(`{addresses: ["h:1", "[::1]:2"]}`, "<nil>")
}

func TestTransformOptions(t *testing.T) {
	c, err := config.Load("testdata/good-transforms.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := c.Sessions().Transforms
	vip := o.Audiences.Audiences[0]
	if !vip.From.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) || !vip.Until.Equal(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)) || vip.Priority != 10 || o.Audiences.Limit != 1 {
		t.Errorf("%+v", o.Audiences)
	}
	if o.Checkout.Format != regions.V1 || o.Checkout.Origin != "http://127.0.0.1:1" || o.Dir != "testdata" {
		t.Errorf("%+v in %s", o.Checkout, o.Dir)
	}
	if a := o.Authentication; a.Account != o.Account || a.AdminCookie != "Admin" || a.Issuer != "vtex" || !o.Profile.TrustPublicEmail {
		t.Errorf("%+v", a)
	}
	if diff := cmp.Diff(map[string]string{"3": `profile.isAuthenticated == "true"`}, o.Members); diff != "" {
		t.Error(diff)
	}
	if !o.Apps[0].Spec.Refresh || o.Operators == "" || o.Search.MaxBytes != 512 {
		t.Errorf("%+v", o)
	}
}
