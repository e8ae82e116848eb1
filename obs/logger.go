package obs

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger makes a logger that writes lines of format "json" or "text" to w,
// from level on. A *slog.LevelVar as level lets it be changed later. Another format
// is an error.
func NewLogger(w io.Writer, format string, level slog.Leveler) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: level}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, fmt.Errorf("log format %q: must be json or text", format)
}
