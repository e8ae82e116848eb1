package native

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/aislecache/aisle/sessions/transform"
)

// failingEvery is how often an app that goes on failing is told of: each request of the sessions API calls it again.
const failingEvery = 10 * time.Second

// failing are the apps that have failed. The zero value is ready.
type failing struct {
	mu   sync.Mutex
	apps map[string]*rate.Sometimes
}

func (f *failing) of(app string) *rate.Sometimes {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.apps == nil {
		f.apps = map[string]*rate.Sometimes{}
	}
	if f.apps[app] == nil {
		f.apps[app] = &rate.Sometimes{Interval: failingEvery}
	}
	return f.apps[app]
}

// Observe logs calls that failed, one in ten seconds for each app: shoppers then have list prices, say, and nothing else shows.
// It is for transform.Options.
func (s *Set) Observe(c transform.Call) {
	switch c.Outcome {
	case transform.OutcomeFailed, transform.OutcomeTimeout, transform.OutcomePanicked, transform.OutcomeLoop:
	default:
		return
	}
	s.failing.of(c.App).Do(func() {
		s.logger.Warn("transform: failed", slog.String("app", c.App),
			slog.String("outcome", c.Outcome.String()), slog.Any("error", c.Err))
	})
}
