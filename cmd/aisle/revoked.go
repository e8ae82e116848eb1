package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
)

// revokedFile keeps what was revoked for the process that comes after this one, beside the keys of the seals. It is for the
// edge that was asked alone: others are told by the operator.
type revokedFile struct {
	*segment.Revocations
	path string
	mu   sync.Mutex // for writing
}

// newRevoked reads what was revoked before.
func newRevoked(c *config.Config) (*revokedFile, error) {
	keys, _ := c.KeysFile()
	r := &revokedFile{Revocations: &segment.Revocations{}, path: keys + ".revoked"}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *revokedFile) read() error {
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, r.Revocations)
	}
	if err != nil {
		return fmt.Errorf("segment.keys_file: %s, without which revoked seals would count again: %w", r.path, err)
	}
	return nil
}

// followStep is how soon a process that has been replaced holds for void what its successor revokes.
const followStep = 50 * time.Millisecond

// follow reads the file whenever it is another one, until ctx ends: a process that has been replaced still answers what it has.
func (r *revokedFile) follow(ctx context.Context, logger *slog.Logger) {
	files := filewatch.Files{Paths: []string{r.path}}
	filewatch.Every(ctx, followStep, func() {
		if news, err := files.Look(r.read); news && err != nil {
			logger.Error("sessions: revoked", slog.Any("error", err))
		}
	})
}

// keep writes all that is void, with what another process has written meanwhile.
func (r *revokedFile) keep() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.read(); err != nil {
		return err
	}
	text, err := json.Marshal(r.Revocations)
	if err == nil {
		err = replaceFile(r.path, text)
	}
	if err != nil {
		return fmt.Errorf("what is revoked will not outlive this process: %w", err)
	}
	return nil
}

// revokeAndKeep is Service.Revoke where no edge was asked. A session that has ended has, whether its seals could be kept or not.
func revokeAndKeep(ctx context.Context, s *sessions.Service, r *revokedFile, text string) (sessions.Revocation, error) {
	done, err := s.Revoke(ctx, text)
	if err != nil {
		return done, err
	}
	return done, r.keep()
}
