package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// URLOptions say how long what a JWKS URL gave is used. The zero value has every default.
type URLOptions struct {
	Fresh   time.Duration // then it is fetched again behind the calls, which use the old keys meanwhile; 0: 5 min
	Keep    time.Duration // then it is used no more, if the URL does not answer; 0: 24 h
	Between time.Duration // two fetches, at least, whatever tokens are shown; 0: 5 s
	Timeout time.Duration // of a fetch, which goes on when the call that waits for it has ended; 0: 3 s
}

func (o URLOptions) withDefaults() URLOptions {
	for _, d := range []struct {
		of  *time.Duration
		are time.Duration
	}{{&o.Fresh, 5 * time.Minute}, {&o.Keep, 24 * time.Hour}, {&o.Between, 5 * time.Second}, {&o.Timeout, 3 * time.Second}} {
		if *d.of == 0 {
			*d.of = d.are
		}
	}
	return o
}

func (o URLOptions) check() error {
	if o.Fresh < 0 || o.Keep < 0 || o.Between < 0 || o.Timeout < 0 {
		return errors.New("a negative time")
	}
	if full := o.withDefaults(); full.Keep < full.Fresh {
		return fmt.Errorf("keys are kept for %v, less than the %v that they are fresh for", full.Keep, full.Fresh)
	}
	return nil
}

// keyURL is a source that is fetched. One fetch runs at a time, begun by a call that needs it: nothing runs while
// nobody logs in.
type keyURL struct {
	url, name string
	o         URLOptions
	client    *http.Client
	tell      func(Load)
	current   atomic.Pointer[fetched]
	life      context.Context // ends the fetch that runs
	end       context.CancelFunc
	running   sync.WaitGroup

	mu     sync.Mutex
	flight chan struct{} // closed when the fetch that runs has ended; nil: none runs
	next   time.Time     // before that none begins
	closed bool
}

type fetched struct {
	set KeySet
	at  time.Time // when the fetch began
}

func openKeyURL(raw string, o URLOptions, client *http.Client, tell func(Load)) (*keyURL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL") // err would quote it, with its password
	}
	if err := transform.CheckURL(u); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	shown := *u
	shown.User, shown.RawQuery = nil, ""
	k := &keyURL{url: raw, name: shown.String(), o: o.withDefaults(), client: transform.NewClient(client, 2), tell: tell}
	k.life, k.end = context.WithCancel(context.Background())
	return k, nil
}

var errNoKeys = errors.New("no shopper keys: their URL has not answered")

func (k *keyURL) keys(ctx context.Context) (*KeySet, error) {
	held, age := k.held()
	switch {
	case held != nil && age < k.o.Fresh:
		return &held.set, nil
	case held != nil:
		k.begin() // behind this call
		return &held.set, nil
	}
	if err := wait(ctx, k.begin()); err != nil {
		return nil, err
	}
	if held, _ = k.held(); held == nil {
		return nil, errNoKeys
	}
	return &held.set, nil
}

// held is what may still be used, nil for none.
func (k *keyURL) held() (*fetched, time.Duration) {
	held := k.current.Load()
	if held == nil {
		return nil, 0
	}
	age := time.Since(held.at)
	if age >= k.o.Keep {
		return nil, 0
	}
	return held, age
}

func (k *keyURL) renewed(ctx context.Context, old *KeySet) *KeySet {
	if now, _ := k.held(); now != nil && &now.set != old {
		return &now.set // another call was faster
	}
	if wait(ctx, k.begin()) != nil {
		return nil
	}
	if now, _ := k.held(); now != nil && &now.set != old {
		return &now.set
	}
	return nil
}

func wait(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin gives what is closed at the end of the fetch that runs; it begins one if none does and enough time has passed
// since the last. nil: none runs.
func (k *keyURL) begin() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.flight != nil || k.closed || now.Before(k.next) {
		return k.flight
	}
	k.next = now.Add(k.o.Between)
	done := make(chan struct{})
	k.flight = done
	k.running.Go(func() {
		k.tell(k.fetch(now))
		k.mu.Lock()
		k.flight = nil
		k.mu.Unlock()
		close(done)
	})
	return done
}

func (k *keyURL) fetch(began time.Time) Load {
	ctx, cancel := context.WithTimeout(k.life, k.o.Timeout)
	defer cancel()
	text, err := k.get(ctx)
	if err != nil {
		return k.failed(err)
	}
	set, passed, unusable, err := readSet(text, true)
	if err != nil {
		return k.failed(err)
	}
	k.current.Store(&fetched{set, began}) // without keys too: whoever publishes none revokes all
	return Load{From: k.name, Keys: set.Len(), Passed: passed + len(unusable), Unusable: errors.Join(unusable...)}
}

func (k *keyURL) failed(err error) Load {
	return Load{From: k.name, Err: err}
}

func (k *keyURL) get(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, errors.New("no request") // err would quote the URL
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("User-Agent", "aisle")
	response, err := k.client.Do(request)
	if err != nil {
		var failure *url.Error
		if errors.As(err, &failure) {
			err = failure.Err // without the URL
		}
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxSet+1))
}

func (k *keyURL) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.end()
	k.running.Wait()
	k.client.CloseIdleConnections()
}
