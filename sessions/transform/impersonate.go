package transform

import (
	"context"
	"errors"
	"strings"
)

// ImpersonateOptions of the app by which an operator sees the store as a customer does.
type ImpersonateOptions struct {
	// Operator says whether somebody may: it gets what is proven of them, the namespace `authentication`, and nothing
	// that they could say. It must be safe for concurrent use. It must be set.
	Operator func(in Values) bool
	// Customer finds a customer's id by their e-mail, without regard to case; "" for none. The e-mail stands for the id of a
	// customer who has none. It must be safe for concurrent use. It must be set.
	Customer func(ctx context.Context, email string) (id string, err error)
	// Account is what impersonate.account says while somebody is impersonated.
	Account string
	// Observe is told of every step, once. It is called by several goroutines at once. nil: nobody is told.
	Observe func(Step)
}

// StepKind says what became of an operator's wish. The zero value is StepStarted.
type StepKind uint8

// The kinds of steps.
const (
	StepStarted StepKind = iota // the operator sees the store as the customer from now on
	StepStopped                 // they do no longer, by their own wish
	StepEnded                   // they do no longer, because they logged out, are no operator any more, or the customer is gone
	StepDenied                  // somebody asked who is no operator; Operator is "" where nobody was logged in
	StepUnknown                 // an operator asked for a customer whom nobody knows
	numStepKinds
)

var stepNames = [numStepKinds]string{"started", "stopped", "ended", "denied", "unknown-customer"}

// String returns the lower-case word used in logs and metrics.
func (k StepKind) String() string { return stepNames[k] }

// StepKinds returns every StepKind, for whoever prepares one counter for each. The slice is the caller's.
func StepKinds() []StepKind {
	all := make([]StepKind, numStepKinds)
	for i := range all {
		all[i] = StepKind(i)
	}
	return all
}

// Step is one step of an impersonation, for the record. It holds ids, and no e-mail: an id that is one is "".
// A step is told when the app decides it, unless Change.Hold has it wait.
type Step struct {
	Kind      StepKind
	Operator  string // authentication.adminUserId, else .storeUserId; of who began it, where it is over
	Customer  string // "" where no customer was found
	Operation string // the id of the request, "" where it has none
}

// Impersonate is the App. It is safe for concurrent use.
//
// Who is impersonated is in public.vtex-impersonated-customer-email, else in the cookie of that name. A wish that is
// denied, that has ended, or that is said while nobody is logged in leaves public: it must not come true later, by the log-in
// of an operator who never wished it. Browsers go on sending the cookie when "" in public has stopped it, so the one that
// named the customer counts no more. The app is called at every request, so that who is no operator any more stops at the
// next. It reads its own outputs, to tell a step once: storeUserId and operatorId; `asked`, by which it looks twice at a new
// wish, since the log-in or the log-out may be in the very same request; `told` of a cookie's wish that came to nothing; and
// `stopped`.
type Impersonate struct{ o ImpersonateOptions }

const impersonated = "vtex-impersonated-customer-email"

func impersonateKey(name string) Key { return Key{"impersonate", name} }

// NewImpersonate returns the app, or what o lacks.
func NewImpersonate(o ImpersonateOptions) (*Impersonate, error) {
	if o.Operator == nil || o.Customer == nil {
		return nil, errors.New("impersonate: without a rule for operators and a way to find customers nobody can be impersonated")
	}
	if o.Observe == nil {
		o.Observe = func(Step) {}
	}
	return &Impersonate{o}, nil
}

// Spec implements App (facts, part 4; operatorId, asked, told and stopped are ours).
func (i *Impersonate) Spec() Spec {
	return Spec{
		Name: "impersonate",
		Input: Declaration{
			PublicNamespace: {impersonated}, CookieNamespace: {impersonated},
			"authentication": {"adminUserId", "adminUserEmail", "storeUserId", "storeUserEmail", "customerId", "unitId", "isRepresentative"},
			"impersonate":    {"storeUserId", "storeUserEmail", "operatorId", "asked", "told", "stopped"},
		},
		Output: Declaration{
			PublicNamespace: {impersonated},
			"impersonate":   {"storeUserId", "storeUserEmail", "canImpersonate", "account", "operatorId", "asked", "told", "stopped"},
		},
		Refresh: true, Cleared: true,
	}
}

// Transform implements App. Its only error is that of Options.Customer.
func (i *Impersonate) Transform(ctx context.Context, in Values) (Values, error) {
	w, out := i.read(in), Values{}
	r := recorder{ctx, i.o.Observe, operationOf(ctx)}
	w.clear(out)
	same := w.was != "" && w.operator == w.wasOperator && sameEmail(w.email, w.wasEmail)
	switch {
	case w.email == "":
		r.over(StepStopped, w)
		if w.blank {
			w.forget(out)
		}
	case !w.may && w.was != "":
		w.end(out, r)
	case !same && !w.looked():
		r.over(StepStopped, w)
		out.put(impersonateKey("asked"), TextValue(w.asking()))
	case !w.may:
		w.refuse(out, r, StepDenied)
	default:
		return i.enter(ctx, w, out, r)
	}
	return out, nil
}

// enter has an operator see the store as the customer whom they wish for.
func (i *Impersonate) enter(ctx context.Context, w wish, out Values, r recorder) (Values, error) {
	id, err := i.o.Customer(ctx, w.email)
	switch {
	case err != nil:
		return nil, err
	case id == "" && w.was != "":
		w.end(out, r)
		return out, nil
	case id == "":
		w.refuse(out, r, StepUnknown)
		return out, nil
	case id != w.was:
		r.over(StepStopped, w)
		r.tell(StepStarted, w.operator, id)
	}
	for name, text := range map[string]string{"storeUserId": id, "storeUserEmail": w.email, "operatorId": w.operator, "account": i.o.Account} {
		out.put(impersonateKey(name), TextValue(text))
	}
	w.renew(out)
	return out, nil
}

// recorder tells the steps of one call, unless the Engine waits for it no longer: then nothing comes of them.
type recorder struct {
	ctx       context.Context
	observe   func(Step)
	operation string
}

func (r recorder) tell(kind StepKind, operator, customer string) {
	if r.ctx.Err() == nil {
		step := Step{kind, withoutEmail(operator), withoutEmail(customer), r.operation}
		tell(r.ctx, func() { r.observe(step) })
	}
}

// over tells that the customer who was impersonated, if any, is so no longer.
func (r recorder) over(kind StepKind, w wish) {
	if w.was != "" {
		r.tell(kind, w.wasOperator, w.was)
	}
}

func withoutEmail(id string) string {
	if strings.Contains(id, "@") {
		return ""
	}
	return id
}

func operationOf(ctx context.Context) string {
	id, _ := ctx.Value(operationKey{}).(string)
	return id
}
