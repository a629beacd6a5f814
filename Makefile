# The two commands: `make demo` and `make test`. Both make .venv when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OTHERS ?= 3.12 3.13

.PHONY: demo test test-slow test-all test-tracking bench lint clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[torch,examples]'
	touch $@

$(VENV)/.test: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[torch,examples,test]'
	touch $@

$(VENV)/.bench: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[torch,examples,test,bench]'
	touch $@

demo: $(VENV)/.demo
	$(BIN)/python examples/batchbald_variance.py --quick --out examples/out

test: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile \
		--cov --cov-branch --cov-report=term:skip-covered

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

# Every Python that is found, without torch: its tests skip with that reason.
test-all: test
	PYTHON=$(PYTHON) sh scripts/test_pythons.sh "$(OTHERS)" -m "not slow"

# Code tracking and identity differ between Python versions; the rest does not.
test-tracking:
	PYTHON=$(PYTHON) sh scripts/test_pythons.sh "$(OTHERS)" -m "not slow" \
		tests/code tests/identity tests/properties/test_identity_laws.py \
		tests/claims/test_change_table.py tests/claims/test_identity.py

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/bench_calls.py
	$(BIN)/python -m pytest benchmarks -o addopts= -o python_files='bench_*.py' -W ignore \
		--benchmark-only --benchmark-disable-gc --benchmark-columns=median,iqr,rounds

lint: $(VENV)/.test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:
	rm -rf $(VENV) .venv-* .dumbo build dist *.egg-info
