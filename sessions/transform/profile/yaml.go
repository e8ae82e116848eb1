package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxYAML bounds a file of YAML, whose tree is many times as large in memory: some twenty thousand customers. A larger
// number belongs into CSV.
const maxYAML = 4 << 20

// readYAML reads customers as a list of maps with the keys of `fields`, priceTables being a list or a text. It gives
// the first faults, each with its line and without values.
func readYAML(from io.Reader) (*table, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxYAML+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxYAML {
		return nil, fmt.Errorf("it has more than %d bytes: so many customers belong into a CSV file", maxYAML)
	}
	var root, more yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(text))
	if err := in.Decode(&root); errors.Is(err, io.EOF) { // nothing, or comments alone
		return nil, errEmpty
	} else if err != nil {
		return nil, yamlError(err)
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("want one document") // the customers of a second would be passed over
	}
	list := root.Content[0]
	if list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
		return nil, errEmpty
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: want a list of customers", list.Line)
	}
	t := newTable()
	var errs lineErrors
	for _, item := range list.Content {
		r, err := rowOf(item)
		if err == nil {
			err = r.tidy()
		}
		if err == nil {
			err = t.add(&r, item.Line)
		}
		if err != nil && errs.add(item.Line, err) {
			break
		}
	}
	if len(errs) > 0 {
		return nil, errs.join()
	}
	t.full()
	return t, nil
}

var errEmpty = errors.New("it is empty: want a list of customers, [] for none")

func rowOf(item *yaml.Node) (row, error) {
	var r row
	if item.Kind != yaml.MappingNode {
		return r, errors.New("want a customer: a map")
	}
	var seen [7]bool
	for i := 0; i+1 < len(item.Content); i += 2 {
		name := item.Content[i]
		at := fieldAt(name.Value)
		if name.Kind != yaml.ScalarNode || at < 0 {
			return r, fmt.Errorf("a customer has no key %.40q: want some of %q", name.Value, fields())
		}
		if seen[at] {
			return r, fmt.Errorf("%s is there twice", fields()[at])
		}
		seen[at] = true
		text, err := scalarText(item.Content[i+1], at == tablesAt)
		if err != nil {
			return r, fmt.Errorf("%s: %w", fields()[at], err)
		}
		r[at] = text
	}
	return r, nil
}

// scalarText is a scalar as it is written, so that a phone number keeps its zeros, or a list of them joined by ";".
func scalarText(value *yaml.Node, list bool) (string, error) {
	switch {
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		return "", nil
	case value.Kind == yaml.ScalarNode:
		return value.Value, nil
	case value.Kind != yaml.SequenceNode || !list:
		return "", errors.New("want a text") // an alias too: what it stands for is elsewhere
	}
	var parts []string
	for _, item := range value.Content {
		part, err := scalarText(item, false)
		if err != nil {
			return "", err
		}
		if err := soundName(part); err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ";"), nil
}

// yamlError keeps the line of an error alone: its text may quote the file.
func yamlError(err error) error {
	rest, ok := strings.CutPrefix(err.Error(), "yaml: line ")
	if line, _, found := strings.Cut(rest, ":"); ok && found {
		return fmt.Errorf("line %s: it is no YAML", line)
	}
	return errors.New("it is no YAML")
}
