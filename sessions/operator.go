package sessions

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// OperatorOptions configure the endpoints for operators.
type OperatorOptions struct {
	Service *Service // nil: it is in another process, and there is nothing to show and to erase here
	// Revoke revokes what a text means: Service.Revoke, or that of a Client with what an edge does beside. nil: Service's.
	Revoke func(ctx context.Context, text string) (Revocation, error)
	// Explain tells why a session is in the audiences that it is in; what it gives is shown as JSON. nil: nothing is.
	Explain func(values transform.Values, now time.Time) any
	Logger  *slog.Logger // of what was done; nil: discarded
}

// Operator answers POST /sessions/show, /sessions/revoke and /sessions/erase of the admin listener. The body is the id of a session
// or a token: no log of paths may hold it. Show tells, with ?explain, why the shopper is in each audience. It is safe for
// concurrent use.
type Operator struct{ o OperatorOptions }

// NewOperator returns the endpoints.
func NewOperator(o OperatorOptions) *Operator {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Revoke == nil {
		o.Revoke = o.Service.Revoke
	}
	return &Operator{o}
}

// OperatorPrefix begins the paths of the endpoints for operators.
const OperatorPrefix = "/sessions/"

// Shown is what an operator sees of a session.
type Shown struct {
	ID         string           `json:"id"`
	Account    string           `json:"account"`
	Version    uint64           `json:"version"`
	Active     bool             `json:"active"`
	Debug      bool             `json:"debug"`
	Created    time.Time        `json:"created"`
	Expires    time.Time        `json:"expires"`
	Segment    string           `json:"segmentToken,omitempty"` // that the session has as it is
	Namespaces transform.Values `json:"namespaces"`
	Audiences  any              `json:"audiences,omitempty"`
}

// ShowTo gives what an operator sees of the session with an id, revoked ones too. explain may be nil.
func (s *Service) ShowTo(ctx context.Context, id string, explain func(transform.Values, time.Time) any) (Shown, error) {
	session, err := s.Show(ctx, id)
	if err != nil {
		return Shown{}, err
	}
	shown := Shown{
		ID: session.ID, Account: session.Account, Version: session.Version, Active: session.Active, Debug: session.Debug,
		Created: session.Created, Expires: session.Expires, Namespaces: session.Values.Clone(),
	}
	if issued, err := issueSegment(session.Values); err == nil {
		shown.Segment = issued.Token
	}
	if explain != nil {
		shown.Audiences = explain(session.Values, time.Now())
	}
	delete(shown.Namespaces, transform.CookieNamespace) // log-ins of shoppers, which nobody is ever shown
	return shown, nil
}

// ServeHTTP implements http.Handler.
func (o *Operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		o.fail(w, &Fault{Status: http.StatusMethodNotAllowed, Type: "MethodNotAllowed", Message: "allowed is POST, with the id or token as the body"})
		return
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxToken+1))
	if err != nil || len(text) > maxToken {
		o.fail(w, badRequest("the body is no id and no token"))
		return
	}
	what := strings.TrimPrefix(r.URL.Path, OperatorPrefix)
	answer, err := o.do(r, what, strings.TrimSpace(string(text)))
	if err != nil {
		o.fail(w, err)
		return
	}
	_, _ = w.Write(append(marshal(answer), '\n')) // the operator went; what was done is in the log
}

func (o *Operator) do(r *http.Request, what, text string) (any, error) {
	switch what {
	case "revoke":
		done, err := o.o.Revoke(r.Context(), text)
		if err == nil {
			o.o.Logger.Info("sessions: revoked", slog.String("session", done.ID), slog.Int("tokens", len(done.Seals)))
		}
		return done, err
	case "show", "erase":
	default:
		return nil, &Fault{Status: http.StatusNotFound, Type: "NotFound", Message: "there are show, revoke and erase"}
	}
	if o.o.Service == nil {
		return nil, &Fault{Status: http.StatusNotImplemented, Type: "NotHere", Message: "the sessions are not in this process: ask the sidecar"}
	}
	id := o.o.Service.ID(text)
	if id == "" {
		return nil, ErrNotFound
	}
	if what == "show" {
		explain := o.o.Explain
		if !r.URL.Query().Has("explain") {
			explain = nil
		}
		return o.o.Service.ShowTo(r.Context(), id, explain)
	}
	if err := o.o.Service.Erase(r.Context(), id); err != nil {
		return nil, err
	}
	o.o.Logger.Info("sessions: erased", slog.String("session", id))
	return erased{id}, nil
}

type erased struct {
	ID string `json:"id"`
}

func (o *Operator) fail(w http.ResponseWriter, err error) {
	fault := faultOf(err)
	if fault.Status == http.StatusInternalServerError {
		o.o.Logger.Error("sessions: an operator's request failed", slog.Any("error", err))
	}
	w.WriteHeader(fault.Status)
	_, _ = w.Write(append(marshal(failure{Type: fault.Type, Message: fault.Message}), '\n'))
}
