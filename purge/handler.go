package purge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
)

// Engine is what is purged; *cache.Engine is one. All labels of a call go into one
// purge, which has taken effect when the method returns its number.
type Engine interface {
	Purge(soft bool, labels ...string) uint64
	PurgeAll(soft bool) uint64
}

// Options are the parts of a Handler. All must be given.
type Options struct {
	Engine Engine
	// URLLabels gives the labels that a purge of a URL names. Its error tells what is
	// wrong with the URL.
	URLLabels func(url string) ([]string, error)
	Registry  prometheus.Registerer
	Logger    *slog.Logger // one line per purge
}

// Handler answers POST /purge. It is safe for concurrent use.
//
// The body is a JSON object of urls (absolute, or a target that begins with / for that
// target on every host), tags, all, and soft, which leaves pages to be served while they
// are fetched anew. The answer is 200 with the number of the purge, or 400 or 405 with an
// `error`; then nothing was purged.
type Handler struct {
	options Options
	metrics *metrics
}

// NewHandler makes a Handler and registers its metric, which must not be registered yet.
func NewHandler(o Options) *Handler { return &Handler{o, newMetrics(o.Registry)} }

// answer is the body of a 200.
type answer struct {
	Sequence uint64 `json:"sequence"`
	URLs     int    `json:"urls"`
	Tags     int    `json:"tags"`
	All      bool   `json:"all"`
	Soft     bool   `json:"soft"`
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("%s is not allowed: purge by POST", r.Method))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		h.refuse(w, http.StatusBadRequest, fmt.Errorf("the body has more than %d bytes", maxBody))
		return
	}
	if err != nil {
		h.refuse(w, http.StatusBadRequest, fmt.Errorf("the body ended early: %w", err))
		return
	}
	done, err := h.purge(body)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, err)
		return
	}
	h.options.Logger.LogAttrs(r.Context(), slog.LevelInfo, "purge",
		slog.Uint64("sequence", done.Sequence), slog.Int("urls", done.URLs), slog.Int("tags", done.Tags),
		slog.Bool("all", done.All), slog.Bool("soft", done.Soft), slog.String("from", r.RemoteAddr))
	respond(w, http.StatusOK, done)
}

// purge does what the body asks for, all of it in one purge or nothing.
func (h *Handler) purge(body []byte) (answer, error) {
	r, err := parseRequest(body)
	if err != nil {
		return answer{}, err
	}
	labels, err := h.labels(&r)
	if err != nil {
		return answer{}, err
	}
	done := answer{URLs: len(r.URLs), Tags: len(r.Tags), All: r.All, Soft: r.Soft}
	if r.All { // whatever else is named is part of it
		done.Sequence = h.options.Engine.PurgeAll(r.Soft)
	} else {
		done.Sequence = h.options.Engine.Purge(r.Soft, labels...)
	}
	h.metrics.count(&r)
	return done, nil
}

func (h *Handler) labels(r *request) ([]string, error) {
	labels := make([]string, 0, len(r.URLs)+len(r.Tags))
	for i, url := range r.URLs {
		named, err := h.options.URLLabels(url)
		if err != nil {
			return nil, fmt.Errorf("urls[%d]: %w", i, err)
		}
		labels = append(labels, named...)
	}
	for _, tag := range r.Tags {
		labels = append(labels, cache.TagLabel(tag))
	}
	return labels, nil
}

func (h *Handler) refuse(w http.ResponseWriter, status int, err error) {
	h.metrics.refused.Inc()
	respond(w, status, map[string]string{"error": err.Error()})
}

func respond(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("BUG: an answer that is no JSON: %v", err)) // numbers, booleans and texts alone
	}
	text = append(text, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a caller that has gone does not undo the purge
}
