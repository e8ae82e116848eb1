package regions

import (
	"errors"
	"fmt"
)

const maxFaults = 20 // of one file that are told

// faults gathers what is wrong with a file: every fault, but a file of a million bad lines makes no message of as many.
type faults struct {
	list []error
	more int
}

func (f *faults) add(format string, args ...any) {
	if len(f.list) == maxFaults {
		f.more++
		return
	}
	f.list = append(f.list, fmt.Errorf(format, args...))
}

// err joins them, nil if there are none.
func (f *faults) err() error {
	if f.more == 0 {
		return errors.Join(f.list...)
	}
	return errors.Join(append(f.list, fmt.Errorf("and %d more", f.more))...)
}
