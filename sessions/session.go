package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
)

// Session is the state of one shopper. The zero value is none.
type Session struct {
	ID      string // a UUID
	Account string
	// Version grows by one with each edit that is stored.
	Version uint64
	Active  bool
	Debug   bool
	// Values is everything but the keepAlive flags; namespace `cookie` is never shown.
	Values transform.Values
	// KeepAlive holds the keys whose item is flagged so (facts 1.2): echoed, without effect.
	KeepAlive map[transform.Key]bool
	// Marks are what the transform engine must remember beside Values. They are never changed once made.
	Marks   transform.Marks
	Created time.Time
	// Expires is when the session ends unless it is edited; UTC, whole seconds.
	Expires time.Time
	// SealsVoid is until which instant of issue seals of this session count for nothing: zero for
	// none. A revocation moves it.
	SealsVoid time.Time
	// Replaced are segment tokens of this session that were replaced by others while seals of them may still count.
	Replaced []Sealed
}

// Sealed is a segment token that was issued with a seal, and until when one of its seals may count; whole seconds.
type Sealed struct {
	Token segment.Digest `json:"t"`
	Until int64          `json:"u"` // Unix seconds
}

// record is a Session at rest.
type record struct {
	Format    int              `json:"f"`
	ID        string           `json:"id"`
	Account   string           `json:"a"`
	Version   uint64           `json:"v"`
	Inactive  bool             `json:"i,omitempty"`
	Debug     bool             `json:"d,omitempty"`
	Values    transform.Values `json:"n"`
	KeepAlive [][2]string      `json:"k,omitempty"`
	Marks     transform.Marks  `json:"m,omitempty"`
	Created   int64            `json:"c"`
	Expires   int64            `json:"e"`
	SealsVoid int64            `json:"s,omitempty"`
	Replaced  []Sealed         `json:"r,omitempty"`
}

// recordFormat is raised when a field changes its meaning.
const recordFormat = 1

// Encode gives the bytes that a Store keeps.
func (s *Session) Encode() ([]byte, error) {
	r := record{
		Format: recordFormat, ID: s.ID, Account: s.Account, Version: s.Version, Inactive: !s.Active, Debug: s.Debug,
		Values: s.Values, Marks: s.Marks, Created: s.Created.Unix(), Expires: s.Expires.Unix(),
		Replaced: s.Replaced,
	}
	if !s.SealsVoid.IsZero() {
		r.SealsVoid = s.SealsVoid.Unix()
	}
	for key, value := range s.Values.All() {
		if s.KeepAlive[key] && value != nil {
			r.KeepAlive = append(r.KeepAlive, [2]string{key.Namespace, key.Name})
		}
	}
	return encodeJSON(r)
}

// Decode reads what Encode gave. It keeps no reference to data.
func Decode(data []byte) (*Session, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("session record: %w", err)
	}
	if r.Format != recordFormat {
		return nil, fmt.Errorf("session record: format %d, want %d", r.Format, recordFormat)
	}
	s := &Session{
		ID: r.ID, Account: r.Account, Version: r.Version, Active: !r.Inactive, Debug: r.Debug,
		Values: r.Values, Marks: r.Marks, Created: time.Unix(r.Created, 0).UTC(), Expires: time.Unix(r.Expires, 0).UTC(),
		Replaced: r.Replaced,
	}
	if r.SealsVoid != 0 {
		s.SealsVoid = time.Unix(r.SealsVoid, 0).UTC()
	}
	for _, pair := range r.KeepAlive {
		if s.KeepAlive == nil {
			s.KeepAlive = map[transform.Key]bool{}
		}
		s.KeepAlive[transform.Key{Namespace: pair[0], Name: pair[1]}] = true
	}
	if s.Values == nil {
		s.Values = transform.Values{}
	}
	return s, nil
}

// Errors of a Store.
var (
	// ErrNotFound says that there is no such session, or that it has expired.
	ErrNotFound = errors.New("no such session")
	// ErrConflict says that the session is no longer at the version that the write was made from.
	ErrConflict = errors.New("session was edited meanwhile")
	// ErrUnavailable is in the error of a store that cannot answer now, or is being handed over.
	ErrUnavailable = errors.New("session store is not available")
)
