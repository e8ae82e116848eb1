package segment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Channel is a sales channel and the store group that comes with it. An empty string is null.
type Channel struct {
	ID             string
	CountryCode    string // ISO 3166 alpha-3
	CultureInfo    string // such as pt-BR
	CurrencyCode   string // ISO 4217
	CurrencySymbol string
	Private        bool // a shopper is on it only under a valid seal
}

// Unsealed says what becomes of a privileged value without a valid seal. The zero value is UnsealedDefault.
type Unsealed uint8

// The ways to treat unsealed values.
const (
	UnsealedDefault Unsealed = iota // the privileged fields take their defaults
	UnsealedPass                    // the origin decides, uncached: a request whose Projected is Unproven must be a pass
	numUnsealed
)

var unsealedNames = [numUnsealed]string{"default", "pass"}

// String returns the word of the configuration.
func (u Unsealed) String() string { return unsealedNames[u] }

// Overlay maps a query parameter to the known field that it overlays for one request.
type Overlay struct{ Param, Field string }

// Options configures a Resolver. The zero value is valid and has every default.
type Options struct {
	Account  string              // enters the MAC of seals
	Channels []Channel           // the first is the default; none: one channel "1", public, its other fields null
	Sealed   []string            // fields, known or extra, that count only under a seal; nil: priceTables, campaigns, channelPrivacy, facets
	Unsealed Unsealed            // kept for the caller, see Resolver.Unsealed
	Overlay  []Overlay           // nil: utm_source, utm_campaign, utmi_cp and sc, those left out whose field is in Sealed
	Allow    map[string][]string // known field to patterns, * standing for any text; other values fall to the default
	MaxBytes int                 // of a token, and of an overlay; 0: 4096
	Keys     []SealKey           // all of them open seals
	SealTTL  time.Duration       // 0: one hour
	Revoked  *Revocations        // shared with whoever seals; nil: nothing is ever revoked

	// MemoEntries bounds the memo, rounded up to a multiple of 64; 0: 16384. Its bytes are bounded by 2 KiB per entry.
	MemoEntries int
}

const (
	maxMaxBytes        = 64 << 10
	defaultMemoEntries = 16384
	memoBytesPerEntry  = 2048
)

func (o Options) withDefaults() Options {
	if len(o.Channels) == 0 {
		o.Channels = []Channel{{ID: "1"}}
	}
	if o.Sealed == nil {
		o.Sealed = []string{"priceTables", "campaigns", "channelPrivacy", "facets"}
	}
	if o.Overlay == nil {
		o.Overlay = slices.DeleteFunc([]Overlay{
			{"utm_source", "utm_source"}, {"utm_campaign", "utm_campaign"}, {"utmi_cp", "utmi_campaign"}, {"sc", "channel"},
		}, func(v Overlay) bool { return slices.Contains(o.Sealed, v.Field) })
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MemoEntries == 0 {
		o.MemoEntries = defaultMemoEntries
	}
	return o
}

// Validate returns every fault, joined, each with its key path in the configuration file.
func (o Options) Validate() error {
	o = o.withDefaults()
	errs := slices.Concat(o.checkChannels(), o.checkSealed(), o.checkOverlay(), o.checkAllow(), o.checkSizes(),
		checkKeys(o.Keys), checkSealTTL(o.SealTTL))
	return errors.Join(errs...)
}

func (o Options) checkChannels() (errs []error) {
	for i, c := range o.Channels {
		if c.ID == "" {
			errs = append(errs, errors.New("segment.channels: a channel without a name"))
		}
		if slices.ContainsFunc(o.Channels[:i], func(before Channel) bool { return before.ID == c.ID }) {
			errs = append(errs, fmt.Errorf("segment.channels: %q is there twice", c.ID))
		}
	}
	if c := o.Channels[0]; c.Private {
		errs = append(errs, fmt.Errorf("segment.channels: %q is the first and so the default channel, it cannot be private", c.ID))
	}
	return errs
}

func (o Options) checkSealed() (errs []error) {
	for i, name := range o.Sealed {
		if err := checkName(name); err != nil {
			errs = append(errs, fmt.Errorf("segment.sealed: %w", err))
		}
		if slices.Contains(o.Sealed[:i], name) {
			errs = append(errs, fmt.Errorf("segment.sealed: %q is there twice", name))
		}
	}
	return errs
}

func (o Options) checkOverlay() (errs []error) {
	for i, v := range o.Overlay {
		path := "segment.overlay." + v.Param
		if v.Param == "" {
			errs = append(errs, errors.New("segment.overlay: a parameter without a name"))
		}
		if _, known := lookupField(v.Field); !known {
			errs = append(errs, fmt.Errorf("%s: %q is not a segment field", path, v.Field))
		}
		if slices.Contains(o.Sealed, v.Field) {
			errs = append(errs, fmt.Errorf("%s: %q is in segment.sealed, anyone could set it by a link", path, v.Field))
		}
		for _, before := range o.Overlay[:i] {
			if before.Param == v.Param {
				errs = append(errs, fmt.Errorf("%s: is there twice", path))
			}
			if before.Field == v.Field {
				errs = append(errs, fmt.Errorf("%s: %q is overlaid by %q already", path, v.Field, before.Param))
			}
		}
	}
	return errs
}

func (o Options) checkAllow() (errs []error) {
	for name, patterns := range o.Allow {
		if _, known := lookupField(name); !known {
			errs = append(errs, fmt.Errorf("segment.allow: %q is not a segment field", name))
		}
		if slices.Contains(patterns, "") {
			errs = append(errs, fmt.Errorf("segment.allow.%s: an empty pattern", name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

func (o Options) checkSizes() (errs []error) {
	if o.MaxBytes < 0 || o.MaxBytes > maxMaxBytes {
		errs = append(errs, fmt.Errorf("segment.max_bytes: %d is not between 1 and %d", o.MaxBytes, maxMaxBytes))
	}
	if o.MemoEntries < 0 {
		errs = append(errs, fmt.Errorf("segment: %d memo entries", o.MemoEntries))
	}
	if o.Unsealed >= numUnsealed {
		errs = append(errs, fmt.Errorf("segment.unsealed: %d is neither default nor pass", o.Unsealed))
	}
	return errs
}

// checkName tells why name cannot name a field, known or extra.
func checkName(name string) error {
	if !plainName(name) {
		return fmt.Errorf("%q is not a field name, want letters, digits and _", name)
	}
	// A misspelt field would silently be another one, and the page would lose the value.
	if f, near := lookupFold(name); near && f.String() != name {
		return fmt.Errorf("%q is not a segment field, did you mean %q", name, f)
	}
	return nil
}

// matches tells whether value matches a pattern in which * stands for any text, the empty one too.
func matches(pattern, value string) bool {
	head, tail, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == value
	}
	value, ok := strings.CutPrefix(value, head)
	for ok {
		part, rest, more := strings.Cut(tail, "*")
		if !more {
			return strings.HasSuffix(value, tail)
		}
		var at int
		if at = strings.Index(value, part); at < 0 {
			return false
		}
		value, tail = value[at+len(part):], rest
	}
	return false
}
