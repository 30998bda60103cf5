# The commands of daily work. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
DOCS_INSTALLED := $(VENV)/installed-docs
BENCH_INSTALLED := $(VENV)/installed-bench
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format docs bench

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## create .venv and install the tested versions of everything into it

demo: $(INSTALLED)  ## compile a 50-spin time evolution into a short circuit, with a report
	$(BIN)/rankloom demo

lint: $(INSTALLED)  ## style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p rankloom

format: $(INSTALLED)  ## put the source into the house's form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# Small matrices: the threads of two OpenBLAS copies cost more than they give, in tests too.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: lint  ## style, types, and all tests but the slow ones
	$(BIN)/python -m pytest -n 2 -m "not slow and not gpu"

docs: $(DOCS_INSTALLED)  ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Benchmarks choose their threads themselves: a peer is timed as its user gets it, and limited.
bench: $(BENCH_INSTALLED)  ## time the house against its peers (see benchmarks/README.md)
	$(BIN)/python benchmarks/run.py

$(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing rankloom and the tested versions of its dependencies into $(VENV) (1 to 4 minutes)."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable ".[all,dev]"
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(PIP) --editable ".[docs]"
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED)
	$(PIP) --editable ".[bench]"
	@touch $@
