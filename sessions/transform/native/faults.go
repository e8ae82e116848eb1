package native

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

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

// at gives each line of an error a key.
func at(key string, err error) error { return atLines(key, err.Error()) }

func atLines(key, text string) error {
	var all []error
	for line := range strings.SplitSeq(text, "\n") {
		all = append(all, errors.New(key+": "+line))
	}
	return errors.Join(all...)
}

// oneLine is of a fault that an app tells in several.
func oneLine(err error) error { return errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")) }

// below puts lines that begin with a key of their own below another one.
func below(key, text string) error {
	return errors.New(key + "." + strings.ReplaceAll(text, "\n", "\n"+key+"."))
}

// inFile is at for a file: each line names it. What the app calls itself and the file, before that, is left out.
func inFile(key, path string, err error) error {
	var failure *fs.PathError
	if errors.As(err, &failure) {
		return fmt.Errorf("%s: %s: %w", key, path, failure.Err)
	}
	_, text, found := strings.Cut(err.Error(), path+": ")
	if !found {
		return at(key, err)
	}
	return atLines(key+": "+path, text)
}

func authenticationFault(err error, path string) error {
	text, file, found := strings.Cut(err.Error(), "shopper keys: ")
	if found && text == "authentication: " {
		return inFile("authentication.keys_file", path, err)
	}
	text = strings.TrimPrefix(text, "authentication: ")
	for _, key := range []string{"cookie: ", "admin_cookie: ", "jwks_url: "} {
		if strings.HasPrefix(text, key) {
			return below("authentication", text+file)
		}
	}
	return atLines("authentication", text+file)
}

func profileFault(err error, path string) error {
	text := strings.TrimPrefix(err.Error(), "profile: customers: ")
	oneLine := strings.ReplaceAll(text, "\n", "; ")
	switch {
	case path != "" && strings.Contains(text, path+": "):
		return inFile("profile.customers.file", path, err)
	case strings.HasPrefix(text, "file: "), strings.HasPrefix(text, "http: "):
		return below("profile.customers", oneLine)
	case strings.HasPrefix(text, "sql: "):
		return below("profile.customers.sql", strings.TrimPrefix(oneLine, "sql: "))
	}
	return atLines("profile.customers", text)
}

// checkoutFault opens the files one by one: in the app's own words the faults of both are one text.
func checkoutFault(o regions.Options, err error) error {
	if o.Origin != "" {
		return atLines("checkout.regions.http", strings.TrimPrefix(err.Error(), "regions: url: "))
	}
	var all []error
	for _, file := range []struct {
		key, name string
		o         regions.Options
	}{
		{"checkout.regions.file", o.Ranges, regions.Options{Ranges: o.Ranges, Format: o.Format}},
		{"checkout.polygons.file", o.Polygons, regions.Options{Polygons: o.Polygons, Format: o.Format}},
	} {
		app, err := regions.New(file.o)
		if err != nil {
			all = append(all, withoutKind(inFile(file.key, file.name, err)))
			continue
		}
		app.Close()
	}
	if len(all) == 0 { // the files have changed meanwhile
		return at("checkout", err)
	}
	return errors.Join(all...)
}

// withoutKind leaves out what the app calls the files: their keys say it.
func withoutKind(err error) error {
	return errors.New(strings.NewReplacer(": ranges: ", ": ", ": polygons: ", ": ").Replace(err.Error()))
}
