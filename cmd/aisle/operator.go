package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// operator answers what `aisle sessions show`, revoke and erase ask of a running edge.
func (p *process) operator() *sessions.Operator {
	o := sessions.OperatorOptions{Revoke: p.revoke, Logger: p.logger}
	if p.sidecar != nil {
		o.Service, o.Explain = p.sidecar.service, p.sidecar.explain
	}
	return sessions.NewOperator(o)
}

// revoke has the sidecar revoke, wherever it is, and then this edge hold the same seals for void.
func (p *process) revoke(ctx context.Context, text string) (sessions.Revocation, error) {
	done, err := p.client.Revoke(ctx, text)
	for _, seal := range done.Seals {
		p.revoked.Void(time.Now(), seal.Token, time.Unix(seal.Until, 0))
	}
	if err != nil {
		return done, err
	}
	if err := p.revoked.keep(); err != nil {
		p.logger.Error("sessions: revoked", slog.Any("error", err)) // it is void here all the same
	}
	return done, nil
}
