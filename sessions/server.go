package sessions

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns an HTTP server for a Handler, with bounds on what a slow or greedy client may take. Errors of
// connections go to logger, which may be nil. Who calls Serve calls Shutdown.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than edges keep idle connections, so that they close them, not we
		MaxHeaderBytes:    128 << 10,       // browsers have been seen to send 64 KiB of cookies
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
