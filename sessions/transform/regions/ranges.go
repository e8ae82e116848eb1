package regions

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
)

// span is one line of the file of ranges.
type span struct {
	country  string
	channel  string // "": all
	from, to uint64
	digits   int
	region   uint32 // an index into Table.regions
	line     int
}

// rangeColumns are those of the file of ranges, in any order.
func rangeColumns() []string { return []string{"country", "from", "to", "channel", "sellers"} }

const (
	maxChannel    = 64       // bytes
	byteOrderMark = "\ufeff" // spreadsheets and some editors begin a file with one
)

// rangeReader reads a file of ranges into a builder.
type rangeReader struct {
	b      *builder
	csv    *csv.Reader
	at     map[string]int // column to its place
	faults faults
}

// readRanges reads the CSV file of ranges: a line of column names, then country, from, to, channel and sellers. Its
// error joins every fault, each with the line.
func (b *builder) readRanges(text []byte) error {
	rr := &rangeReader{b: b, csv: csv.NewReader(bytes.NewReader(text))}
	rr.csv.ReuseRecord = true
	rr.csv.TrimLeadingSpace = true
	head, err := rr.csv.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("empty: want the columns " + strings.Join(rangeColumns(), ","))
	}
	if err != nil {
		return err
	}
	if err := rr.columns(head); err != nil {
		return err
	}
	for more := true; more; {
		more = rr.next()
	}
	return rr.faults.err()
}

func (rr *rangeReader) columns(head []string) error {
	rr.at = map[string]int{}
	head[0] = strings.TrimPrefix(head[0], byteOrderMark)
	for i, name := range head {
		name = strings.TrimSpace(name)
		if _, twice := rr.at[name]; twice || !slices.Contains(rangeColumns(), name) {
			return fmt.Errorf("line 1: column %q: want each of %s once", cut(name), strings.Join(rangeColumns(), ","))
		}
		rr.at[name] = i
	}
	if len(rr.at) < len(rangeColumns()) {
		return fmt.Errorf("line 1: %d columns: want %s", len(rr.at), strings.Join(rangeColumns(), ","))
	}
	return nil
}

// next reads a line; false after the last.
func (rr *rangeReader) next() bool {
	record, err := rr.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return false
	case errors.Is(err, csv.ErrFieldCount):
		line, _ := rr.csv.FieldPos(0)
		rr.faults.add("line %d: %d fields, want %d", line, len(record), len(rr.at))
		return true
	case err != nil:
		rr.faults.add("%w", err) // a ParseError says the line; after a lone quote no line can be trusted
		return false
	}
	line, _ := rr.csv.FieldPos(0)
	s, err := rr.span(record, line)
	if err != nil {
		rr.faults.add("line %d: %w", line, err)
		return true
	}
	rr.b.spans = append(rr.b.spans, s)
	return true
}

func (rr *rangeReader) span(record []string, line int) (span, error) {
	field := func(name string) string { return strings.TrimSpace(record[rr.at[name]]) }
	country, ok := canonicalCountry(field("country"))
	if !ok {
		return span{}, fmt.Errorf("country %q: want three letters of ISO 3166-1", cut(field("country")))
	}
	from, to, err := bounds(field("from"), field("to"))
	if err != nil {
		return span{}, err
	}
	if country == "USA" && from.digits == zipPlus4 {
		return span{}, fmt.Errorf("from %s: want ZIP codes of 5 digits, which is all of a ZIP+4 that is looked up", field("from"))
	}
	channel := field("channel")
	if channel != "" && !transform.PlainID(channel, maxChannel) {
		return span{}, fmt.Errorf("channel %q: want the id of a sales channel", cut(channel))
	}
	region, err := rr.b.region(field("sellers"))
	return span{
		country: rr.b.intern(country), channel: rr.b.intern(channel),
		from: from.number, to: to.number, digits: from.digits, region: region, line: line,
	}, err
}

func bounds(from, to string) (a, b code, err error) {
	a, okA := parseBound(from)
	b, okB := parseBound(to)
	switch {
	case !okA:
		return a, b, fmt.Errorf("from %q: want up to %d digits", cut(from), maxDigits)
	case !okB:
		return a, b, fmt.Errorf("to %q: want up to %d digits", cut(to), maxDigits)
	case a.digits != b.digits:
		return a, b, fmt.Errorf("from %s and to %s are not equally long", from, to)
	case a.number > b.number:
		return a, b, fmt.Errorf("from %s is after to %s", from, to)
	}
	return a, b, nil
}

// parseBound is parseCode of digits alone.
func parseBound(text string) (code, bool) {
	if strings.ContainsAny(text, "-. ") {
		return code{}, false
	}
	return parseCode("", text)
}
