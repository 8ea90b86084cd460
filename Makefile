# Everything a fresh machine with Python >= 3.11 needs. Set-up steps leave stamp files, so they run once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMPS := $(VENV)/stamps
PIP := $(PY) -m pip --disable-pip-version-check --quiet
CLIENTS := tests/clients
CONTRACTS := contracts
ANVIL := requirements/anvil
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
NPM_CI := npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
KERNEL_SOURCES := $(shell find src/jovay/kernel src/jovay/compiler -name '*.py' 2>/dev/null)

# Arguments for the commands behind the targets: make up ARGS="--http-port 8545", make test ARGS="-k rpc".
ARGS ?=

.PHONY: help up test checked check bench contracts setup setup-dev format lock clean

help:
	@echo "make up      set everything up, then run L1, the L2 node, relayer and prover, walk through them, show them live"
	@echo "make test    set everything up, then run the tests"
	@echo "make checked the suites that watch the kernel's memory, whole (hours)"
	@echo "make check   formatting, lint, types"
	@echo "make contracts compile the Solidity contracts into the package"
	@echo "make bench   throughput and latency, with anvil under the same load"
	@echo "make format  rewrite the sources the way 'make check' wants them"
	@echo "make lock    renew requirements/*.txt from pyproject.toml"
	@echo "make clean   remove the environment, node packages and caches"

up: setup
	@exec $(BIN)/jovay up --demo $(ARGS)

test: setup-dev
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

checked: setup-dev
	@$(BIN)/jovay evm checked $(ARGS)
	@JOVAY_KERNEL=checked $(PY) -m pytest -q -s tests/kernel tests/state tests/simulation tests/sequencer tests/tracer tests/rpc/test_fast_sends.py

check: $(STAMPS)/dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: $(STAMPS)/dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: setup-dev
	@$(BIN)/jovay bench $(ARGS)

contracts: $(STAMPS)/dev $(STAMPS)/node
	@$(PY) contracts/script/artifacts.py

setup: $(STAMPS)/kernel $(STAMPS)/anvil

setup-dev: $(STAMPS)/kernel $(STAMPS)/anvil $(STAMPS)/dev $(STAMPS)/specs $(STAMPS)/node

# The oldest interpreter that will do is taken first, since it is the one the locks were resolved with.
$(STAMPS)/venv:
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	    if "$$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        [ -x $(PY) ] || { echo "creating $(VENV) with $$($$python --version)"; "$$python" -m venv $(VENV); }; \
	        mkdir -p $(STAMPS); touch $@; exit 0; \
	    fi; \
	done; \
	echo "Python 3.11 or newer with the venv module is needed (set PYTHON=/path/to/python)" >&2; exit 1

$(STAMPS)/run: requirements/run.txt $(STAMPS)/venv
	@echo "installing the locked dependencies"
	@$(PIP) install --require-hashes --only-binary :all: -r $<
	@touch $@

$(STAMPS)/package: pyproject.toml $(STAMPS)/run
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/package
	@echo "installing the locked development dependencies"
	@$(PIP) install --require-hashes --only-binary :all: -r $<
	@touch $@

$(STAMPS)/specs: requirements/specs.txt $(STAMPS)/dev
	@$(PIP) install --no-deps --require-hashes --only-binary :all: -r $<
	@touch $@

$(STAMPS)/kernel: $(STAMPS)/package $(KERNEL_SOURCES)
	@$(PY) -m jovay.compiler
	@touch $@

# Node packages come from npm; without Node >= 18, one comes from PyPI.
$(STAMPS)/npm: requirements/node.txt $(STAMPS)/venv
	@if ! $(WITH_NODE) node -e 'process.exit(+(process.versions.node.split(".")[0] < 18))' 2>/dev/null || ! $(WITH_NODE) npm --version >/dev/null 2>&1; then \
	    echo "installing Node from PyPI"; \
	    $(PIP) install --require-hashes --only-binary :all: -r $<; \
	fi
	@touch $@

# The L1 of development chains. A chain that does not settle runs without.
$(STAMPS)/anvil: $(ANVIL)/package.json $(ANVIL)/package-lock.json | $(STAMPS)/npm
	@echo "installing anvil"
	@mkdir -p $(VENV)/anvil && cp $(ANVIL)/package.json $(ANVIL)/package-lock.json $(VENV)/anvil
	@(cd $(VENV)/anvil && $(WITH_NODE) $(NPM_CI) --fetch-retries=1 --fetch-retry-mintimeout=1000) || true; \
	if [ -x $(VENV)/anvil/node_modules/@foundry-rs/anvil-*/bin/anvil ]; then touch $@; \
	else echo "npm cannot fetch anvil, without which no chain settles; the next 'make setup' tries again" >&2; fi

# Client libraries, the Solidity compiler, OpenZeppelin's contracts, cast and forge.
$(STAMPS)/node: $(CLIENTS)/package-lock.json $(CONTRACTS)/package-lock.json | $(STAMPS)/npm
	@echo "installing the node packages of tests and contracts"
	@for folder in $(CLIENTS) $(CONTRACTS); do (cd $$folder && $(WITH_NODE) $(NPM_CI)); done
	@touch $@

# Locks hold names, versions and hashes, never an address. Renewing them needs pip-tools, in its own place.
lock: $(STAMPS)/venv
	@[ -x $(VENV)-lock/bin/pip-compile ] || { $(PY) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet pip-tools; }
	@compile() { CUSTOM_COMPILE_COMMAND="make lock" $(VENV)-lock/bin/pip-compile --quiet --generate-hashes \
	    --strip-extras --no-emit-index-url --no-emit-find-links "$$@"; }; \
	compile $(ARGS) --build-deps-for editable --output-file requirements/run.txt pyproject.toml; \
	compile $(ARGS) --build-deps-for editable --extra dev --constraint requirements/run.txt \
	    --output-file requirements/dev.txt pyproject.toml; \
	compile $(ARGS) --output-file requirements/node.txt requirements/node.in
	@for folder in $(CLIENTS) $(CONTRACTS); do \
	    (cd $$folder && npm install --package-lock-only --ignore-scripts --no-fund --no-audit); \
	done

clean:
	rm -rf $(VENV) $(VENV)-lock $(CLIENTS)/node_modules $(CONTRACTS)/node_modules \
	    $(CONTRACTS)/out $(CONTRACTS)/cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
