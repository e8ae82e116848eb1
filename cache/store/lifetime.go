package store

import (
	"math/bits"
	"time"

	"github.com/aislecache/aisle/cache"
)

// longest is the most that ristretto is told to keep an entry. It is beyond any
// process's life and far from where times overflow.
const longest = 10 * 365 * 24 * time.Hour

// lifetime is how long ristretto is to keep an entry that is of no use from
// expires on: at least until then, and up to a quarter of the time left longer.
//
// The exact time would leak. ristretto keeps a map for each five seconds in which
// something expires, and a map does not shrink when its keys leave: with the usual
// keep of a day, 100 Sets a second leave 300 MB (measured) in 17,280 maps, whatever
// the bound. Rounded up to a power of two of at most a quarter of what is left, a day's
// worth falls into a handful. Get looks at the exact time itself.
func lifetime(now, expires cache.Time) time.Duration {
	left := min(time.Duration(expires-now), longest)
	granule := int64(1) << max(bits.Len64(uint64(left/4))-1, 0)
	end := (int64(now) + int64(left) + granule - 1) / granule * granule
	return time.Duration(end - int64(now))
}
