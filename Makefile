# Callclock. `make` lists what there is; `make demo` is the quickest way to a call.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .cache/stamps
# Tests wait more than they compute: several at once finish sooner, also on two cores.
SIDE_BY_SIDE := --dist loadscope
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: help cluster demo web wheel web-deps install test check unit-python unit-web e2e format bench bench-deps clean packages livekit generated

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMPS):
	@mkdir -p $@

# The server and the SDK with what they need to run.
$(STAMPS)/python: server/pyproject.toml sdk-python/pyproject.toml | $(STAMPS)
	@echo "Installing the Python packages (about a minute the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e sdk-python -e server
	@touch $@

# What only tests, checks and benches need.
$(STAMPS)/python-dev: requirements-dev.txt $(STAMPS)/python
	@echo "Installing the test tools …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(STAMPS)/web-deps: web/package.json web/package-lock.json $(wildcard web/packages/*/package.json web/apps/*/package.json) | $(STAMPS)
	@echo "Installing the web packages (about a minute the first time) …"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/web: $(STAMPS)/web-deps $(WEB_SOURCES)
	@echo "Building the web files …"
	@cd web && npm run build --silent
	@touch $@

install: $(STAMPS)/python-dev $(STAMPS)/web-deps ## install everything that development needs

web-deps: $(STAMPS)/web-deps

web: $(STAMPS)/web ## build the web files

demo: $(STAMPS)/python $(STAMPS)/web ## a call for two, on this machine (MINUTES=60; FAIR=1 shows the rules of paid time)
	@$(BIN)/callclock demo $(if $(MINUTES),--minutes $(MINUTES)) $(if $(FAIR),--fair) $(DEMO_ARGS)

packages: ## install what the tests need from Debian: a browser, PostgreSQL, Redis
	@.ci/install-packages

# 3: there is nothing to build it with; the tests that need it are skipped and say so.
livekit: ## a real LiveKit server for the tests, built from its Go module once
	@.ci/build-livekit || [ $$? = 3 ]

format: $(STAMPS)/python-dev ## format the Python sources
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

generated: $(STAMPS)/python-dev $(STAMPS)/web-deps ## write the generated files anew
	@$(BIN)/python -m callclock_server.api.schema --write
	@$(BIN)/python sdk-python/tools/generate_sync.py
	@$(BIN)/python -m callclock_server.cli.reference --write

check: $(STAMPS)/python-dev $(STAMPS)/web-deps ## formats, types, import direction, generated files: the fast look
	@.ci/check

unit-python: $(STAMPS)/python-dev $(STAMPS)/web packages livekit ## every Python test but the app's in browsers
	@$(BIN)/python -m pytest server/tests sdk-python/tests --ignore server/tests/cluster -m "not punctual" $(SIDE_BY_SIDE) -n 3
	@$(BIN)/python -m pytest server/tests sdk-python/tests --ignore server/tests/cluster -m punctual

# These judge lateness, so nothing else runs beside them.
cluster: $(STAMPS)/python-dev ## three nodes under faults, then three minutes of chaos (CHAOS_SEED, CHAOS_MINUTES)
	@$(BIN)/python -m pytest server/tests/cluster -m "not chaos" $(SIDE_BY_SIDE) -n 2
	@$(BIN)/python -m pytest server/tests/cluster -m chaos

unit-web: $(STAMPS)/web-deps ## the web packages' tests
	@cd web && npm test

e2e: $(STAMPS)/python-dev $(STAMPS)/web packages livekit ## two real browsers in a real call
	@$(BIN)/python -m pytest tests $(SIDE_BY_SIDE) -n 2

test: ## everything, from nothing, on a fresh machine
	@$(MAKE) --no-print-directory install web packages
	@$(MAKE) --no-print-directory livekit & $(MAKE) --no-print-directory check unit-web; wait
	@$(MAKE) --no-print-directory unit-python
	@$(MAKE) --no-print-directory cluster
	@$(MAKE) --no-print-directory e2e

wheel: $(STAMPS)/web ## build the packages that operators install, into dist/
	@PYTHON=$(PYTHON) deploy/build-wheels dist

# The job schedulers that the benches compare with.
$(STAMPS)/bench-deps: bench/requirements.txt $(STAMPS)/python-dev
	@echo "Installing what the benches compare with …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

bench-deps: $(STAMPS)/bench-deps

bench: $(STAMPS)/bench-deps ## measure the clock, the API and the media plane on this machine
	@$(BIN)/python bench/clock.py
	@$(BIN)/python bench/clock.py --postgres
	@$(BIN)/python bench/api.py
	@$(BIN)/python bench/media.py

clean: ## remove what was installed and built here
	@rm -rf $(VENV) .cache web/node_modules web/packages/*/dist web/apps/*/dist
