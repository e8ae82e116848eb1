package demo

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
)

// Bounds of the session memory: anybody may open sessions.
const (
	maxSessions  = 10_000
	maxKeys      = 64   // of the public namespace
	maxValue     = 1024 // bytes of one value
	maxLines     = 50   // of a cart
	maxPieces    = 99   // of a line of it
	sessionLives = 5 * 24 * time.Hour
)

// shopper is the state of one session.
type shopper struct {
	id     string
	born   time.Time
	public map[string]json.RawMessage
	cart   map[int]int // pieces by product id
}

// set writes one public value. What is too long, or one key too many, is left out.
func (s *shopper) set(key string, value json.RawMessage) {
	if _, known := s.public[key]; len(value) > maxValue || !known && len(s.public) >= maxKeys {
		return
	}
	s.public[key] = value
}

// text is a public value as text, "" for what is absent or no scalar.
func (s *shopper) text(key string) string { return looseText(s.public[key]) }

// put adds one piece of a product to the cart, within its bounds.
func (s *shopper) put(product int) { s.setPieces(product, s.cart[product]+1) }

// setPieces changes a line of the cart, within its bounds; without pieces the line is gone.
func (s *shopper) setPieces(product, pieces int) {
	if pieces < 1 {
		delete(s.cart, product)
		return
	}
	if _, there := s.cart[product]; there || len(s.cart) < maxLines {
		s.cart[product] = min(pieces, maxPieces)
	}
}

func (s *shopper) clone() shopper {
	return shopper{id: s.id, born: s.born, public: maps.Clone(s.public), cart: maps.Clone(s.cart)}
}

// sessions holds shoppers in memory, by the value of their vtex_session cookie.
type sessions struct {
	mu   sync.Mutex // guards all
	byID map[string]*shopper
	ring []string // ids by age; the oldest is at next
	next int
}

// newSessions holds at most n sessions; the oldest goes for the newest.
func newSessions(n int) *sessions {
	return &sessions{byID: map[string]*shopper{}, ring: make([]string, n)}
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

// get returns a copy of a session; ok is false for a token that names none, or one that has run out.
func (s *sessions) get(token string) (sh shopper, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if live := s.live(token); live != nil {
		return live.clone(), true
	}
	return shopper{}, false
}

// edit changes the session of a token, or a new one where it names none, and returns a copy of it.
func (s *sessions) edit(token string, change func(*shopper)) shopper {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.live(token)
	if live == nil {
		live = s.open()
	}
	change(live)
	return live.clone()
}

// drop forgets a session.
func (s *sessions) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, token)
}

func (s *sessions) live(token string) *shopper {
	if sh := s.byID[token]; sh != nil && time.Since(sh.born) < sessionLives {
		return sh
	}
	return nil
}

// adopt opens a session under an id that somebody else has given it, unless there is one.
func (s *sessions) adopt(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live(id) == nil {
		s.openAs(id)
	}
}

func (s *sessions) open() *shopper { return s.openAs(newID()) }

func (s *sessions) openAs(id string) *shopper {
	sh := &shopper{id: id, born: time.Now(), public: map[string]json.RawMessage{}, cart: map[int]int{}}
	delete(s.byID, s.ring[s.next])
	s.ring[s.next], s.byID[sh.id] = sh.id, sh
	s.next = (s.next + 1) % len(s.ring)
	return sh
}

// newID is a random UUID of version 4. A session's id is its only secret.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it would end the process
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// derive makes the segment of a session from its public values: sc, utm_source, utm_campaign, utmi_cp, cultureInfo,
// postalCode with country, and email: a customer's, or one that names a price table or a campaign before the @. The
// private channel is only for those who gave an email; like all else here it takes a shopper's word for it, which is the edge's
// problem to seal.
func (c *Catalogue) derive(sh *shopper) Segment {
	email := strings.ToLower(sh.text("email"))
	seg := DefaultSegment()
	if sc := sh.text("sc"); sc == "2" || sc == "3" && email != "" {
		seg = ChannelSegment(sc)
	}
	seg.CultureInfo = withDefault(sh.text("cultureInfo"), seg.CultureInfo)
	seg.UTMSource, seg.UTMCampaign, seg.UTMICampaign = sh.text("utm_source"), sh.text("utm_campaign"), sh.text("utmi_cp")
	if r, ok := c.data.find(seg.Channel, withDefault(sh.text("country"), seg.CountryCode), sh.text("postalCode")); ok {
		seg.RegionID = r.ID
	}
	name, host, _ := strings.Cut(email, "@")
	if known, ok := c.data.customer(email); ok {
		seg.PriceTables = strings.Join(known.tables, ",")
	} else if tableDiscount(name).percent > 0 {
		seg.PriceTables = name
	}
	switch {
	case name == "vip":
		seg.Campaigns = "vip"
	case host == "vip.example":
		seg.Campaigns = "7f1c"
	}
	return seg
}
