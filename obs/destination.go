package obs

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// OpenDestination opens what `log.access` names: "stdout", "stderr", "off", or the
// path of a file, which is appended to and made if it is not there. The destination
// "off" is nil. Closing a standard stream leaves it open.
func OpenDestination(name string) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, fmt.Errorf("log destination %q: must be stdout, stderr, off or a path", name)
	case "off":
		return nil, nil
	case "stdout":
		return stream{os.Stdout}, nil
	case "stderr":
		return stream{os.Stderr}, nil
	}
	f, err := openAppend(name)
	if err != nil {
		return nil, err
	}
	return &logFile{path: name, file: f}, nil
}

// stream is a standard stream, which is not ours to close.
type stream struct{ io.Writer }

func (stream) Close() error { return nil }

// logFile is a file that can be moved away under its writer.
type logFile struct {
	path string
	mu   sync.Mutex
	file *os.File // guarded by mu
}

func (f *logFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(p)
}

// Reopen opens the path anew, for logrotate. If that fails, the old file stays in
// use: a line in the wrong file is better than none.
func (f *logFile) Reopen() error {
	next, err := openAppend(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	old := f.file
	f.file = next
	f.mu.Unlock()
	return old.Close()
}

func (f *logFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}

// openAppend: 0640, since a path and a client's address are nobody else's business.
func openAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("log destination: %w", err) // a PathError names the path
	}
	return f, nil
}
