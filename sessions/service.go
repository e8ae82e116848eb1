package sessions

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
)

const defaultTTL = 120 * time.Hour // that of the public system (facts 2.2)

// Options of a Service. Account, Store, Tokens, Sealer and Engine must be given.
type Options struct {
	Account string
	TTL     time.Duration // of a session and its tokens, whole seconds; 0: 120 h
	// Sliding has each use of a session, written or read, move its end to TTL from then. A read moves it
	// only if it would by more than a twentieth of TTL.
	Sliding     bool
	Store       Store
	Tokens      *Tokens
	Sealer      *segment.Sealer
	Engine      *transform.Engine
	Limits      Limits
	DeniedQuery []string // names that no query makes public values, nor a page of another site; nil: those of the func DeniedQuery
	Metrics     *Metrics // nil: counted where nobody looks
}

// Service is the sessions system without HTTP. Nothing that it answers is undone later: a change is in the
// store before anybody hears of it. It is safe for concurrent use.
type Service struct {
	o       Options
	engine  atomic.Pointer[transform.Engine]
	metrics *Metrics
	turns   turns
	// ends remembers until when this process has moved the end of a session, in Unix seconds: the record
	// itself does not say, as Touch leaves it alone.
	ends *memo[string, int64]
}

// rememberedEnds bounds Service.ends: at most 8 MiB.
const rememberedEnds = 64 << 10

// New returns a Service. It says all that the options lack.
func New(o Options) (*Service, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.TTL == 0 {
		o.TTL = defaultTTL
	}
	if o.DeniedQuery == nil {
		o.DeniedQuery = DeniedQuery()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	o.Limits = o.Limits.withDefaults()
	s := &Service{o: o, metrics: o.Metrics, ends: newMemo[string, int64](rememberedEnds)}
	s.engine.Store(o.Engine)
	return s, nil
}

// Use has requests from now on run through another Engine; those under way end with the one before.
func (s *Service) Use(e *transform.Engine) { s.engine.Store(e) }

// DeniedQuery are the names that a link, or a page of another site, cannot make public values unless the operator says so: facets
// would narrow the catalogue (facts 1.5), and an operator who follows a stranger's link would act as a customer. The slice is
// the caller's.
func DeniedQuery() []string { return []string{"facets", "vtex-impersonated-customer-email"} }

func (o Options) check() error {
	var errs []error
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"Account", o.Account == ""}, {"Store", o.Store == nil}, {"Tokens", o.Tokens == nil},
		{"Sealer", o.Sealer == nil}, {"Engine", o.Engine == nil},
	} {
		if part.missing {
			errs = append(errs, fmt.Errorf("sessions: no %s", part.name))
		}
	}
	if o.TTL < 0 || o.TTL%time.Second != 0 {
		errs = append(errs, fmt.Errorf("sessions: a ttl of %v is not a number of seconds", o.TTL))
	}
	return errors.Join(errs...)
}

// Call is what a request brings beside a change. The zero value is that of a stranger.
type Call struct {
	Tokens  []string // session tokens: the first that is genuine counts
	Cookies []transform.Cookie
	// Browser says that Cookies are all that the shopper's browser has, so that one which is not there is gone: that
	// is how a log-out shows. The calls of servers carry a few cookies only, and say nothing by the others.
	Browser   bool
	Operation string // the id of the request, for transforms; "": each call of one has its own
	// Admit is asked before a session is created, and refuses by its error. nil: all are welcome.
	Admit func() error
}

// Change is what a request wants written. The zero value is nothing.
type Change struct {
	Values transform.Values // "" and null clear
	// Query are values of a landing page's query string, under Values. They are left out, and counted, if the change is
	// too large with them: whoever followed a link is not to blame for it.
	Query     transform.Values
	KeepAlive map[transform.Key]bool
}

func (c Change) empty() bool { return len(c.Values)+len(c.Query)+len(c.KeepAlive) == 0 }

// Outcome is a session after a call. It is the caller's to read only.
type Outcome struct {
	Session *Session
	Segment Issued
	Created bool // it is new
	Moved   bool // it was created or edited, or its end was moved: there is a new token to give
}

// Token gives a session token of the outcome.
func (s *Service) Token(o Outcome) (string, error) { return s.o.Tokens.Issue(time.Now(), o.Session) }

// Seal gives the seal of a segment token that this service issued.
func (s *Service) Seal(segmentToken string) string {
	return s.o.Sealer.Seal(time.Now(), []byte(segmentToken))
}

// named gives the id that the first genuine token names, or "".
func (s *Service) named(call Call) string {
	if len(call.Tokens) == 0 {
		s.metrics.token(TokenAbsent)
		return ""
	}
	for _, token := range call.Tokens {
		id, state := s.o.Tokens.Verify(time.Now(), token)
		s.metrics.token(state)
		if state == TokenValid {
			return id
		}
	}
	return ""
}

// another says whether a token is genuine and names a session that none of the others is of.
func (s *Service) another(token string, others []string) bool {
	id, state := s.o.Tokens.Verify(time.Now(), token)
	return state == TokenValid && !slices.ContainsFunc(others, func(other string) bool {
		own, state := s.o.Tokens.Verify(time.Now(), other)
		return state == TokenValid && own == id
	})
}

// load gives a live session of this account, or ErrNotFound.
func (s *Service) load(ctx context.Context, id string) (*Session, error) {
	data, err := s.o.Store.Load(ctx, id)
	if err != nil {
		return nil, s.storeError(err)
	}
	session, err := Decode(data)
	if err != nil {
		// The shopper would be locked out until their cookie ends; so they begin anew.
		s.metrics.corrupt()
		return nil, ErrNotFound
	}
	if session.ID != id || session.Account != s.o.Account || !session.Active {
		return nil, ErrNotFound
	}
	if !s.o.Sliding && !time.Now().Before(session.Expires) {
		return nil, ErrNotFound
	}
	return session, nil
}

// storeError counts what is an error of the store itself.
func (s *Service) storeError(err error) error {
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrConflict) {
		s.metrics.storeError()
		return fmt.Errorf("session store: %w", err)
	}
	return err
}

// fresh is a new session that nobody has written to.
func (s *Service) fresh() *Session {
	now := time.Now().Truncate(time.Second).UTC()
	id := transform.Key{Namespace: "account", Name: "id"}
	session := &Session{
		ID: uuid.NewString(), Account: s.o.Account, Active: true, Values: transform.Values{},
		KeepAlive: map[transform.Key]bool{id: true}, // as the public system flags it (facts 1.2)
		Created:   now, Expires: now.Add(s.o.TTL),
	}
	session.Values.Set(id, transform.TextValue(accountID(s.o.Account)))
	session.Values.Set(transform.Key{Namespace: "account", Name: "accountName"}, transform.TextValue(s.o.Account))
	return session
}

// accountID is a UUID (RFC 9562, 5.8) that is an account's own, the same everywhere and always.
func accountID(account string) string {
	sum := sha256.Sum256([]byte("aisle account " + account))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id.String()
}

// denied says whether a name must not become a public value by a query, or by the body of another site's page.
func (s *Service) denied(name string) bool { return slices.Contains(s.o.DeniedQuery, name) }
