package segment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/segment"
)

func TestZeroOptions(t *testing.T) {
	r := resolver(t, segment.Options{})
	if err := (segment.Options{}).Validate(); err != nil {
		t.Error(err)
	}
	want := `{"campaigns":null,"channel":"1","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,` +
		`"currencyCode":null,"currencySymbol":null,"countryCode":null,"cultureInfo":null,"channelPrivacy":"public"}`
	if diff := cmp.Diff(want, string(r.Resolve(now, nil, nil, false, nil).Verified().AppendJSON(nil))); diff != "" {
		t.Error(diff)
	}
	if r.Unsealed() != segment.UnsealedDefault {
		t.Error(r.Unsealed())
	}
	for param, want := range map[string]bool{"utm_source": true, "utm_campaign": true, "utmi_cp": true, "sc": true,
		"utmi_campaign": false, "utm_medium": false, "SC": false, "": false, "channel": false} {
		if r.IsOverlay([]byte(param)) != want {
			t.Errorf("IsOverlay(%q) is %v", param, !want)
		}
	}
}

func TestValidate(t *testing.T) {
	f := func(change func(*segment.Options), want ...string) {
		t.Helper()
		o := options(t)
		change(&o)
		err := o.Validate()
		if _, newErr := segment.New(o); err == nil || newErr == nil || newErr.Error() != err.Error() {
			t.Fatalf("Validate says %v, New says %v, want %q", err, newErr, want)
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), err.Error()); diff != "" {
			t.Error(diff)
		}
	}
	f(func(o *segment.Options) { o.Channels = o.Channels[2:] }, `segment.channels: "3" is the first and so the default channel, it cannot be private`)
	f(func(o *segment.Options) { o.Channels[1].ID = "1" }, `segment.channels: "1" is there twice`)
	f(func(o *segment.Options) { o.Channels[1].ID = "" }, `segment.channels: a channel without a name`)
	f(func(o *segment.Options) { o.Sealed = []string{"foo-bar", "x", "x", "pricetables"} }, `segment.sealed: "foo-bar" is not a field name, want letters, digits and _`,
		`segment.sealed: "x" is there twice`, `segment.sealed: "pricetables" is not a segment field, did you mean "priceTables"`)
	f(func(o *segment.Options) { o.Overlay = []segment.Overlay{{"", "channel"}} }, `segment.overlay: a parameter without a name`)
	f(func(o *segment.Options) { o.Overlay = []segment.Overlay{{"a", "foo"}, {"b", "priceTables"}} }, `segment.overlay.a: "foo" is not a segment field`,
		`segment.overlay.b: "priceTables" is in segment.sealed, anyone could set it by a link`)
	f(func(o *segment.Options) { o.Overlay = []segment.Overlay{{"a", "utm_source"}, {"a", "channel"}} }, `segment.overlay.a: is there twice`)
	f(func(o *segment.Options) { o.Overlay = []segment.Overlay{{"a", "channel"}, {"b", "channel"}} }, `segment.overlay.b: "channel" is overlaid by "a" already`)
	f(func(o *segment.Options) { o.Allow = map[string][]string{"foo": nil, "bar": nil, "channel": {""}} },
		`segment.allow.channel: an empty pattern`, `segment.allow: "bar" is not a segment field`, `segment.allow: "foo" is not a segment field`)
	f(func(o *segment.Options) { o.MaxBytes = -1 }, `segment.max_bytes: -1 is not between 1 and 65536`)
	f(func(o *segment.Options) { o.MaxBytes = 65537 }, `segment.max_bytes: 65537 is not between 1 and 65536`)
	f(func(o *segment.Options) { o.SealTTL = -time.Second }, `segment.seal_ttl: -1s is negative`)
	f(func(o *segment.Options) { o.MemoEntries = -1 }, `segment: -1 memo entries`)
	f(func(o *segment.Options) { o.Unsealed = 2 }, `segment.unsealed: 2 is neither default nor pass`)
	f(func(o *segment.Options) { o.Keys = append(o.Keys, o.Keys...) }, `segment.keys_file: key id "k1" is there twice`)
	f(func(o *segment.Options) { o.Keys[0], o.MaxBytes = segment.SealKey{}, -2 },
		`segment.max_bytes: -2 is not between 1 and 65536`, `segment.keys_file: key 1: an empty key`)
}

// TestSealedDefaultOverlay leaves a default overlay parameter out rather than refuse a file that seals its field.
func TestSealedDefaultOverlay(t *testing.T) {
	o := options(t)
	o.Sealed = []string{"utm_campaign", "channel"}
	r := resolver(t, o)
	for param, want := range map[string]bool{"utm_campaign": false, "sc": false, "utm_source": true, "utmi_cp": true} {
		if r.IsOverlay([]byte(param)) != want {
			t.Errorf("IsOverlay(%s) is %v", param, !want)
		}
	}
	c := r.Resolve(now, token(`{"channel":"2","utm_campaign":"x"}`), nil, false, overlay("sc", "2", "utm_campaign", "y"))
	if v := c.Verified(); get(v, "channel") != "1" || get(v, "currencyCode") != "BRL" || get(v, "utm_campaign") != "" || c.Overlay() != segment.OverlayNone {
		t.Errorf("%s, %v", v.AppendJSON(nil), c.Overlay())
	}
}

func TestNewKeepsNoReference(t *testing.T) {
	o := options(t)
	o.Sealed = []string{"x"}
	o.Allow = map[string][]string{"utm_campaign": {"vip"}}
	o.Overlay = []segment.Overlay{{"c", "utm_campaign"}}
	r := resolver(t, o)
	o.Channels[0].ID, o.Sealed[0], o.Allow["utm_campaign"][0], o.Overlay[0].Param = "9", "y", "z", "d"
	v := r.Resolve(now, token(`{"x":1,"y":2}`), nil, false, overlay("c", "vip", "d", "z")).Verified()
	if get(v, "channel") != "1" || get(v, "x") != "" || get(v, "y") != "2" || get(v, "utm_campaign") != "vip" {
		t.Errorf("%s", v.AppendJSON(nil))
	}
}
