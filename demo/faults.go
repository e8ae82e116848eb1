package demo

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// FaultMode is a way to fail.
type FaultMode uint8

// The ways to fail. The zero value is none of them.
const (
	FaultNone  FaultMode = iota
	Fault500             // 500 Internal Server Error
	Fault503             // 503 Service Unavailable, with Retry-After
	FaultReset           // the connection is reset (TCP RST) before a byte is sent
	FaultHang            // no answer until the client goes
	FaultHalf            // the whole header, half of the promised body, and the connection closes
	faultEnd
)

// String is the name of the mode in flags and controls; "unknown" for what is none.
func (m FaultMode) String() string {
	names := [faultEnd]string{"none", "500", "503", "reset", "hang", "half"}
	if m >= faultEnd {
		return "unknown"
	}
	return names[m]
}

// MarshalText never fails.
func (m FaultMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText takes what String gives, and returns an error that names anything else.
func (m *FaultMode) UnmarshalText(b []byte) error {
	for mode := range faultEnd {
		if mode.String() == string(b) {
			*m = mode
			return nil
		}
	}
	return fmt.Errorf("failure mode %q: none, 500, 503, reset, hang or half", b)
}

// weather is what befalls requests.
type weather struct {
	Mode    FaultMode     `json:"mode"`
	Rate    float64       `json:"rate"`
	Latency time.Duration `json:"latency"`
	Jitter  time.Duration `json:"jitter"`
}

// faults throws the dice.
type faults struct {
	mu  sync.Mutex // guards all
	now weather
	rng *rand.Rand
}

func newFaults(o Options) *faults {
	return &faults{
		now: weather{Mode: o.FailureMode, Rate: o.FailureRate, Latency: o.Latency, Jitter: o.Jitter},
		rng: rand.New(rand.NewPCG(o.Seed, 0x6c756d65)),
	}
}

// next says what befalls the next request.
func (f *faults) next() (wait time.Duration, mode FaultMode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wait = f.now.Latency
	if f.now.Jitter > 0 {
		wait += time.Duration(f.rng.Int64N(int64(f.now.Jitter)))
	}
	if f.now.Mode != FaultNone && f.rng.Float64() < f.now.Rate {
		mode = f.now.Mode
	}
	return wait, mode
}

// change sets the weather and returns it as it then is.
func (f *faults) change(how func(*weather)) weather {
	f.mu.Lock()
	defer f.mu.Unlock()
	how(&f.now)
	return f.now
}

// faulty is the handler of a class as it fares under mode.
func (s *Storefront) faulty(mode FaultMode, class Class) http.HandlerFunc {
	switch mode {
	case Fault500:
		return func(w http.ResponseWriter, _ *http.Request) {
			plain(w, http.StatusInternalServerError, "the shop has tripped")
		}
	case Fault503:
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "2")
			plain(w, http.StatusServiceUnavailable, "the shop is overrun")
		}
	case FaultReset:
		return reset
	case FaultHang:
		return hang
	case FaultHalf:
		return func(w http.ResponseWriter, r *http.Request) { half(w, r, s.answer(class)) }
	}
	return s.answer(class)
}

// reset ends the connection as a crashed server does. Linger 0 makes Close send RST instead of FIN.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// Where it fails the connection is gone already, which is what is wanted.
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// hang holds the request until its client, or the server, gives up.
func hang(_ http.ResponseWriter, r *http.Request) {
	// The server watches for the client to go only once the body is read.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxSessionBody))
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// half sends h's answer with its true Content-Length, but only the first half of its body.
func half(w http.ResponseWriter, r *http.Request, h http.Handler) {
	kept := &recorder{header: w.Header(), status: http.StatusOK}
	h.ServeHTTP(kept, r)
	if kept.header.Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(kept.body)))
	}
	w.WriteHeader(kept.status)
	_, _ = w.Write(kept.body[:len(kept.body)/2])
	// Without a flush the server would throw the half away with the connection.
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// recorder keeps an answer back.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}
