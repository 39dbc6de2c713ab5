# SPDX-License-Identifier: Apache-2.0
# Certwright: every task of the project. Each target sets up what it needs; `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
INSTALL := $(PIP) install --require-hashes --requirement
ARGS ?=
MODE ?= embedded

# Stamps: a target that is up to date costs nothing.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
FUZZ := $(VENV)/.fuzz
SECONDS_EACH ?= 60

.PHONY: help
help: ## list the tasks (this page)
	@echo "Certwright. Two commands to start with: make run, make test"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Extra arguments go in ARGS, such as: make run ARGS='--port 8443'"

.PHONY: run
run: $(RUNTIME) ## start Certwright in one process (no root, no other server); prints its address and the first-run link
	@exec $(BIN)/certwright serve $(ARGS)

.PHONY: demo
demo: $(RUNTIME) servers ## walk an order from sign-up to a served certificate; MODE=cluster does it on RabbitMQ and PostgreSQL
	@exec $(BIN)/python -m certwright.demo --mode $(MODE) $(ARGS)

.PHONY: cluster
cluster: $(RUNTIME) servers ## start every service as its own process on a private RabbitMQ and PostgreSQL; Ctrl-C ends it
	@exec $(BIN)/certwright cluster $(ARGS)

.PHONY: test
test: $(DEV) ## run every test: unit, contract, integration on real servers, system; ARGS='unit' runs one part
	@tests/setup-servers --tests
	@tests/setup-console
	@exec $(BIN)/python tests/run.py $(ARGS)

.PHONY: check
check: $(DEV) ## lint, format, types, import contracts, unit tests (under a minute)
	@$(BIN)/python tests/check.py

.PHONY: format
format: $(DEV) ## put the code into the agreed form
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .

.PHONY: console
console: $(DEV) ## build the web console anew from gateway/console (needs Node 20.19 or newer); what it makes is committed
	@tests/setup-console
	@cd gateway/console && PATH="$$PWD/../../$(BIN):$$PATH" npm run --silent build

.PHONY: bench
bench: $(DEV) $(BENCH) ## measure, each figure beside its peer or limit in the same run; one JSON object a line
	@tests/setup-servers --bench
	@exec $(BIN)/python -m bench.run $(ARGS)

.PHONY: fuzz
fuzz: $(DEV) $(FUZZ) ## fuzz what reads servers' answers, SECONDS_EACH=60 for each parser; ARGS='leaf tls13' runs some
	@PYTHONPATH="$$PWD:$$PWD/agent" exec $(BIN)/python -m tests.fuzz --seconds $(SECONDS_EACH) $(ARGS)

.PHONY: servers
servers: # the servers that demo and cluster start privately; nothing is started or configured here
	@tests/setup-servers

.PHONY: migration
migration: $(DEV) ## write a new database migration: make migration SERVICE=orders MESSAGE="add a column"
	@test -n "$(SERVICE)" -a -n "$(MESSAGE)" || { echo 'say: make migration SERVICE=orders MESSAGE="add a column"'; exit 2; }
	@exec $(BIN)/certwright migration "$(SERVICE)" "$(MESSAGE)"

# No index host is written into a lock: where packages come from is the business of each machine.
COMPILE = $(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options $(ARGS)

GROUP = $(BIN)/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]], sep="\n")'

.PHONY: lock
lock: $(DEV) ## write the dependency locks anew from pyproject.toml; ARGS='--upgrade' takes newer versions
	$(COMPILE) --build-deps-for editable --output-file requirements.lock pyproject.toml
	$(GROUP) dev | $(COMPILE) --constraint requirements.lock --output-file requirements-dev.lock -
	$(GROUP) bench | $(COMPILE) --constraint requirements.lock --constraint requirements-dev.lock \
		--output-file requirements-bench.lock -
	$(GROUP) fuzz | $(COMPILE) --constraint requirements.lock --constraint requirements-dev.lock \
		--output-file requirements-fuzz.lock -
	@! grep -nE '^-|https?://|file:/' requirements*.lock || { echo "a lock names a host"; exit 1; }

.PHONY: clean
clean: ## remove what the other tasks made; the data in var/ stays unless DATA=1
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
	@if [ "$(DATA)" = 1 ]; then rm -rf var; elif [ -d var ]; then echo "var/ holds your data and stays; make clean DATA=1 removes it"; fi

$(BIN)/python:
	@echo "making $(VENV)"
	@.ci/make-venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what Certwright needs into $(VENV)"
	@$(INSTALL) requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "installing what its tests need into $(VENV)"
	@$(INSTALL) requirements-dev.lock
	@touch $@

$(BENCH): requirements-bench.lock $(RUNTIME)
	@$(INSTALL) requirements-bench.lock
	@touch $@

$(FUZZ): requirements-fuzz.lock $(RUNTIME)
	@$(INSTALL) requirements-fuzz.lock
	@touch $@
