# Every task of this repository. Nothing but GNU make and a Python from 3.11 on is needed beforehand.
#
#   make demo ARGS="--keep"        options for the command behind a task go into ARGS

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHONS := python3 python3.13 python3.12 python3.11
BENCH := relay
ARGS :=

.PHONY: help venv demo test drill lint types floors bench docs clean distclean

help: ## list every task
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv and install Crosswalk with all that its tasks need

# PYTHON=… on the command line takes that one; an environment whose interpreter has gone is made anew.
$(STAMP): pyproject.toml
	@if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
	  old=; bare=; python=; \
	  for candidate in $(or $(PYTHON),$(PYTHONS)); do \
	    command -v "$$candidate" >/dev/null 2>&1 || continue; \
	    if ! "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      old="$$old $$candidate ($$("$$candidate" -V 2>&1))"; \
	    elif ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then \
	      bare="$${bare:-$$candidate}"; \
	    else python="$$candidate"; break; fi; \
	  done; \
	  if [ -z "$$python" ] && [ -n "$$bare" ]; then \
	    version=$$("$$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    echo "$$bare ($$version) cannot make a virtual environment: its module ensurepip is missing." >&2; \
	    echo "Debian and Ubuntu: apt-get install python$$version-venv (or python3-venv), then run make again." >&2; \
	    exit 1; \
	  elif [ -z "$$python" ]; then \
	    echo "Crosswalk needs Python 3.11 or newer; none of $(or $(PYTHON),$(PYTHONS)) is one.$${old:+ Found:$$old.}" >&2; \
	    echo "Install one, or name it: make PYTHON=/path/to/python3 $(or $(MAKECMDGOALS),venv)" >&2; \
	    exit 1; \
	  fi; \
	  echo "making $(VENV) with $$("$$python" -V)"; \
	  "$$python" -m venv --clear $(VENV); \
	fi
	@echo "installing into $(VENV)"
	@PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@$(BIN)/python -m compileall -q src
	@touch $@

demo: $(STAMP) ## the whole road on two embedded servers, in under a minute
	@$(BIN)/crosswalk demo $(ARGS)

test: $(STAMP) ## all tests but the drills, on up to four cores
	@$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

drill: $(STAMP) ## the long drills: kill -9, crashes of servers, lost connections
	@$(BIN)/python -m pytest -m drill $(ARGS)

lint: $(STAMP) ## ruff: style, and what a reader would trip over
	@$(BIN)/ruff check $(ARGS) .

types: $(STAMP) ## mypy, strict, over source, tests, benchmarks and examples
	@$(BIN)/mypy $(ARGS)

floors: $(STAMP) ## imports go only down, and the other rules of the house
	@$(BIN)/python -m pytest -q tests/unit/test_floors.py tests/unit/test_project.py $(ARGS)

bench: $(STAMP) ## a benchmark against its peer: BENCH=relay ARGS="--quick --json"
	@$(BIN)/python -m bench.$(BENCH) $(ARGS)

docs: $(STAMP) ## write anew what is generated: docs/errors.md, docs/crosswalk.schema.json
	@$(BIN)/python -m crosswalk.cli.errors_page >docs/.new && mv docs/.new docs/errors.md
	@$(BIN)/crosswalk schema >docs/.new && mv docs/.new docs/crosswalk.schema.json

clean: ## remove caches and builds
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis docs/.new
	find . -path ./$(VENV) -prune -o -type d \( -name __pycache__ -o -name '*.egg-info' \) -exec rm -rf {} +

distclean: clean ## the same, and .venv
	rm -rf $(VENV)
