# Every target makes what it needs; on a fresh machine `make demo` and `make test` are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow lint format docs bench bench-trajectories reproduce clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "caloris needs Python 3.11 or newer, this is %d.%d: run make PYTHON=/path/to/python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developer: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	@touch $@ $(VENV)/.runtime

demo: $(VENV)/.runtime
	$(BIN)/caloris demo --out demo

test: $(VENV)/.developer
	$(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: $(VENV)/.developer
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.developer
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/mkdocs build --strict

# in an environment of its own: the peer pins its numpy and matplotlib
bench:
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	.venv-bench/bin/python benchmarks/battery_cycle.py
	.venv-bench/bin/python benchmarks/conduction_against_heatrapy.py
	CALORIS_DATA="$${CALORIS_DATA:-../shared/data}" .venv-bench/bin/python benchmarks/calorimetry_series.py

# MDANSE and dynasor want another numpy than the peers of the battery
bench-trajectories:
	test -x .venv-bench-trajectories/bin/python || $(PYTHON) -m venv .venv-bench-trajectories
	.venv-bench-trajectories/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench-trajectories]'
	.venv-bench-trajectories/bin/python benchmarks/trajectories_against_peers.py
	.venv-bench-trajectories/bin/python benchmarks/large_trajectory.py

reproduce: $(VENV)/.runtime
	CALORIS_DATA="$${CALORIS_DATA:-../shared/data}" $(BIN)/caloris reproduce all --table docs/reproductions.md

clean:
	rm -rf $(VENV) .venv-bench .venv-bench-trajectories demo site build dist .pytest_cache .mypy_cache .ruff_cache
