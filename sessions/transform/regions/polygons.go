package regions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aislecache/aisle/sessions/transform"
)

// collection is what counts of a GeoJSON file (RFC 7946): a FeatureCollection of polygons with properties country, channel and sellers.
type collection struct {
	Type     string    `json:"type"`
	Features []feature `json:"features"`
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
func (b *builder) readPolygons(r io.Reader) error {
	decoder := json.NewDecoder(r)
	var c collection
	if err := decoder.Decode(&c); err != nil {
		return fmt.Errorf("at byte %d: %w", decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("at byte %d: more than one JSON value", decoder.InputOffset())
	}
	if c.Type != "FeatureCollection" {
		return fmt.Errorf("type %q: want a FeatureCollection", cut(c.Type))
	}
	var f faults
	for i := range c.Features {
		if err := b.addFeature(&c.Features[i]); err != nil {
			f.add("feature %d: %w", i+1, err)
		}
	}
	return f.err()
}

func (b *builder) addFeature(f *feature) error {
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
		return nil, fmt.Errorf("coordinates: %w", err)
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
	return r, nil
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
