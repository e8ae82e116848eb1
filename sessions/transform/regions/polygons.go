package regions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/aislecache/aisle/sessions/transform"
)

// collection is what counts of a GeoJSON file (RFC 7946): a FeatureCollection of polygons with properties country, channel and sellers.
type collection struct {
	Type     string            `json:"type"`
	Features []json.RawMessage `json:"features"` // one each, or a wrong type in one would hide the faults of all others
}

type feature struct {
	Type     string `json:"type"`
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
	Properties struct {
		Country string  `json:"country"`
		Channel channel `json:"channel"`
		Sellers sellers `json:"sellers"`
	} `json:"properties"`
}

// readPolygons reads the GeoJSON file. Its error joins every fault, each with the number of the feature, from 1.
func (b *builder) readPolygons(text []byte) error {
	body := bytes.TrimPrefix(text, []byte(byteOrderMark))
	var c collection
	if err := json.Unmarshal(body, &c); err != nil {
		return jsonFault(err, len(text)-len(body))
	}
	if c.Type != "FeatureCollection" {
		return fmt.Errorf("type %q: want a FeatureCollection", cut(c.Type))
	}
	var f faults
	for i, raw := range c.Features {
		if err := b.addFeature(raw); err != nil {
			f.add("feature %d: %w", i+1, err)
		}
	}
	return f.err()
}

// jsonFault says where in a file an error of package json is, in the file's words. skipped bytes are before what was read.
func jsonFault(err error, skipped int) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("at byte %d: %w", syntax.Offset+int64(skipped), err)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s: a JSON %s is out of place", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("a JSON %s is out of place", kind.Value)
	}
	return err
}

func (b *builder) addFeature(raw json.RawMessage) error {
	var f feature
	if err := json.Unmarshal(raw, &f); err != nil {
		return jsonFault(err, 0)
	}
	if f.Type != "Feature" {
		return fmt.Errorf("type %q: want a Feature", cut(f.Type))
	}
	country, ok := canonicalCountry(f.Properties.Country)
	if !ok {
		return fmt.Errorf("country %q: want three letters of ISO 3166-1", cut(f.Properties.Country))
	}
	on := string(f.Properties.Channel)
	if on != "" && !transform.PlainID(on, maxChannel) {
		return fmt.Errorf("channel %q: want the id of a sales channel", cut(on))
	}
	list, err := checkSellers(f.Properties.Sellers)
	if err != nil {
		return err
	}
	polygons, err := polygonsOf(f.Geometry.Type, f.Geometry.Coordinates)
	if err != nil {
		return err
	}
	region := b.set(list)
	for _, rings := range polygons {
		b.areas[country] = append(b.areas[country], newArea(on, region, rings))
	}
	return nil
}

func polygonsOf(kind string, coordinates json.RawMessage) ([][]ring, error) {
	// Package json would read it as 0. In coordinates there is no text that could hold the word.
	if bytes.Contains(coordinates, []byte("null")) {
		return nil, errors.New("geometry.coordinates: null is no number")
	}
	var raw [][][][]float64
	var err error
	switch kind {
	case "Polygon":
		raw = make([][][][]float64, 1)
		err = json.Unmarshal(coordinates, &raw[0])
	case "MultiPolygon":
		err = json.Unmarshal(coordinates, &raw)
	default:
		return nil, fmt.Errorf("geometry %q: want a Polygon or a MultiPolygon", cut(kind))
	}
	if err != nil {
		return nil, fmt.Errorf("geometry.coordinates: %w", jsonFault(err, 0))
	}
	polygons := make([][]ring, len(raw))
	for i, rings := range raw {
		if len(rings) == 0 {
			return nil, errors.New("a polygon without a ring")
		}
		for j, positions := range rings {
			r, err := newRing(positions)
			if err != nil {
				return nil, fmt.Errorf("ring %d: %w", j+1, err)
			}
			polygons[i] = append(polygons[i], r)
		}
	}
	if len(polygons) == 0 {
		return nil, errors.New("without a polygon")
	}
	return polygons, nil
}

// newRing reads a linear ring (RFC 7946, 3.1.6): at least four positions, the last of them the first. Which way round it
// goes does not matter, nor does a height.
func newRing(positions [][]float64) (ring, error) {
	r := make(ring, len(positions))
	for i, p := range positions {
		if len(p) < 2 {
			return nil, fmt.Errorf("position %d: %v, want longitude and latitude", i+1, p)
		}
		if r[i] = (Point{p[0], p[1]}); !r[i].valid() {
			return nil, fmt.Errorf("position %d: %v, want longitude and latitude in degrees, in this order", i+1, p)
		}
	}
	if len(r) < 4 {
		return nil, fmt.Errorf("%d positions, want at least 4", len(r))
	}
	if r[0] != r[len(r)-1] {
		return nil, fmt.Errorf("not closed: it begins at %v and ends at %v", r[0], r[len(r)-1])
	}
	return r, r.check()
}

// check finds what makes a closed ring cover nothing, or the other side of the earth.
func (r ring) check() error {
	different := map[Point]bool{}
	for i := 1; i < len(r); i++ {
		different[r[i]] = true
		if apart := math.Abs(r[i].Longitude - r[i-1].Longitude); apart > 180 {
			return fmt.Errorf("positions %d and %d are %v degrees of longitude apart: cut the polygon at the antimeridian (RFC 7946, 3.1.9)", i, i+1, apart)
		}
	}
	if len(different) < 3 {
		return fmt.Errorf("%d different positions, want at least 3", len(different))
	}
	return nil
}

// channel is a sales channel: text or a whole number. "" and null are all.
type channel string

// UnmarshalJSON implements json.Unmarshaler.
func (c *channel) UnmarshalJSON(text []byte) error {
	var number json.Number
	if json.Unmarshal(text, &number) == nil {
		*c = channel(number)
		return nil
	}
	return json.Unmarshal(text, (*string)(c))
}

// sellers are "a;b" or an array.
type sellers []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *sellers) UnmarshalJSON(text []byte) error {
	var line string
	if json.Unmarshal(text, &line) != nil {
		return json.Unmarshal(text, (*[]string)(s))
	}
	*s = splitSellers(line)
	return nil
}
