package openapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
)

// schema is the part of OpenAPI 3.0's schema objects that the descriptions use. A keyword that is not here fails the
// reading: what is not understood must not pass for checked.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Nullable   bool               `json:"nullable"`
	Required   []string           `json:"required"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Enum       []any              `json:"enum"`
	Additional json.RawMessage    `json:"additionalProperties"` // a schema or a boolean

	// Words for readers.
	Title       string `json:"title"`
	Description string `json:"description"`
	Example     any    `json:"example"`
	Default     any    `json:"default"`
	Format      string `json:"format"`
	Deprecated  bool   `json:"deprecated"`
}

// description is an API description, as far as answers go.
type description struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema  json.RawMessage `json:"schema"`
				Example json.RawMessage `json:"example"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

func load(t *testing.T, name string) *description {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &d
}

// check gives a line for each breach of what the description says of an answer.
func (d *description) check(path, method string, status int, body []byte) []string {
	operation, ok := d.Paths[path][strings.ToLower(method)]
	if !ok {
		return []string{method + " " + path + " is not described"}
	}
	response, ok := operation.Responses[fmt.Sprint(status)]
	if !ok {
		return []string{fmt.Sprintf("%s %s: status %d is not described", method, path, status)}
	}
	content, ok := response.Content["application/json"]
	if !ok {
		return []string{fmt.Sprintf("%s %s: no JSON is described", method, path)}
	}
	return d.checkText(content.Schema, body)
}

func (d *description) checkText(text json.RawMessage, body []byte) []string {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return []string{err.Error()}
	}
	s, err := parse(text)
	if err != nil {
		return []string{err.Error()}
	}
	found := d.walk("body", s, value)
	sort.Strings(found)
	return found
}

func parse(text json.RawMessage) (*schema, error) {
	var s schema
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &s, nil
}

func (d *description) resolve(s *schema) (*schema, error) {
	for s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		text, ok := d.Components.Schemas[name]
		if !ok {
			return nil, fmt.Errorf("%s is not described", s.Ref)
		}
		var err error
		if s, err = parse(text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// walk gives the breaches of value and all within.
func (d *description) walk(at string, s *schema, value any) []string {
	s, err := d.resolve(s)
	if err != nil {
		return []string{at + ": " + err.Error()}
	}
	if value == nil && s.Nullable {
		return nil
	}
	if s.Enum != nil && !slices.Contains(s.Enum, value) {
		return []string{fmt.Sprintf("%s: %v is none of %v", at, value, s.Enum)}
	}
	switch v := value.(type) {
	case map[string]any:
		if s.Type == "object" || s.Type == "" {
			return d.walkObject(at, s, v)
		}
	case []any:
		if s.Type == "array" {
			return d.walkArray(at, s, v)
		}
	default:
		if s.Type == "" || s.Type == typeName(value) || s.Type == "integer" && wholeNumber(value) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: %s, want %s", at, typeName(value), s.Type)}
}

func (d *description) walkArray(at string, s *schema, v []any) (found []string) {
	for i, e := range v {
		if s.Items != nil {
			found = append(found, d.walk(fmt.Sprintf("%s[%d]", at, i), s.Items, e)...)
		}
	}
	return found
}

func (d *description) walkObject(at string, s *schema, v map[string]any) (found []string) {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			found = append(found, at+": no "+name)
		}
	}
	for name, e := range v {
		within := at + "." + name
		if property, ok := s.Properties[name]; ok {
			found = append(found, d.walk(within, property, e)...)
			continue
		}
		found = append(found, d.walkOther(within, s.Additional, e)...)
	}
	return found
}

// walkOther checks a property that is not named in the schema.
func (d *description) walkOther(at string, additional json.RawMessage, e any) []string {
	switch string(additional) {
	case "", "true":
		return nil
	case "false":
		return []string{at + ": not described"}
	}
	s, err := parse(additional)
	if err != nil {
		return []string{at + ": " + err.Error()}
	}
	return d.walk(at, s, e)
}

func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func wholeNumber(value any) bool {
	n, ok := value.(float64)
	return ok && n == float64(int64(n))
}
