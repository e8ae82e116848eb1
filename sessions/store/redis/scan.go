package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/redis/rueidis"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

const (
	scanRows = 64   // of one page of a scan; their data is in memory together
	lenRows  = 1000 // of one page of a count
	lenPages = 20   // that a count reads of each node; behind them it estimates
)

// errTopology says that a node was replaced during a scan: its cursor means nothing to its successor.
var errTopology = errors.New("a master was replaced during the scan")

// Scan implements sessions.Store. It reads every master; a session may be seen twice. If a master is replaced
// meanwhile it gives an error that wraps sessions.ErrUnavailable: the scan has to begin again. While a Cluster moves slots
// from node to node, sessions may be missed.
func (s *Store) Scan(ctx context.Context, fn func(sessions.Stored) error) error {
	return s.scan(ctx, s.options.Prefix+"s:{", func(id string, r row) error {
		if r.kind == store.Buried {
			return nil
		}
		return fn(stored(id, r))
	})
}

// ScanFacets implements store.Movable.
func (s *Store) ScanFacets(ctx context.Context, fn func(store.Facets) error) error {
	return s.scan(ctx, s.options.Prefix+"f:{", func(ref string, r row) error {
		f := stored(ref, r)
		return fn(store.Facets{Ref: f.ID, Value: f.Data, Expires: f.Expires})
	})
}

func (s *Store) scan(ctx context.Context, start string, fn func(name string, r row) error) error {
	before, err := s.masters(ctx)
	if err != nil {
		return err
	}
	for _, m := range before {
		if err := s.scanNode(ctx, m.client, start, fn); err != nil {
			return err
		}
	}
	after, err := s.masters(ctx)
	if err != nil {
		return err
	}
	same := func(a, b master) bool { return a.run == b.run }
	if !maps.EqualFunc(before, after, same) {
		return unavailable(errTopology)
	}
	return nil
}

func (s *Store) scanNode(ctx context.Context, node rueidis.Client, start string, fn func(name string, r row) error) error {
	pattern := literal(start) + "*"
	for cursor := uint64(0); ; {
		var page rueidis.ScanEntry
		err := s.call(ctx, func(ctx context.Context, _ bool) (err error) {
			page, err = node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(scanRows).Build()).AsScanEntry()
			return err
		})
		if err != nil {
			return err
		}
		rows, err := s.fetchAll(ctx, page.Elements)
		if err != nil {
			return err
		}
		for i, r := range rows {
			if r.kind == store.Absent { // it has gone since
				continue
			}
			if err := fn(strings.TrimSuffix(page.Elements[i][len(start):], "}"), r); err != nil {
				return err
			}
		}
		if cursor = page.Cursor; cursor == 0 {
			return nil
		}
	}
}

// fetchAll gives the rows under the keys, zero rows for those that are not there, in one round trip to each node.
func (s *Store) fetchAll(ctx context.Context, keys []string) (rows []row, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = s.call(ctx, func(ctx context.Context, _ bool) error {
		commands := make([]rueidis.Completed, len(keys))
		for i, key := range keys {
			commands[i] = s.client.B().Get().Key(key).Build()
		}
		rows = make([]row, len(keys))
		for i, result := range s.client.DoMulti(ctx, commands...) {
			value, err := result.AsBytes()
			if rueidis.IsRedisNil(err) {
				continue
			}
			if err != nil {
				return err
			}
			if rows[i], err = decode(value); err != nil {
				return fmt.Errorf("%w: %w", errRow, err)
			}
		}
		return nil
	})
	return rows, err
}

// master is a node that holds keys of its own.
type master struct {
	client rueidis.Client
	run    string // which changes with each start of a process, as a failover changes it at an address
}

// masters gives the masters by their addresses.
func (s *Store) masters(ctx context.Context) (map[string]master, error) {
	found := map[string]master{}
	err := s.call(ctx, func(ctx context.Context, _ bool) error {
		clear(found)
		for address, node := range s.client.Nodes() {
			info, err := node.Do(ctx, node.B().Info().Build()).ToString()
			if err != nil {
				return err
			}
			if infoField(info, "role") == "master" {
				found[address] = master{node, infoField(info, "run_id")}
			}
		}
		if len(found) == 0 {
			return errTopology
		}
		return nil
	})
	return found, err
}

// infoField gives a field of what INFO answers.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// literal escapes what has a meaning in a pattern.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}

// Len implements sessions.Store. Up to 20,000 keys of a node are counted; of more, the share that is ours is
// taken for that of all. Graves count until they end.
func (s *Store) Len(ctx context.Context) (int, error) {
	masters, err := s.masters(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, m := range masters {
		n, err := s.lenNode(ctx, m.client)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func (s *Store) lenNode(ctx context.Context, node rueidis.Client) (int, error) {
	start, keys := s.options.Prefix+"s:{", map[string]bool{} // a set, as keys may come twice
	cursor, pages := uint64(0), 0
	for pages == 0 || cursor != 0 && pages < lenPages {
		err := s.call(ctx, func(ctx context.Context, _ bool) error {
			page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Count(lenRows).Build()).AsScanEntry()
			if err == nil {
				cursor = page.Cursor
				for _, key := range page.Elements {
					keys[key] = strings.HasPrefix(key, start)
				}
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		pages++
	}
	ours := 0
	for _, is := range keys {
		if is {
			ours++
		}
	}
	if cursor == 0 {
		return ours, nil
	}
	var size int64
	err := s.call(ctx, func(ctx context.Context, _ bool) (err error) {
		size, err = node.Do(ctx, node.B().Dbsize().Build()).AsInt64()
		return err
	})
	return int(float64(ours) / float64(len(keys)) * float64(size)), err
}
