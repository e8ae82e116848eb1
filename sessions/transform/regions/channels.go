package regions

import "slices"

// Channels gives the sales channels that the file of ranges names, and those of the file of polygons, each sorted. The slices
// are the caller's.
func (t *Table) Channels() (ranges, polygons []string) {
	for key := range t.lists {
		ranges = append(ranges, key.channel)
	}
	for _, list := range t.areas {
		for i := range list {
			polygons = append(polygons, list[i].channel)
		}
	}
	return named(ranges), named(polygons)
}

// named leaves out "", which is all channels.
func named(channels []string) []string {
	slices.Sort(channels)
	channels = slices.Compact(channels)
	if len(channels) > 0 && channels[0] == "" {
		return channels[1:]
	}
	return channels
}
