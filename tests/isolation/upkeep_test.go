package isolation_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// upkeep is the store's own side: customers get and lose price tables, places move to other regions, audiences begin and
// end, all while shoppers shop.
type upkeep struct {
	*run
	rng *rand.Rand
}

func newUpkeep(r *run) *upkeep { return &upkeep{r, rand.New(rand.NewPCG(r.seed, 0x75706b656570))} }

// unfold changes the world until ctx ends.
func (u *upkeep) unfold(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		u.steady.RLock() // what edges go by is asked of the only process that there is
		err := u.act(ctx, n)
		u.steady.RUnlock()
		if err != nil && ctx.Err() == nil {
			u.report(&request{edge: u.native.edge, shopper: &shopper{}, path: "/-/reload", method: http.MethodPost, nonce: nonceMark}, nil, differ("%v", err))
			return
		}
		pause(ctx, time.Duration(50+u.rng.IntN(250))*time.Millisecond)
	}
}

// act does the nth thing. The file is waited for last: a run may be short.
func (u *upkeep) act(ctx context.Context, n int) error {
	switch n % 5 {
	case 1:
		return u.lapse(ctx)
	case 2:
		return u.change(ctx, true, true)
	case 4:
		return u.change(ctx, true, false)
	}
	return u.change(ctx, false, true)
}

// change makes another world: of the files, which the edge looks at every two seconds, or of the audiences, which it reads at
// once, and the files with them. Both may count until it shows that it has followed.
func (u *upkeep) change(ctx context.Context, files, invite bool) error {
	n := u.native
	w := n.worlds.newest()
	if files {
		n.canary.files++
		w.tables, w.ranges = u.retabled(w.tables), u.moved(w.ranges)
	}
	if invite {
		n.canary.audiences++
		w.audiences = u.invited()
	}
	n.worlds.begin(w)
	if files {
		if err := n.refile(w); err != nil {
			return err
		}
	}
	if invite {
		if err := n.reconfigure(ctx, w, chance(u.rng, 50)); err != nil {
			return err
		}
	}
	if err := n.followed(ctx); err != nil {
		return err
	}
	n.worlds.settle()
	n.posts.worlds.Add(1)
	return nil
}

// retabled takes a price table away or gives one, to some customers.
func (u *upkeep) retabled(tables map[string][]string) map[string][]string {
	tables = maps.Clone(tables)
	for range 1 + u.rng.IntN(2) {
		c := pick(u.rng, customers()...)
		tables[c.email] = pick(u.rng, nil, []string{"gold"}, []string{"gold"}, []string{"silver"}, []string{"bronze", "gold"})
	}
	return tables
}

// moved has one range of postal codes delivered by others.
func (u *upkeep) moved(ranges []postalRange) []postalRange {
	ranges = slices.Clone(ranges)
	at := u.rng.IntN(len(ranges))
	ranges[at].sellers = pick(u.rng, []string{"sp", "express"}, []string{"rio"}, []string{"minas"}, []string{"rio", "motoboy"})
	return ranges
}

// invited are the audiences from now on: any may be gone.
func (u *upkeep) invited() (list []audience) {
	for _, a := range allAudiences() {
		if chance(u.rng, 75) {
			list = append(list, a)
		}
	}
	return list
}

// lapse has an audience end by its own time, which everybody's clock tells.
func (u *upkeep) lapse(ctx context.Context) error {
	n := u.native
	w := n.worlds.newest()
	w.audiences = slices.DeleteFunc(slices.Clone(w.audiences), func(a audience) bool { return a.id == "sale" })
	until := time.Now().Add(time.Duration(200+u.rng.IntN(300)) * time.Millisecond).Truncate(time.Millisecond)
	for _, a := range allAudiences() {
		if a.id == "sale" {
			a.until = until
			w.audiences = append(w.audiences, a)
		}
	}
	n.worlds.begin(w)
	if err := n.reconfigure(ctx, w, false); err != nil {
		return err
	}
	n.worlds.settle()
	n.posts.lapses.Add(1)
	pause(ctx, time.Until(until)+50*time.Millisecond)
	return nil
}

// rewrite puts another text of the sessions section into the configuration of a running edge.
func (e *edge) rewrite(extra string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.config = strings.Replace(e.config, e.extra, extra, 1)
	e.extra = extra
	return e.put(e.config)
}
