package regions

// entry is a range of postal codes, inclusive.
type entry struct {
	from, to uint64
	region   uint32
}

// rangeList are ranges of one country, channel and length that do not overlap, in order. A search of a million by halves alone waits for
// memory twenty times; so the space of the codes is cut into equal buckets, and one bucket is searched. There is one for some four ranges:
// with more of them they no longer stay in the processor's cache.
type rangeList struct {
	entries []entry
	shift   uint     // of a code less the first one, to its bucket
	buckets []uint32 // where each bucket's entries begin, by from; the last is len(entries)
}

// index makes the buckets, once all entries are there.
func (l *rangeList) index() {
	first, last := l.entries[0].from, l.entries[len(l.entries)-1].from
	for (last-first)>>l.shift >= uint64(len(l.entries)/4+1) {
		l.shift++
	}
	l.buckets = make([]uint32, (last-first)>>l.shift+2)
	for i, e := range l.entries {
		l.buckets[(e.from-first)>>l.shift+1] = uint32(i + 1)
	}
	for b := 1; b < len(l.buckets); b++ {
		l.buckets[b] = max(l.buckets[b], l.buckets[b-1])
	}
}

// find gives the region of a number, 0 where there is none. A nil list has none.
func (l *rangeList) find(number uint64) uint32 {
	if l == nil || number < l.entries[0].from {
		return 0
	}
	bucket := min(int((number-l.entries[0].from)>>l.shift), len(l.buckets)-2)
	// The last entry that begins no later than number: it may be the last one of an earlier bucket.
	low, high := int(l.buckets[bucket]), int(l.buckets[bucket+1])
	for low < high {
		if middle := (low + high) / 2; l.entries[middle].from <= number {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if e := l.entries[low-1]; number <= e.to {
		return e.region
	}
	return 0
}
