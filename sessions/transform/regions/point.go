package regions

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Point is a place on earth in degrees (WGS 84), the longitude first as in GeoJSON.
type Point struct{ Longitude, Latitude float64 }

func (p Point) valid() bool {
	// Written so that NaN is none.
	return p.Longitude >= -180 && p.Longitude <= 180 && p.Latitude >= -90 && p.Latitude <= 90
}

// String is the form of the regions API: longitude, semicolon, latitude (facts 1.9).
func (p Point) String() string {
	return strconv.FormatFloat(p.Longitude, 'f', -1, 64) + ";" + strconv.FormatFloat(p.Latitude, 'f', -1, 64)
}

// ParsePoint reads "lon;lat" as the regions API has it and "lon,lat" as sessions have it (facts 1.9).
func ParsePoint(text string) (Point, error) {
	separator := ","
	if strings.Contains(text, ";") {
		separator = ";"
	}
	lon, lat, ok := strings.Cut(text, separator)
	x, errX := degrees(lon)
	y, errY := degrees(lat)
	p := Point{x, y}
	if !ok || errX != nil || errY != nil || !p.valid() {
		return Point{}, fmt.Errorf("%q is no longitude and latitude in degrees", cut(text))
	}
	return p, nil
}

// degrees reads a decimal number: none of the hexadecimal and infinite ones that ParseFloat takes.
func degrees(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// pointOf reads a session's public.geoCoordinates: text as ParsePoint reads it, or an array of two numbers.
func pointOf(value json.RawMessage) (Point, bool) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		p, err := ParsePoint(text)
		return p, err == nil
	}
	var pair []float64
	if json.Unmarshal(value, &pair) != nil || len(pair) != 2 {
		return Point{}, false
	}
	p := Point{pair[0], pair[1]}
	return p, p.valid()
}
