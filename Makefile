# Everything a newcomer needs: make demo, then make test. `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
READER := .venv-read
TESTS  := pytest -q -n auto --maxprocesses 8 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo reference docs test test-all coverage check format bench read-only requirements clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv and install charcnn with all it needs (torch is large: some minutes)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "charcnn needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V). Try: make setup PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo "Python's venv is missing. Debian, Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	@touch $@

demo: $(READY) ## augment → train → evaluate → predict → export, on the starter set
	@set -e; PATH="$(CURDIR)/$(BIN):$$PATH"; \
	run() { printf '\n$$ %s\n' "$$*"; "$$@"; }; \
	run charcnn augment ttest tttest; \
	run charcnn train --opt adam; \
	run charcnn evaluate; \
	run charcnn predict --model latest; \
	run charcnn export --format onnx -o demo/chars12.onnx --force; \
	run charcnn predict tttest --model demo/chars12.onnx --text; \
	printf '\nNow type these yourself, after:  source $(BIN)/activate\n'

test: $(READY) ## run the tests, on all cores (PYTEST="-k words" chooses some)
	$(BIN)/python -m $(TESTS) $(PYTEST)

test-all: $(READY) ## run all tests, the slow ones too
	$(BIN)/python -m $(TESTS) -m "slow or not slow" $(PYTEST)

coverage: $(READY) ## run all tests and list the lines that none of them reaches
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(TESTS) -m "slow or not slow" $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(READY) ## format and lint (ruff), types (mypy strict), layers (import-linter)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure against plain scripts (half an hour; BENCH="commands" for a part)
	$(BIN)/python -m tests.bench $(BENCH)

reference: $(READY) ## write docs/reference from the code
	$(BIN)/python docs/reference/settings.py
	$(BIN)/python docs/reference/commands.py
	$(BIN)/python docs/reference/examples.py

docs: $(READY) ## check the pages and build them as a site, in build/site
	$(BIN)/python -m pytest -q -n 0 tests/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

read-only: $(READY) ## install what only reads into .venv-read, and try all commands there (docs/guides/read-only.md)
	rm -rf build/read-only
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/read-only .
	$(BIN)/python -m venv --clear $(READER)
	$(READER)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/read.txt
	$(READER)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps build/read-only/*.whl
	du -sm $(READER)
	CHARCNN_READER=$(CURDIR)/$(READER) $(BIN)/python -m pytest -q -n 0 tests/read_only

requirements: ## write requirements/read.txt from pyproject.toml
	$(PYTHON) requirements/read.py

clean: ## remove .venv, .venv-read and what tools left; data/ and registry/ stay
	rm -rf $(VENV) $(READER) build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find charcnn tests -name __pycache__ -type d -prune -exec rm -rf {} +
