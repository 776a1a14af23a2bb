# Sets up, runs and tests the workbook on a machine with nothing but Python 3.11+ and make.
# `make` alone lists the targets.

# The interpreter of .venv; without one, tools/setup.sh chooses.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
THIRDPARTY := .venv-thirdparty

RUN_ARGS ?=
PYTEST_ARGS ?=
# More than there are processors on the machine that this is measured on: many tests wait.
TEST_PROCESSES ?= 4
LOCK_ARGS ?=
BENCH_ARGS ?=
LAB_ARGS ?=

# The plan's five files are red by default, by design: a test of the project runs them in both environments.
LEAVE_OUT_THE_PLAN := --ignore-glob='*issue_1176*'

# Services and kernels are processes: without bytecode files each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test check thirdparty lab lock bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## make .venv with everything in it (runs once, and again when the dependencies change)

run: $(READY) ## investigate as reported and remediated, and compare (RUN_ARGS="--suite auth")
	@$(BIN)/golden-path run --env as_reported --env remediated $(RUN_ARGS)

test: $(READY) ## run the project's tests, and name what could not be run here (PYTEST_ARGS="-k redaction")
	@$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(LEAVE_OUT_THE_PLAN) $(PYTEST_ARGS)

check: $(READY) ## format, lint, types, import directions, notebooks, documentation, workflow
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tools.check_docs
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/pytest tests/repository -q $(LEAVE_OUT_THE_PLAN)

thirdparty: $(READY) ## put three systems from PyPI under investigation, in an environment of their own
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(THIRDPARTY)
	$(BIN)/uv pip install --quiet --python $(THIRDPARTY)/bin/python -e '.[dev,thirdparty]'
	$(THIRDPARTY)/bin/python -m pytest tests/targets/test_third_party.py --require thirdparty $(PYTEST_ARGS)

lab: $(READY) ## open the notebooks in JupyterLab (LAB_ARGS=--allow-root in a container)
	@$(BIN)/golden-path lab $(LAB_ARGS)

lock: $(READY) ## write requirements.lock anew from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
	    $(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 --extra dev \
	    --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command 'make lock' $(LOCK_ARGS) --output-file requirements.lock pyproject.toml

bench: $(READY) ## measure the notebooks by several runners, and the fault proxies beside mitmproxy (BENCH_ARGS=proxies)
	@test -d benchmarks || { echo "make bench: this checkout has no benchmarks/ folder" >&2; exit 2; }
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

clean: ## remove .venv and the tools' caches; outputs/ is evidence and stays
	rm -rf $(VENV) $(THIRDPARTY) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml requirements.lock tools/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/setup.sh
	@touch $@
