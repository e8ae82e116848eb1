package upstream

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/aislecache/aisle/cache"
)

// maxInterim bounds the interim answers of one request: each has net/http begin to count the head anew.
const maxInterim = 16

// interim hands interim answers to whoever asked. net/http reports them on a goroutine that may
// outlive RoundTrip where that fails; this is the fence.
type interim struct {
	mu  sync.Mutex                             // held during a call
	to  func(status int, fields []cache.Field) // guarded by mu; nil: nobody, or no more
	got int                                    // guarded by mu
}

// pass is told of an interim answer. Its error, which ends the exchange, is one of errMalformed. 100 is the
// transport's own: it has asked for it.
func (i *interim) pass(status int, header http.Header) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.got++; i.got > maxInterim {
		return fmt.Errorf("%w: more than %d interim answers", errMalformed, maxInterim)
	}
	if i.to != nil && status != http.StatusContinue {
		// What Connection lists here is gone by name; the scanner keeps the final answer's only.
		i.to(status, answerFields(header, header["Connection"]))
	}
	return nil
}

// stop waits for a call under way, and lets no other begin.
func (i *interim) stop() {
	i.mu.Lock()
	i.to = nil
	i.mu.Unlock()
}
