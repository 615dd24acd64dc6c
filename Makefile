# bgplatform: `make run` runs it, `make test` tests it. Both work from a bare clone with Python 3.11.

PYTHON ?= $(firstword $(shell command -v python3.11 || command -v python3))
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --no-input
# What we measure against. Its packages are heavy and not ours, so they get an environment apart.
REMBG ?= var/rembg/bin/python

.DEFAULT_GOAL := help
.PHONY: attack bench contention throughput help run test lint format lock accuracy rembg faults fairness memory worker-memory scale schema schemathesis test-postgres train-card

help: ## What there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## Start the whole platform here (PORT=8001, MODEL=u2netp, … as wanted)
	@exec $(PY) -m bgplatform.local --with-parent

test: $(VENV)/.development ## The whole suite, browser and faults included (ARGS="-k name" for a part)
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

test-postgres: $(VENV)/.development ## The suite on a PostgreSQL of its own (ARGS="tests/jobs tests/accounts")
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m tests.postgres -- $(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

lint: $(VENV)/.development ## Style, types, templates, migrations, settings
	@$(PY) -m bgplatform.dev.lint

format: $(VENV)/.development ## Bring Python and templates into shape
	@$(PY) -m ruff check --fix --quiet .; $(PY) -m ruff format .
	@git ls-files -z '*.html' | xargs -0 $(VENV)/bin/djade --target-version 5.2

faults: $(VENV)/.development ## 500 pictures while workers, Valkey, PostgreSQL and S3 go and come, then on a full disk (ARGS="--pictures 60 --short")
	@$(PY) -m segmentation weights pull u2netp
	@$(PY) -m tests.faults.storm $(ARGS)
	@$(PY) -m tests.faults.full_store $(ARGS) || test $$? -eq 77

attack: $(VENV)/.development ## What attackers send, against a copy on 127.0.0.1: memory, /healthz, connections (ARGS=--short)
	@$(PY) -m segmentation weights pull u2netp
	@$(PY) -m tests.attack $(ARGS)

fairness: $(VENV)/.development ## Two users and a hurried one, with a network of fixed speed: who waits for whom
	@$(PY) -m tests.benchmarks.fairness $(ARGS)

memory: $(VENV)/.development ## What the web holds while 500 photos of 5 MB come and 1,000 results go, folder and S3
	@$(PY) -m tests.benchmarks.memory $(ARGS)

worker-memory: $(VENV)/.development $(REMBG) ## What a worker holds beside rembg's server, and after 2,000 pictures
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m tests.benchmarks.worker_memory --rembg $(REMBG) $(ARGS)

accuracy: $(VENV)/.development $(REMBG) ## Every table of docs/accuracy.md anew, beside the real rembg (needs ../shared/data)
	@$(PY) -m tests.benchmarks.accuracy --rembg $(REMBG) $(ARGS)

bench: $(VENV)/.development $(REMBG) ## Speed, stage by stage, beside the real rembg (docs/performance.md)
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m segmentation bench --photo static/samples/* --against rembg --rembg-python $(REMBG) $(ARGS)

throughput: $(VENV)/.development $(REMBG) ## Eight clients at once beside rembg's own server (ARGS="--sizes 0.2 --rounds 1")
	@$(PY) -m segmentation weights pull u2net u2netp --keep-onnx
	@$(PY) -m tests.benchmarks.throughput --rembg $(REMBG) $(ARGS)

contention: $(VENV)/.development ## Everything at once in one account, on SQLite and PostgreSQL: deadlocks, 500s, counters (ARGS="--seconds 10")
	@$(PY) -m tests.contention $(ARGS)

scale: $(VENV)/.development ## Pages and dispatcher with a million pictures in PostgreSQL (ARGS="--pictures 20000 --only-plans")
	@$(PY) -m tests.benchmarks.scale $(ARGS)

schema: $(VENV)/.development ## Write docs/api/openapi.yaml anew
	@SECRET_KEY=only-to-write-the-schema-down-0123456789 DEBUG=true $(PY) manage.py spectacular --file docs/api/openapi.yaml

schemathesis: $(VENV)/.development ## Whatever the schema allows and forbids, sent to the API (SCHEMATHESIS_EXAMPLES=100)
	@SCHEMATHESIS_EXAMPLES=$(or $(SCHEMATHESIS_EXAMPLES),100) $(PY) -m pytest -n 2 -q tests/jobs/api/test_schemathesis.py $(ARGS)

train-card: $(VENV)/.runtime ## Fine-tune u2netp on a CUDA card in minutes (DATA=shards/ OUT=card/ ARGS="--minutes 8")
	@$(PY) -m segmentation weights pull u2net u2netp
	@$(PY) -m segmentation.training.gpu_run --data $(DATA) --out $(OUT) $(ARGS)

rembg: $(REMBG) ## A Python of its own with the real rembg, to compare with (REMBG=/path/to/python takes one that is there)

lock: $(VENV)/.development ## Pin what is installed into the requirements files (asks the package index for hashes)
	@$(PY) -m bgplatform.dev.lock

var/rembg/bin/python:
	@echo "Making an environment with rembg in var/rembg, once …"
	@"$(PYTHON)" -m venv var/rembg
	@var/rembg/bin/python -m pip install --quiet --disable-pip-version-check --no-input 'rembg[cpu,cli]==2.0.86' || \
	  { rm -rf var/rembg; echo "rembg could not be installed; pip says why above."; exit 1; }

$(VENV)/.runtime: requirements.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: install it, or name it as in \`make run PYTHON=/path/to/python3.11\`."; exit 1; }
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot make an environment here: install its venv module (on Debian: python3-venv)."; exit 1; }
	@echo "Installing the packages into $(VENV), once …"
	@$(PIP) -r requirements.txt || \
	  { echo "The packages could not be installed; pip says why above. Run the same command again to go on."; exit 1; }
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing what tests and checks need …"
	@$(PIP) --quiet -r requirements-dev.txt
	@touch $@
