package demo

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

// Options say how the storefront behaves. The zero value is one without delay and faults.
type Options struct {
	Listen      string        // address for Serve; "": 127.0.0.1:9000
	Latency     time.Duration // before each answer
	Jitter      time.Duration // up to so much more, evenly spread
	FailureRate float64       // share of requests that fail, 0 to 1
	FailureMode FaultMode     // how they fail; FaultNone: as Fault500
	Seed        uint64        // of the dice for jitter and failures
	MaxAge      time.Duration // max-age of pages; 0: a minute; below 0: max-age=0
	Grace       time.Duration // stale-while-revalidate of pages; 0: half a minute; below 0: the directive is left out
	Drain       time.Duration // how long Serve waits for running requests when it ends; 0: five seconds
	Store       string        // folder with customers.csv, regions.csv, shoppers.jwks, areas.geojson; "": examples/store
	Account     string        // whose log-ins the cookies hold; "": demo
}

// Flags declares the options on fs and returns where they go: read it after fs.Parse.
func Flags(fs *flag.FlagSet) *Options {
	o := &Options{}
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:9000", "`address` to listen on")
	fs.DurationVar(&o.Latency, "latency", 0, "wait before each answer")
	fs.DurationVar(&o.Jitter, "jitter", 0, "up to so much more wait")
	fs.Float64Var(&o.FailureRate, "failure-rate", 0, "`share` of requests that fail, 0 to 1")
	fs.TextVar(&o.FailureMode, "failure-mode", Fault500, "how they fail: 500, 503, reset, hang or half")
	fs.Uint64Var(&o.Seed, "seed", 1, "of the dice for jitter and failures")
	fs.DurationVar(&o.MaxAge, "max-age", time.Minute, "freshness of pages; 0: a minute, below 0: none")
	fs.DurationVar(&o.Grace, "grace", 30*time.Second, "stale-while-revalidate of pages; 0: half a minute, below 0: none")
	fs.StringVar(&o.Store, "store", "", "`folder` with customers.csv, regions.csv, shoppers.jwks and areas.geojson; none: the store of examples/store")
	fs.StringVar(&o.Account, "account", "demo", "`name` of the account that log-ins are for: that of aisle's configuration")
	return o
}

// validate returns every contradiction in o at once.
func (o Options) validate() error {
	var errs []error
	if !(o.FailureRate >= 0 && o.FailureRate <= 1) {
		errs = append(errs, fmt.Errorf("failure rate %v: must be from 0 to 1", o.FailureRate))
	}
	for name, d := range map[string]time.Duration{"latency": o.Latency, "jitter": o.Jitter, "drain": o.Drain} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s %v: must not be negative", name, d))
		}
	}
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	if strings.ContainsFunc(o.Account, odd) {
		errs = append(errs, fmt.Errorf("account %q: must be letters, digits, - and _", o.Account))
	}
	return errors.Join(errs...)
}

// withDefaults fills in what zero stands for.
func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:9000"
	}
	if o.Account == "" {
		o.Account = "demo"
	}
	if o.MaxAge == 0 {
		o.MaxAge = time.Minute
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	if o.Drain == 0 {
		o.Drain = 5 * time.Second
	}
	if o.FailureMode == FaultNone && o.FailureRate > 0 {
		o.FailureMode = Fault500
	}
	return o
}

// pageControl is the Cache-Control of a page.
func (o Options) pageControl() string {
	v := "public, max-age=" + digits(int64(max(o.MaxAge, 0)/time.Second))
	if o.Grace > 0 {
		v += ", stale-while-revalidate=" + digits(int64(o.Grace/time.Second))
	}
	return v
}
