# Two commands do all set-up: `make run` (the demo) and `make test` (everything).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PYTEST_WORKERS ?= 2
SCENARIO ?= campaign-start
DURATION ?= 30
MINUTES ?= 10
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help setup run test check format bench bench-quick soak load clean
help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ani-gateway needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "could not make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(STAMP)  ## virtual environment with everything in it

run: $(STAMP)    ## the demo: gateway, engine and a simulated Asterisk on one screen
	@$(BIN)/ani-gateway demo

test: $(STAMP)   ## all tests, the real Asterisk included where root and apt are there
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup

check: $(STAMP)  ## format, lint, types, architecture, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_docs.py

format: $(STAMP) ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## benchmark beside a bare uvloop server and what others build, with goals
	$(BIN)/python loadtest/bench.py

bench-quick: $(STAMP) ## the sections that say most, in less than 90 seconds
	$(BIN)/python loadtest/bench.py --quick

soak: $(STAMP)   ## the gateway under faults for MINUTES=10: nothing may grow
	$(BIN)/python loadtest/soak.py --minutes $(MINUTES)

load: $(STAMP)   ## load test with locust on loopback: SCENARIO=campaign-start DURATION=30
	$(BIN)/python loadtest/locust_run.py --scenario $(SCENARIO) --seconds $(DURATION)

clean:
	rm -rf $(VENV) .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
