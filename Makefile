# Two commands do everything on a fresh Debian machine with Go: `make run` and `make test`.
SHELL := /bin/bash
GO ?= go
FUZZTIME ?= 20s
# Where the tests keep pictures and the race-checked binary that they run.
BIN := $(CURDIR)/bin

.PHONY: help build run test lint fuzz bench bench-sessions soak soak-sessions mutants cover clean
.DEFAULT_GOAL := help

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

build: ## build bin/aisle
	$(GO) build -trimpath -o $(BIN)/aisle ./cmd/aisle

run: build ## run the demo storefront and the edge before it, and show what to try
	@tools/need curl
	@tools/run

test: ## install what the tests need and run all of them
	@tools/test

lint: ## gofmt, go vet, staticcheck, go mod tidy
	@tools/lint

fuzz: ## run every fuzz target for FUZZTIME (20s) each
	@tools/fuzz $(FUZZTIME)

bench: ## run the micro benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

soak: ## long streams, reloads, failing origins, idle connections at full size; figures to docs/reliability.md
	@tools/soak

soak-sessions: ## fifty kills of the sidecar, and of its Redis, under writers: nothing acknowledged may be lost
	@tools/need redis
	AISLE_SOAK=1 $(GO) test -count=1 -v -timeout 30m ./tests/lost

bench-sessions: ## edits and reads per second of a sidecar with 100,000 sessions; figures to docs/sessions-stores.md
	@tools/bench-sessions

mutants: ## break the code on purpose and see that the isolation test notices each
	@tests/mutants/run

cover: ## write cover.out and show the coverage of each package
	$(GO) test -coverprofile=cover.out ./cache/... ./segment/... ./proxy/... ./config/... ./obs/... ./purge/... ./demo/...
	$(GO) tool cover -func=cover.out | tail -n 1

clean: ## remove what was built and what a run has left
	rm -rf $(BIN) data/*.log data/config.yaml .tools tests/*/node_modules cover.out
