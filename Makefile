# The front door. `make` alone lists what there is. Needs Python 3.11 or newer; everything else is fetched.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)  # one more than processors: tests wait for disks
STAMP := $(VENV)/.ready
RESOLVE := $(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header
# Else every process the tests start, and every worker, compiles all of Muniment for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help map setup demo test test-browser check types lint contracts bench test-faults lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

map:  ## every module and what it is for, by its first line
	@grep -m1 -rE '^r?"""' --include='*.py' archiver retention search | sed -E -e 's/:r?"""/  /' -e 's/"""$$//' | sort

setup: $(STAMP)  ## virtual environment with everything that is locked

$(STAMP): requirements.lock pyproject.toml
	PYTHON="$(PYTHON)" VENV="$(VENV)" deploy/setup.sh
	@touch $@

demo: $(STAMP)  ## a sample company's posts from end to end, then the web page
	$(BIN)/muniment demo

test: $(STAMP)  ## the test suite, a few minutes
	$(BIN)/pytest -q -m "not faults and not browser" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-browser: $(STAMP)  ## every screen in a real Chromium, a few minutes more
	deploy/browser.sh
	$(BIN)/pytest -q -m browser -n logical --dist loadfile tests/browser

check: lint types contracts  ## style, types and import contracts

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP)  ## ratios against references, as JSON
	$(BIN)/python -m tests.benchmarks.run

test-faults: $(STAMP)  ## the long sweeps: kill -9, power cuts, full disk, failing store, two servers
	$(BIN)/pytest -q -m faults tests

lock: $(STAMP)  ## resolve the lock files anew from pyproject.toml
	$(BIN)/pip install -q uv
	$(RESOLVE) --extra dev -o requirements.lock
	$(RESOLVE) --extra postgres --extra speed -c requirements.lock -o deploy/requirements.lock

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
