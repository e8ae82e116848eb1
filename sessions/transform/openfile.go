package transform

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// OpenFile opens an operator's file to read it. A pipe, which would be waited for without end, and a device, which could
// be endless, are errors, and at once. The error names the file.
func OpenFile(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe opens without a writer
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("no regular file")}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// WithoutPath is an error of the file system without the file's name, for one that is told beside it.
func WithoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
