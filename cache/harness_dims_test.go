package cache_test

import (
	"encoding/binary"

	"github.com/aislecache/aisle/cache"
)

// dims is one shopper: the projected segment, every field of it in one order,
// and the request fields that reach the origin, lower-case names.
type dims struct{ segment, sent []cache.Field }

func (d *dims) AppendSegment(dst []byte) []byte {
	for i := range d.segment {
		dst = appendValue(dst, d.segment[i].Value)
	}
	return dst
}

func (d *dims) AppendSegmentField(dst []byte, field string) []byte {
	return appendNamed(dst, d.segment, field)
}

func (d *dims) AppendField(dst []byte, name string) []byte { return appendNamed(dst, d.sent, name) }

func appendNamed(dst []byte, all []cache.Field, name string) []byte {
	for i := range all {
		if all[i].Name == name {
			return appendValue(append(dst, 1), all[i].Value)
		}
	}
	return append(dst, 0)
}

func appendValue(dst []byte, v string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// show gives a value in which absent and empty differ.
func (d *dims) show(all []cache.Field, name string) string {
	for i := range all {
		if all[i].Name == name {
			return "=" + all[i].Value
		}
	}
	return "absent"
}

func (d *dims) clone() *dims {
	return &dims{append([]cache.Field(nil), d.segment...), append([]cache.Field(nil), d.sent...)}
}

// shopper makes dims of a segment in the order channel, priceTables, regionId.
func shopper(channel, priceTables, regionID string) *dims {
	return &dims{segment: []cache.Field{{Name: "channel", Value: channel}, {Name: "priceTables", Value: priceTables}, {Name: "regionId", Value: regionID}}}
}

// with adds a request field that reaches the origin.
func (d *dims) with(name, value string) *dims {
	c := d.clone()
	c.sent = append(c.sent, cache.Field{Name: name, Value: value})
	return c
}
