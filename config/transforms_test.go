package config_test

import (
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
	f("host=h Password = 'a secret' dbname=d", "host=h Password = xxxxx dbname=d")
	f("password=secret host=h", "password=xxxxx host=h")
	f("host=h dbname=d", "host=h dbname=d")
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
