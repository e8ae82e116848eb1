package regions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/sessions/transform"
)

// Options of the checkout app: files of regions, or an Origin. Without either, only an id that a session gives directly counts.
type Options struct {
	Ranges   string // the CSV file of ranges of postal codes; "": none
	Polygons string // the GeoJSON file of areas; "": none
	Format   Format // of the ids
	// Origin is the URL of another server's regions API, instead of files. Without a path it is that of the public system.
	Origin string
	Client *http.Client // for Origin: its transport counts, redirects are not followed. nil: one without a proxy

	Poll time.Duration // how often the files are looked at; 0: 2 s
	// Told is told of what goes wrong behind a request: a file whose new content cannot be read, which changes nothing, and a
	// revalidation at the origin that failed. Also of each file that was read anew, by a nil error. nil: nobody is told.
	Told func(error)
}

func (o Options) withDefaults() Options {
	if o.Poll == 0 {
		o.Poll = filewatch.Step
	}
	if o.Told == nil {
		o.Told = func(error) {}
	}
	return o
}

func (o Options) validate() error {
	var errs []error
	if o.Origin != "" && (o.Ranges != "" || o.Polygons != "") {
		errs = append(errs, errors.New("checkout.regions: files and an origin: want one of them"))
	}
	if o.Poll < 0 {
		errs = append(errs, fmt.Errorf("checkout: looking at files every %v", o.Poll))
	}
	return errors.Join(errs...)
}

// source finds the id of a place's region; "" for what is no place. Its error is a failure to look.
type source interface {
	find(ctx context.Context, p Place) (id string, err error)
	close()
}

// Checkout is the App that puts a shopper into a region. It is safe for concurrent use, and must be closed.
type Checkout struct{ source source }

// New returns the app with its files read, or every fault of the options and the files.
func New(o Options) (*Checkout, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if o.Origin != "" {
		asked, err := newOrigin(o)
		if err != nil {
			return nil, err
		}
		return &Checkout{asked}, nil
	}
	read, err := newFiles(o)
	if err != nil {
		return nil, err
	}
	return &Checkout{read}, nil
}

// Close ends what runs behind, and waits for it.
func (c *Checkout) Close() { c.source.close() }

// Table is the data as they are now, nil with an origin.
func (c *Checkout) Table() *Table {
	if f, ok := c.source.(*files); ok {
		return f.table.Load()
	}
	return nil
}

// Handler answers the public system's endpoints from what the app goes by: its files, or the server that it asks. channel is that of a
// request without `sc`.
func (c *Checkout) Handler(channel string) *Handler {
	asked, _ := c.source.(*origin)
	return NewHandler(HandlerOptions{Table: c.Table, Channel: channel, origin: asked})
}

// Spec implements App (facts, part 4). It is called at every request: a postal code may have moved to another region.
func (c *Checkout) Spec() transform.Spec {
	return transform.Spec{
		Name: "checkout",
		Input: transform.Declaration{
			transform.PublicNamespace: {"regionId", "country", "postalCode", "geoCoordinates", "region_id", "sc"},
			"store":                   {"channel", "countryCode"},
		},
		Output:  transform.Declaration{"checkout": {"regionId"}},
		Refresh: true,
	}
}

// Transform implements App. An id in public.regionId wins; else the region is that of the place. Without a place there is none.
func (c *Checkout) Transform(ctx context.Context, in transform.Values) (transform.Values, error) {
	id := in.Text(public("regionId"))
	if !isRegionID(id) {
		id = ""
		if p, ok := placeOf(in); ok {
			var err error
			if id, err = c.source.find(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	out := transform.Values{}
	out.Put(transform.Key{Namespace: "checkout", Name: "regionId"}, transform.TextValue(id))
	return out, nil
}
