package profile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
)

// table holds customers in memory, without a pointer per customer: a million of structs with seven strings are three times
// as large, and the collector would walk them. It is not changed once it is in use.
type table struct {
	chunks [][]byte // rows, each whole in one chunk
	ids    index
	emails index
	count  int
	lists  []string // of price tables: few, as customers share them

	// Of whoever fills it.
	listAt map[string]uint64 // in lists
	last   int               // the line of the last row in the last chunk
}

const (
	chunkBits = 20
	chunkSize = 1 << chunkBits // a row is at most 7 * (maxField + 2) and the line's number long
	maxLists  = 4096           // the others are kept with each customer
)

func newTable() *table {
	seed := maphash.MakeSeed()
	return &table{ids: newIndex(0, seed), emails: newIndex(1, seed), listAt: map[string]uint64{}}
}

// full ends the filling.
func (t *table) full() { t.listAt = nil }

// add takes a tidy row that was found at a line. A second one with its id or e-mail is an error that names both lines.
func (t *table) add(r *row, line int) error {
	var room [7*(maxField+3) + binary.MaxVarintLen64]byte
	text := room[:0]
	var keys [2][]byte // id and e-mail, packed
	for i := range keys {
		from := len(text)
		text = appendPacked(text, r[i])
		keys[i] = text[from:]
	}
	for i, x := range []*index{&t.ids, &t.emails} {
		if r[i] == "" {
			continue
		}
		if at, there := x.find(t, keys[i]); there {
			return fmt.Errorf("the %s is the one of line %d", fields()[i], t.line(at))
		}
	}
	for _, field := range r[len(keys):tablesAt] {
		text = appendPacked(text, field)
	}
	at, err := t.append(t.appendList(text, r[tablesAt]), line)
	if err != nil {
		return err
	}
	for i, x := range []*index{&t.ids, &t.emails} {
		if r[i] != "" {
			x.add(t, at, keys[i])
		}
	}
	t.count++
	return nil
}

// appendList appends price tables: their place in t.lists, from 1, or 0 and themselves.
func (t *table) appendList(dst []byte, list string) []byte {
	at, there := t.listAt[list]
	if !there && len(t.lists) < maxLists {
		list = strings.Clone(list) // not with the line that it is a part of
		t.lists = append(t.lists, list)
		at, there = uint64(len(t.lists)), true
		t.listAt[list] = at
	}
	dst = binary.AppendUvarint(dst, at)
	if !there {
		dst = appendPacked(dst, list)
	}
	return dst
}

// append adds a row, with how many lines it is after the one before it in its chunk.
func (t *table) append(text []byte, line int) (at uint32, err error) {
	last := len(t.chunks) - 1
	if last < 0 || len(t.chunks[last])+len(text)+binary.MaxVarintLen64 > chunkSize {
		if last+1 == 1<<(32-chunkBits)-1 {
			return 0, errors.New("there are more than 4 GiB of customers")
		}
		t.chunks = append(t.chunks, make([]byte, 0, chunkSize))
		t.last = 0
		last++
	}
	at = uint32(last<<chunkBits + len(t.chunks[last]))
	chunk := binary.AppendVarint(t.chunks[last], int64(line-t.last))
	t.chunks[last] = append(chunk, text...)
	t.last = line
	return at, nil
}

// packed is the row at a place, from its id on, and whatever comes after it.
func (t *table) packed(at uint32) (lines int64, fields []byte) {
	text := t.chunks[at>>chunkBits][at&(chunkSize-1):]
	lines, n := binary.Varint(text)
	return lines, text[n:]
}

// line is that of the row at a place. It walks through the chunk: errors alone tell lines.
func (t *table) line(at uint32) (line int64) {
	for place := at &^ (chunkSize - 1); ; {
		lines, fields := t.packed(place)
		line += lines
		if place == at {
			return line
		}
		_, rest := t.row(fields)
		place += uint32(len(t.chunks[at>>chunkBits])) - place&(chunkSize-1) - uint32(len(rest))
	}
}

// row reads the fields of a row, and gives what comes after it.
func (t *table) row(fields []byte) (r row, rest []byte) {
	var text []byte
	for i := range tablesAt {
		text, fields = cutPacked(fields)
		r[i] = unpack(text)
	}
	at, n := binary.Uvarint(fields)
	fields = fields[n:]
	if at > 0 {
		r[tablesAt] = t.lists[at-1]
		return r, fields
	}
	text, rest = cutPacked(fields)
	r[tablesAt] = unpack(text)
	return r, rest
}

// key gives the id or the e-mail of the row at a place, packed, as a view.
func (t *table) key(at uint32, i int) []byte {
	_, fields := t.packed(at)
	text, rest := cutPacked(fields)
	if i == 1 {
		text, _ = cutPacked(rest)
	}
	return text
}

// find gives the customer with this id, else the one with this e-mail, as FoldEmail gives it.
func (t *table) find(id, email string) (Customer, bool) {
	at, found := uint32(0), false
	if id != "" {
		at, found = t.ids.find(t, appendPacked(nil, id))
	}
	if !found && email != "" {
		at, found = t.emails.find(t, appendPacked(nil, email))
	}
	if !found {
		return Customer{}, false
	}
	_, fields := t.packed(at)
	r, _ := t.row(fields)
	return r.customer(), true
}

// index finds rows by one field: open addressing with linear probing, at most two thirds full.
type index struct {
	field int
	seed  maphash.Seed
	slots []uint32 // a power of two of places, plus one; 0 is free
	tags  []byte   // of each slot, the top bits of its hash: rows that are others are seldom read, each from elsewhere in memory
	used  int
}

func newIndex(field int, seed maphash.Seed) index {
	return index{field: field, seed: seed, slots: make([]uint32, 64), tags: make([]byte, 64)}
}

// find gives the place of the row with a packed text in the field.
func (x *index) find(t *table, key []byte) (at uint32, found bool) {
	mask := uint64(len(x.slots) - 1)
	hash := maphash.Bytes(x.seed, key)
	for i := hash & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if x.tags[i] != byte(hash>>56) {
			continue
		}
		if at = x.slots[i] - 1; bytes.Equal(t.key(at, x.field), key) {
			return at, true
		}
	}
	return 0, false
}

// add takes the place of a row with a packed text that is not there yet.
func (x *index) add(t *table, at uint32, key []byte) {
	if x.used++; x.used*3 > len(x.slots)*2 {
		old := x.slots
		x.slots, x.tags = make([]uint32, 2*len(old)), make([]byte, 2*len(old))
		for _, s := range old {
			if s != 0 {
				x.put(s, t.key(s-1, x.field))
			}
		}
	}
	x.put(at+1, key)
}

func (x *index) put(slot uint32, key []byte) {
	mask := uint64(len(x.slots) - 1)
	hash := maphash.Bytes(x.seed, key)
	i := hash & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i], x.tags[i] = slot, byte(hash>>56)
}
