package segment

import "fmt"

// Make returns the segment with these values of known fields, "" being null. It fails, naming the field, where one is
// unknown or a value is no text that Decode would take back. It keeps no reference to values.
func Make(values map[string]string) (Segment, error) {
	var s Segment
	for name, value := range values {
		f, known := lookupField(name)
		if !known {
			return Segment{}, fmt.Errorf("%q is no segment field", name)
		}
		if !cleanText([]byte(value)) {
			return Segment{}, fmt.Errorf("segment field %s: control characters or invalid UTF-8", name)
		}
		s.values[f] = value
	}
	return s, nil
}

// With returns s with another value of a known field, "" being null. It fails as Make does.
func (s Segment) With(field, value string) (Segment, error) {
	one, err := Make(map[string]string{field: value})
	if err != nil {
		return Segment{}, err
	}
	f, _ := lookupField(field)
	s.values[f] = one.values[f]
	return s, nil
}
