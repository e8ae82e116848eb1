package main

import (
	"slices"
	"sync"
	"time"
)

// request is what a client does next; which counts the requests of that client.
type request func(c *conn, client, which int) error

// measured is what came of a load.
type measured struct {
	requests int
	took     time.Duration
	waits    []time.Duration // of each request, sorted
	sidecar  time.Duration   // processor time
	own      time.Duration   // processor time of the generator
}

// rate is requests per second.
func (m measured) rate() float64 { return float64(m.requests) / m.took.Seconds() }

// quantile is the time that a share of the requests took at most.
func (m measured) quantile(share float64) time.Duration {
	if len(m.waits) == 0 {
		return 0
	}
	return m.waits[min(len(m.waits)-1, int(share*float64(len(m.waits))))]
}

// load is clients that ask at once, each on a connection of its own.
type load struct {
	sidecar *sidecar
	clients int
	do      request
	// rate is how many requests are to begin in a second; 0: each client asks as soon as it has an answer.
	rate float64
}

// run asks for a time, or until each client has made `most` requests, if that is above 0.
func (l load) run(span time.Duration, most int) (measured, error) {
	var (
		mu    sync.Mutex
		group sync.WaitGroup
		m     measured
		first error
	)
	sidecar, own, err := l.processors()
	if err != nil {
		return m, err
	}
	begin := time.Now()
	for client := range l.clients {
		group.Go(func() {
			waits, err := l.client(client, begin, span, most)
			mu.Lock()
			defer mu.Unlock()
			m.waits = append(m.waits, waits...)
			if err != nil && first == nil {
				first = err
			}
		})
	}
	group.Wait()
	m.took = time.Since(begin)
	if first != nil {
		return m, first
	}
	sidecarNow, ownNow, err := l.processors()
	m.sidecar, m.own = sidecarNow-sidecar, ownNow-own
	m.requests = len(m.waits)
	slices.Sort(m.waits)
	return m, err
}

func (l load) processors() (sidecar, own time.Duration, err error) {
	if sidecar, err = processorTime(l.sidecar.pid); err == nil {
		own, err = processorTime(0)
	}
	return sidecar, own, err
}

func (l load) client(client int, begin time.Time, span time.Duration, most int) ([]time.Duration, error) {
	c, err := dial(l.sidecar.address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var waits []time.Duration
	for n := 0; most == 0 || n < most; n++ {
		from := time.Now()
		if l.rate > 0 {
			from = l.due(client, n, begin)
		}
		if from.Sub(begin) >= span {
			break
		}
		if err := l.do(c, client, n); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(from))
	}
	return waits, nil
}

// due waits until a client's turn and gives the moment from which its request counts. A client that is late because the answer
// before was slow counts from when its turn was, or slow answers would hide others; but that the system wakes
// the client late is not the sidecar's doing.
func (l load) due(client, n int, begin time.Time) time.Time {
	turn := begin.Add(time.Duration(float64(n*l.clients+client) / l.rate * float64(time.Second)))
	wait := time.Until(turn)
	if wait <= 0 {
		return turn
	}
	time.Sleep(wait)
	return time.Now()
}
