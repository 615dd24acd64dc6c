# bgplatform: `make run` runs it, `make test` tests it. Both work from a bare clone with Python 3.11.

PYTHON ?= $(firstword $(shell command -v python3.11 || command -v python3))
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --no-input
# rembg, for comparisons. Its packages are large, so they have an environment of their own.
REMBG ?= var/rembg/bin/python

.DEFAULT_GOAL := help
.PHONY: attack bench contention throughput help run test lint format lock accuracy rembg faults fairness memory worker-memory scale schema schemathesis test-postgres train-card

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## Start the whole platform on this machine (options: PORT=8001, MODEL=u2netp, …)
	@exec $(PY) -m bgplatform.local --with-parent

test: $(VENV)/.development ## Run the whole suite, with a browser and killed processes (ARGS="-k name" for a part)
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

test-postgres: $(VENV)/.development ## Run the suite on a temporary PostgreSQL (ARGS="tests/jobs tests/accounts")
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m tests.postgres -- $(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

lint: $(VENV)/.development ## Check style, types, templates, migrations and settings
	@$(PY) -m bgplatform.dev.lint

format: $(VENV)/.development ## Format Python and templates
	@$(PY) -m ruff check --fix --quiet .; $(PY) -m ruff format .
	@git ls-files -z '*.html' | xargs -0 $(VENV)/bin/djade --target-version 5.2

faults: $(VENV)/.development ## Process 500 pictures while workers, Valkey, PostgreSQL and S3 fail and return, then on a full disk (ARGS="--pictures 60 --short")
	@$(PY) -m segmentation weights pull u2netp
	@$(PY) -m tests.faults.storm $(ARGS)
	@$(PY) -m tests.faults.full_store $(ARGS) || test $$? -eq 77

attack: $(VENV)/.development ## Attack a copy on 127.0.0.1 and measure memory, /healthz and connections (ARGS=--short)
	@$(PY) -m segmentation weights pull u2netp
	@$(PY) -m tests.attack $(ARGS)

fairness: $(VENV)/.development ## Measure waiting times of two batch users and an interactive one, with a network of fixed speed
	@$(PY) -m tests.benchmarks.fairness $(ARGS)

memory: $(VENV)/.development ## Measure the web's memory during 500 uploads of 5 MB and 1,000 downloads, with files and with S3
	@$(PY) -m tests.benchmarks.memory $(ARGS)

worker-memory: $(VENV)/.development $(REMBG) ## Measure a worker's memory beside rembg's server, and after 2,000 pictures
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m tests.benchmarks.worker_memory --rembg $(REMBG) $(ARGS)

accuracy: $(VENV)/.development $(REMBG) ## Measure every table of docs/accuracy.md again, beside the real rembg (needs ../shared/data)
	@$(PY) -m tests.benchmarks.accuracy --rembg $(REMBG) $(ARGS)

bench: $(VENV)/.development $(REMBG) ## Measure the speed of each stage beside the real rembg (docs/performance.md)
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m segmentation bench --photo static/samples/* --against rembg --rembg-python $(REMBG) $(ARGS)

throughput: $(VENV)/.development $(REMBG) ## Measure eight clients at once beside rembg's own server (ARGS="--sizes 0.2 --rounds 1")
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m tests.benchmarks.throughput --rembg $(REMBG) $(ARGS)

contention: $(VENV)/.development ## Run all operations at once in one account, on SQLite and PostgreSQL: deadlocks, 500s, counters (ARGS="--seconds 10")
	@$(PY) -m tests.contention $(ARGS)

scale: $(VENV)/.development ## Measure pages and dispatcher with a million pictures in PostgreSQL (ARGS="--pictures 20000 --only-plans")
	@$(PY) -m tests.benchmarks.scale $(ARGS)

schema: $(VENV)/.development ## Write docs/api/openapi.yaml again
	@SECRET_KEY=only-to-write-the-schema-down-0123456789 DEBUG=true $(PY) manage.py spectacular --file docs/api/openapi.yaml

schemathesis: $(VENV)/.development ## Send the API what its schema allows and forbids (SCHEMATHESIS_EXAMPLES=100)
	@SCHEMATHESIS_EXAMPLES=$(or $(SCHEMATHESIS_EXAMPLES),100) $(PY) -m pytest -n 2 -q tests/jobs/api/test_schemathesis.py $(ARGS)

train-card: $(VENV)/.runtime ## Fine-tune u2netp on a CUDA GPU in minutes (DATA=shards/ OUT=card/ ARGS="--minutes 8")
	@$(PY) -m segmentation weights pull u2net u2netp
	@$(PY) -m segmentation.training.gpu_run --data $(DATA) --out $(OUT) $(ARGS)

rembg: $(REMBG) ## Install the real rembg into an environment of its own, for comparisons (REMBG=/path/to/python uses another)

lock: $(VENV)/.development ## Pin what is installed into the requirements files (asks the package index for hashes)
	@$(PY) -m bgplatform.dev.lock

var/rembg/bin/python:
	@echo "Creating an environment with rembg in var/rembg, once …"
	@"$(PYTHON)" -m venv var/rembg
	@var/rembg/bin/python -m pip install --quiet --disable-pip-version-check --no-input 'rembg[cpu,cli]==2.0.86' || \
	  { rm -rf var/rembg; echo "rembg could not be installed; see pip's message above."; exit 1; }

$(VENV)/.runtime: requirements.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: install it, or give its path, as in \`make run PYTHON=/path/to/python3.11\`."; exit 1; }
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot create an environment here: install its venv module (on Debian: python3-venv)."; exit 1; }
	@echo "Installing the packages into $(VENV), once …"
	@$(PIP) -r requirements.txt || \
	  { echo "The packages could not be installed; see pip's message above. Run the same command again to continue."; exit 1; }
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing the packages for tests and checks …"
	@$(PIP) --quiet -r requirements-dev.txt
	@touch $@
