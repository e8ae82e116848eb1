package native

import (
	"cmp"

	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// CheckSources says what is wrong with what keys, customers and regions are read from, as Open does, whatever else is wrong with
// o: of a configuration that is refused anyway, every fault is to be told at once.
func CheckSources(o Options) error {
	only := Options{Account: cmp.Or(o.Account, "any"), Dir: o.Dir}
	if a := o.Authentication; a != nil && a.KeysFile != "" {
		only.Authentication = &auth.Options{KeysFile: a.KeysFile}
	}
	if p := o.Profile; p != nil && p.File != "" {
		only.Profile = &profile.Options{File: p.File}
	} else if p != nil && p.SQL.Query != "" {
		only.Profile = &profile.Options{SQL: p.SQL}
	}
	if c := o.Checkout; c != nil {
		only.Checkout = &regions.Options{Ranges: c.Ranges, Polygons: c.Polygons}
	}
	set, err := Open(only, nil)
	if err != nil {
		return err
	}
	set.Close()
	return nil
}
