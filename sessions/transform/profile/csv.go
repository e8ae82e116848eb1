package profile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
)

const (
	maxErrors = 10 // that are told of one file
	// collectEvery is after how many customers of a long file garbage is collected. Left alone, the garbage of reading
	// grows as large as the customers of before and the new ones together; they hold no pointers, so a collection is quick.
	collectEvery = 1 << 17
)

// lineErrors gathers what is wrong with a file, up to a bound: a file in the wrong form is wrong in every line.
type lineErrors []error

func (e *lineErrors) add(line int, err error) (full bool) {
	*e = append(*e, fmt.Errorf("line %d: %w", line, err))
	return len(*e) == maxErrors
}

func (e lineErrors) join() error { return errors.Join(e...) }

// readCSV reads customers of the form of RFC 4180 with a header that names the columns, in any order; those of `fields`
// that are not there are empty. It gives the first faults, each with its line and without values.
func readCSV(from io.Reader) (*table, error) {
	in := csv.NewReader(withoutMark(from))
	in.ReuseRecord = true
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: want a first line with the names of the columns")
	}
	if err != nil {
		return nil, csvError(err)
	}
	columns, err := columnsOf(head)
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	t := newTable()
	var errs lineErrors
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return nil, errors.Join(errs.join(), csvError(err)) // where the next record begins is a guess
		}
		line, _ := in.FieldPos(0)
		if err != nil {
			err = csv.ErrFieldCount
		} else {
			err = addRecord(t, record, columns, line)
		}
		if err != nil && errs.add(line, err) {
			break
		}
		if err == nil && t.count%collectEvery == 0 {
			runtime.GC()
		}
	}
	if len(errs) > 0 {
		return nil, errs.join()
	}
	t.full()
	return t, nil
}

func addRecord(t *table, record []string, columns []int, line int) error {
	var r row
	for i, at := range columns {
		r[at] = record[i]
	}
	if err := r.tidy(); err != nil {
		return err
	}
	return t.add(&r, line)
}

// columnsOf finds the field of each column.
func columnsOf(head []string) ([]int, error) {
	var columns []int
	var seen [7]bool
	for _, name := range head {
		at := fieldAt(name)
		switch {
		case at < 0:
			return nil, fmt.Errorf("no column is called %.40q: want some of %q", name, fields())
		case seen[at]:
			return nil, fmt.Errorf("column %s is there twice", fields()[at])
		}
		seen[at] = true
		columns = append(columns, at)
	}
	if !seen[0] && !seen[1] {
		return nil, errors.New("no column id or email")
	}
	return columns, nil
}

// csvError is an error of the csv package in our words: the line that the record begins in, and what is wrong.
func csvError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("line %d: %w", parse.StartLine, parse.Err)
	}
	return err
}

// withoutMark leaves out the byte order mark that spreadsheets write.
func withoutMark(from io.Reader) io.Reader {
	in := bufio.NewReaderSize(from, 64<<10)
	if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3)
	}
	return in
}
