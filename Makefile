# Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
export PIP_NO_INPUT := 1

.PHONY: help setup dev run demo test browser check format bench screenshots calibrate lock clean

help:
	@echo "make run      start the service on http://127.0.0.1:8000 with the bundled sources"
	@echo "make demo     the same on two years of generated data, marked as such"
	@echo "make test     all tests but those of tests/browser     make browser  those (needs Chromium)"
	@echo "make check    format, lint, types, imports"
	@echo "make bench    speed and memory, as ratios against named peers"
	@echo "make screenshots  pictures of every page in build/screenshots (needs Chromium)"
	@echo "make calibrate  error rates and power of every verdict in simulated worlds (half an hour on two cores)"
	@echo "make setup    only build .venv  make lock    pin dependencies anew"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "trendmonitor needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.13")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.setup: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) (a minute the first time) ..."
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@$(BIN)/python -m compileall -q monitor collectors api
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.setup
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.setup

dev: $(VENV)/.dev

run: setup
	@$(BIN)/trendmonitor serve

demo: export TRENDMONITOR_HOME ?= var/demo
demo: setup
	@$(BIN)/trendmonitor demo
	@$(BIN)/trendmonitor serve

test: dev
	@$(BIN)/python -m pytest -n auto --dist loadfile --ignore tests/browser

browser: dev
	@$(BIN)/python -m pytest -n auto --dist loadfile tests/browser

check: dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: dev
	@$(BIN)/python -m benchmarks

screenshots: dev
	@$(BIN)/python -m benchmarks.screenshots

calibrate: dev
	@$(BIN)/python -m benchmarks.calibration

# Rewrites the pinned requirements. Needs uv (`pip install uv`).
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml
lock:
	@$(LOCK) --extra build -o requirements.txt
	@$(LOCK) --extra build --extra dev --extra bench -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
