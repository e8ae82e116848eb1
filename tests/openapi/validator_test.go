package openapi_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestValidatorFindsBreaches shows that the validator can fail.
func TestValidatorFindsBreaches(t *testing.T) {
	var d description
	d.Components.Schemas = map[string]json.RawMessage{"Name": json.RawMessage(`{"type":"string","nullable":true}`)}
	f := func(schema, body, want string) {
		t.Helper()
		if got := strings.Join(d.checkText(json.RawMessage(schema), []byte(body)), "; "); got != want {
			t.Errorf("%s of %s: got %q, want %q", schema, body, got, want)
		}
	}
	f(`{}`, `{"a":1}`, "")
	f(`{"type":"string"}`, `"a"`, "")
	f(`{"type":"string"}`, `1`, "body: number, want string")
	f(`{"type":"string"}`, `null`, "body: null, want string")
	f(`{"type":"string","nullable":true}`, `null`, "")
	f(`{"type":"object"}`, `[]`, "body: array, want object")
	f(`{"type":"string"}`, `{}`, "body: object, want string")
	f(`{"type":"integer"}`, `1.0`, "")
	f(`{"type":"integer"}`, `1.5`, "body: number, want integer")
	f(`{"type":"number"}`, `1.5`, "")
	f(`{"type":"boolean"}`, `"true"`, "body: string, want boolean")
	f(`{"type":"object","required":["a","b"]}`, `{"a":1}`, "body: no b")
	f(`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"a":1,"b":2}`, "body.a: number, want string")
	f(`{"type":"object","additionalProperties":false}`, `{"b":2}`, "body.b: not described")
	f(`{"type":"object","additionalProperties":true}`, `{"b":2}`, "")
	f(`{"type":"object","additionalProperties":{"type":"string"},"properties":{"a":{}}}`, `{"a":1,"b":2}`, "body.b: number, want string")
	f(`{"type":"array","items":{"$ref":"#/components/schemas/Name"}}`, `["a",null,3]`, "body[2]: number, want string")
	f(`{"$ref":"#/components/schemas/Gone"}`, `1`, "body: #/components/schemas/Gone is not described")
	f(`{"enum":["a"]}`, `"b"`, "body: b is none of [a]")
	f(`{"enum":["a"]}`, `"a"`, "")
	f(`{"type":"string"}`, `{`, "unexpected end of JSON input")
	// A keyword that it does not know is no permission.
	if got := d.checkText(json.RawMessage(`{"oneOf":[]}`), []byte(`1`)); len(got) != 1 || !strings.Contains(got[0], "oneOf") {
		t.Errorf("oneOf: %q", got)
	}
}

// TestDescribedExamples: the descriptions' own examples follow them, so that both are read as they were meant.
func TestDescribedExamples(t *testing.T) {
	checked := 0
	for _, name := range []string{"session-manager.openapi.json", "checkout-regions.openapi.json"} {
		d := load(t, name)
		for path, operations := range d.Paths {
			for method, operation := range operations {
				for status, response := range operation.Responses {
					for _, content := range response.Content {
						if len(content.Example) == 0 {
							continue
						}
						checked++
						for _, breach := range d.checkText(content.Schema, content.Example) {
							t.Errorf("%s: %s %s %s: %s", name, method, path, status, breach)
						}
					}
				}
			}
		}
	}
	if checked < 5 {
		t.Errorf("%d examples were found", checked)
	}
}
