package isolation_test

import "sync"

// floors knows, for one edge, from which price list on every answer must be that begins now. Purges that were
// acknowledged raise it. There are two kinds of revision: the demo storefront's and the special origin's.
type floors struct {
	mu     sync.Mutex // guards all
	now    int
	byName map[string][]floor
}

// floor is one purge: requests that begin after it was acknowledged see nothing older.
type floor struct {
	at       int
	revision uint64
}

// The names under which purges of everything are kept.
const (
	allDemo    = "all demo"
	allSpecial = "all special"
)

func urlName(host, target string) string { return "url " + host + target }
func tagName(tag string) string          { return "tag " + tag }

// begin gives the moment at which a request begins.
func (f *floors) begin() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// raise notes a purge that has been acknowledged. revision is what was current before the purge was sent.
func (f *floors) raise(revision uint64, names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName == nil {
		f.byName = map[string][]floor{}
	}
	f.now++
	for _, n := range names {
		list := f.byName[n]
		least := revision
		if len(list) > 0 {
			least = max(least, list[len(list)-1].revision) // two may be noted in another order than they were made
		}
		f.byName[n] = append(list, floor{f.now, least})
	}
}

// of gives the least revision that a request which began at a moment may be shown of something with these names.
func (f *floors) of(began int, names ...string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	least := uint64(0)
	for _, n := range names {
		list := f.byName[n]
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].at <= began {
				least = max(least, list[i].revision)
				break
			}
		}
	}
	return least
}
