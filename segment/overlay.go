package segment

import "encoding/binary"

// AppendOverlay appends a query parameter, form-decoded, to the overlay bytes that Resolve takes. Parameters that
// IsOverlay does not know are without effect but cost memo entries, so leave them out.
func AppendOverlay(dst, name, value []byte) []byte {
	return appendLengthed(appendLengthed(dst, name), value)
}

func appendLengthed[T string | []byte](dst []byte, part T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(part))), part...)
}

// cutLengthed splits what appendLengthed wrote from the rest.
func cutLengthed(b []byte) (part, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	return b[:n], b[n:], true
}

// overlaid is one value for each field that the query states.
type overlaid struct {
	values [numFields][]byte
	stated [numFields]bool
}

// readOverlay takes the first occurrence of each parameter. Bytes that AppendOverlay did not write end the list.
func (r *Resolver) readOverlay(b []byte) (o overlaid, any bool) {
	for len(b) > 0 {
		name, rest, ok := cutLengthed(b)
		if !ok {
			return o, any
		}
		value, rest, ok := cutLengthed(rest)
		if !ok {
			return o, any
		}
		b = rest
		if f, known := r.overlay[string(name)]; known && !o.stated[f] {
			o.values[f], o.stated[f], any = value, true, true
		}
	}
	return o, any
}

// applyOverlay changes seg as the query states. The channel comes first: it brings a whole store group, which a
// parameter for one field of it may still change.
func (r *Resolver) applyOverlay(seg *Segment, b []byte) OverlayReason {
	o, any := r.readOverlay(b)
	if !any {
		return OverlayNone
	}
	reason := OverlayApplied
	note := func(refused OverlayReason) {
		if reason == OverlayApplied {
			reason = refused
		}
	}
	if o.stated[fieldChannel] {
		note(r.overlayChannel(seg, string(o.values[fieldChannel])))
	}
	for f, value := range o.values {
		switch {
		case !o.stated[f] || field(f) == fieldChannel:
		case !cleanText(value):
			note(OverlayInvalid)
		default:
			seg.values[f] = string(value)
		}
	}
	return reason
}

func (r *Resolver) overlayChannel(seg *Segment, id string) OverlayReason {
	channel, listed := r.store.listed[id]
	switch {
	case !listed && r.store.isPrivate(id):
		return OverlayPrivate
	case !listed:
		return OverlayUnlisted
	case channel.Private:
		return OverlayPrivate
	}
	r.store.enter(seg, r.store.groups[id])
	return OverlayApplied
}
