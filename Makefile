# Every target sets up what it needs: a virtual environment in .venv, made anew when pyproject.toml changes.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test test-all lint check wheel clean

demo: $(READY)            ## upscale a clip drawn on the spot; look at demo_out/before_after.png
	$(BIN)/edge-vsr demo

test: $(READY)            ## everything that is quick
	$(BIN)/python -m pytest

test-all: $(READY)        ## the slow tests too
	$(BIN)/python -m pytest -m "slow or not slow"

lint: $(READY)            ## form, types and the direction of imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

check: lint test          ## what a change must pass

wheel: $(READY)           ## dist/*.whl, models included
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:                    ## everything that can be made again
	rm -rf .venv dist demo_out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@
