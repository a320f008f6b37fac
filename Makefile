# What can be done here: make help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help install demo test check format report ui docs docs-settings clean lock proofs bench

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(STAMP) ## make the environment from the lock of exact versions

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed: make PYTHON=/path/to/python3.11 install")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@echo "Compiling librosa's functions, once (about 20 s)"
	$(BIN)/python -c 'import librosa, numpy; librosa.feature.mfcc(y=numpy.ones(2048, "float32"))'
	@touch $@

demo: $(STAMP) ## run the leave-one-module-out sweep on the embedded corpus and print its table (minutes)
	$(BIN)/python -m plb_ablate -m experiments=demo
	$(BIN)/python -m plb_ablate.report --dataset synthetic --attach

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations 15

proofs: $(STAMP) ## run the long proofs: kills, a SLURM cluster, PostgreSQL, a browser (tests/orchestration/slurm/install.sh installs them)
	$(BIN)/python -m pytest -n 2 --dist loadfile --timeout 900 --durations 25 -m "slow or slurm or postgres or browser"

check: $(STAMP) ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## put the code into the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

report: $(STAMP) ## rebuild the tables from MLflow into reports/, and store them there as the run "report"
	$(BIN)/python -m plb_ablate.report --attach

bench: $(STAMP) ## measure speed and memory on this machine; ARGS=--quick takes a few minutes
	$(BIN)/python -m plb_ablate.bench $(ARGS)

ui: $(STAMP) ## compare runs in the MLflow UI, http://127.0.0.1:5000 (ARGS=--port=5001)
	$(BIN)/python -m plb_ablate.ui $(ARGS)

docs: $(STAMP) docs-settings ## build the pages of docs/ into build/docs, every link checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-settings: $(STAMP) ## write docs/configuration.md anew from the schema
	$(BIN)/python docs/hooks/settings.py

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --no-header --extra study --extra slurm --extra postgres --extra docs --extra dev pyproject.toml --output-file requirements.lock

clean: ## remove the environment, caches and reports; results (ledger/, mlflow.db, mlruns/) and data/ stay
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache build dist reports logs
