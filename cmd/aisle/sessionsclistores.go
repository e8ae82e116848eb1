package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/bolt"
	"github.com/aislecache/aisle/sessions/store/redis"
)

const storeForms = `STORE is one of
  config:FILE                   the store that a configuration names
  bolt:PATH                     a bbolt file
  redis://[USER@]HOST:PORT[,HOST:PORT...][/DB]?prefix=PREFIX[&mode=MODE][&password_file=FILE][&tls=on][&ca_file=FILE]
                                Redis; the prefix of a configuration that names none is aisle:ACCOUNT:`

// storeSpec is a store on the command line.
type storeSpec struct {
	bolt  string
	redis *redis.Options // nil: bolt
}

// parseStore reads a STORE, as storeForms has it.
func parseStore(text string) (storeSpec, error) {
	var s storeSpec
	kind, rest, _ := strings.Cut(text, ":")
	var err error
	switch {
	case text == "":
		err = errors.New("is missing")
	case kind == "bolt" && rest != "":
		s.bolt = rest
	case kind == "config" && rest != "":
		var c *config.Config
		if _, c, err = load(rest); err == nil {
			s.bolt, s.redis = c.Sessions().Bolt.Path, c.Sessions().Redis
		}
	case kind == "redis":
		s.redis, err = parseRedis(text)
	default:
		err = fmt.Errorf("%q is no store", text)
	}
	return s, err
}

func parseRedis(text string) (*redis.Options, error) {
	// Several hosts with ports are no URL, so the part until the path is read apart.
	rest, ok := strings.CutPrefix(text, "redis://")
	hosts, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		hosts, tail = rest[:i], rest[i:]
	}
	u, err := url.Parse(tail)
	if !ok || err != nil || hosts == "" {
		return nil, errors.New("is no redis URL")
	}
	o := &redis.Options{}
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		o.Username, hosts = hosts[:i], hosts[i+1:]
	}
	if strings.Contains(o.Username, ":") {
		return nil, errors.New("has a password, which everyone on this machine could read: use password_file")
	}
	o.Addresses = strings.Split(hosts, ",")
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil {
			return nil, fmt.Errorf("has %q for the number of a database", db)
		}
	}
	if err := redisParameters(o, u.Query()); err != nil {
		return nil, err
	}
	return o, o.Validate()
}

func redisParameters(o *redis.Options, parameters url.Values) (err error) {
	for name := range parameters {
		value := parameters.Get(name)
		switch name {
		case "prefix":
			o.Prefix = value
		case "mode":
			o.Mode, err = redis.ParseMode(value)
		case "password_file":
			o.PasswordFile = value
		case "ca_file":
			o.TLS.CAFile = value
		case "tls":
			if o.TLS.On = value == "on"; !o.TLS.On {
				err = fmt.Errorf("has tls=%s, want on or nothing", value)
			}
		default:
			err = fmt.Errorf("has the unknown parameter %q", name)
		}
		if err != nil {
			return err
		}
	}
	if o.Prefix == "" {
		return errors.New("has no prefix") // a wrong guess would find nothing, and call that success
	}
	return nil
}

// same says whether two stores are one, as far as their names tell.
func (s storeSpec) same(other storeSpec) bool {
	if s.redis == nil || other.redis == nil {
		return s.redis == other.redis && s.bolt == other.bolt
	}
	a, b := s.redis, other.redis
	return strings.Join(a.Addresses, ",") == strings.Join(b.Addresses, ",") && a.Sentinel.Master == b.Sentinel.Master && a.DB == b.DB && a.Prefix == b.Prefix
}

// open opens the store. needed: a file has to be there already.
func (s storeSpec) open(needed bool) (store.Movable, error) {
	if s.redis == nil {
		return openBoltFile(bolt.Options{Path: s.bolt}, needed)
	}
	r, err := redis.Open(*s.redis)
	if err != nil {
		return nil, err
	}
	return r, nil
}
