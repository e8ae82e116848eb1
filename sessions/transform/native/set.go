package native

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/profile"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// Set is the apps of a configuration. It is safe for concurrent use.
type Set struct {
	apps      []transform.App
	audiences *audiences.Audiences
	profile   *profile.Profile
	endpoints http.Handler
	closers   []func()
	table     func() *regions.Table // nil: regions are not ours
	channels  []segment.Channel
	logger    *slog.Logger
	failing   failing
}

// Open makes the apps, or gives every fault of them: joined, each one line that begins with its key below sessions.transforms.
// Files have been read by then; servers have not been asked. After an error nothing is left open.
func Open(o Options, m *Metrics) (*Set, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if m == nil {
		m = NewMetrics(prometheus.NewRegistry())
	}
	s := &Set{logger: o.Logger}
	var errs []error
	// In the order of the public system's graph: in one round the later of two writers of a key wins.
	for _, open := range []func(Options, *Metrics) error{
		s.openStore, s.openAuthentication, s.openProfile, s.openImpersonate, s.openCheckout, s.openAudiences, s.openSearch, s.openApps,
	} {
		errs = append(errs, open(o, m))
	}
	if err := errors.Join(errs...); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Apps are in the order in which an Engine wants them. The slice is the caller's.
func (s *Set) Apps() []transform.App { return append([]transform.App(nil), s.apps...) }

// Endpoints answers the public system's regions API; nil where regions are not ours to tell.
func (s *Set) Endpoints() http.Handler { return s.endpoints }

// Explain tells of every audience whether the shopper with this session is in it, and why.
func (s *Set) Explain(in transform.Values, now time.Time) []audiences.Explanation {
	if s.audiences == nil {
		return nil
	}
	return s.audiences.Explain(in, now)
}

// Warnings are what is allowed in the files and may well be a mistake, each with its key below sessions.transforms. The slice is
// the caller's.
func (s *Set) Warnings() (warnings []string) {
	if s.table == nil || len(s.channels) == 0 {
		return nil
	}
	ranges, polygons := s.table().Channels()
	for key, named := range map[string][]string{"checkout.regions.file": ranges, "checkout.polygons.file": polygons} {
		for _, id := range named {
			if !slices.ContainsFunc(s.channels, func(c segment.Channel) bool { return c.ID == id }) {
				warnings = append(warnings, fmt.Sprintf("%s: channel %q is no channel of segment.channels: its lines are for nobody", key, id))
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}

// Close stops watching files and closes connections. The apps are not to be called any more.
func (s *Set) Close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

func (s *Set) add(app transform.App, closers ...func()) {
	s.apps = append(s.apps, app)
	s.closers = append(s.closers, closers...)
}

func (s *Set) openStore(o Options, _ *Metrics) error {
	if o.replaced("store") {
		return nil
	}
	who, err := o.members()
	if err != nil {
		return err
	}
	app, err := transform.NewStore(transform.StoreOptions{Channels: o.Channels, Member: who.may, MemberReads: who.reads(), MemberRules: who.rules()})
	if err != nil {
		return transform.AtKey("store", err)
	}
	s.add(app)
	return nil
}

func (s *Set) openAuthentication(o Options, m *Metrics) error {
	if o.Authentication == nil {
		return nil
	}
	options := *o.Authentication
	options.Account, options.KeysFile = o.Account, o.locate(options.KeysFile)
	options.Loaded = o.toldKeys(m)
	options.Verdict = func(v auth.Verdict) { m.logins.WithLabelValues(v.String()).Inc() }
	app, err := auth.New(options)
	if err != nil {
		return err
	}
	s.add(app, app.Close)
	return nil
}

func (s *Set) openProfile(o Options, m *Metrics) error {
	if o.Profile == nil {
		return nil
	}
	options := *o.Profile
	options.File, options.Told = o.locate(options.File), o.toldCustomers(m)
	app, err := profile.New(options)
	if err != nil {
		return err
	}
	s.profile = app
	s.add(app, app.Close)
	return nil
}

func (s *Set) openImpersonate(o Options, m *Metrics) error {
	if o.Operators == "" {
		return nil
	}
	condition, err := Operators(o.Operators)
	if err != nil {
		return transform.AtKey("impersonate.operators", transform.OneLine(err))
	}
	if o.Profile != nil && s.profile == nil {
		return nil // nothing is wrong here: the fault of profile is told
	}
	app, err := transform.NewImpersonate(transform.ImpersonateOptions{
		Operator: func(in transform.Values) bool { return holds(condition, in) },
		Customer: s.customer(o), Account: o.Account, Observe: o.step(m),
	})
	if err != nil {
		return err
	}
	s.add(app)
	return nil
}

// customer finds customers where profiles come from. An app of the operator's own that stands in for profile is not asked
// by this: the e-mail names the customer, and for one that it does not know the app has no price table.
func (s *Set) customer(o Options) func(context.Context, string) (string, error) {
	if s.profile != nil {
		return s.profile.Customer
	}
	if !o.replaced("profile") {
		return nil
	}
	return func(_ context.Context, email string) (string, error) { return transform.FoldEmail(email), nil }
}

func (s *Set) openCheckout(o Options, m *Metrics) error {
	if o.Checkout == nil {
		return nil
	}
	options := *o.Checkout
	options.Ranges, options.Polygons = o.locate(options.Ranges), o.locate(options.Polygons)
	options.Told = func(err error) { o.told(m, "checkout", "regions", err) }
	app, err := regions.New(options)
	if err != nil {
		return err
	}
	if options.Ranges+options.Polygons+options.Origin != "" {
		channel := "1"
		if len(o.Channels) > 0 {
			channel = o.Channels[0].ID
		}
		s.endpoints = app.Handler(channel)
	}
	for _, file := range []string{options.Ranges, options.Polygons} {
		if file != "" {
			o.told(m, "checkout", file, nil)
		}
	}
	s.add(app, app.Close)
	if app.Table() != nil {
		s.table, s.channels = app.Table, o.Channels
	}
	return nil
}

func (s *Set) openAudiences(o Options, _ *Metrics) error {
	if o.Audiences == nil {
		return nil
	}
	options := *o.Audiences
	options.Known = o.Known()
	app, err := audiences.New(options)
	if err != nil {
		return err
	}
	s.audiences = app
	s.add(app)
	return nil
}

func (s *Set) openSearch(o Options, m *Metrics) error {
	if o.Search == nil {
		return nil
	}
	options := *o.Search
	options.Dropped = func(n int) { m.facets.Add(float64(n)) }
	app, err := transform.NewSearch(options)
	if err != nil {
		return err
	}
	s.add(app)
	return nil
}

func (s *Set) openApps(o Options, _ *Metrics) error {
	var errs []error
	for i, a := range o.Apps {
		app, err := transform.NewHTTP(a.Spec, a.URL, nil)
		if err != nil {
			errs = append(errs, transform.AtKey(fmt.Sprintf("apps[%d]", i), transform.OneLine(err)))
			continue
		}
		s.add(app, app.Close)
	}
	return errors.Join(errs...)
}
