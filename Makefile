# psfabric. `make help` lists what there is; it is made from the comments behind the targets.

PY := .venv/bin/python
CODE := $(wildcard schemas psfabric producers processors sinks replay recon cli sandbox deploy bench tests)
FAULTS := tests/hosts tests/secure tests/cli tests/psfabric tests/replay # what else is marked so
PART ?=
AGAINST ?= main
# Most of a test is waiting for its parts, so there may be more workers than cores. Given parts are not shared by several.
WORKERS ?= $(if $(PSF_KAFKA_BOOTSTRAP)$(PSF_TRYTON_URL),0,4)
SEED ?=
FAULTY = $(if $(ROW),tests/faults/test_rows.py,-vv -n 2 --dist worksteal tests/faults $(FAULTS)) -m faults $(if $(SEED),--seed $(SEED))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test test-docker test-faults test-large test-faults-long bench check schema-check format up down status logs restart fetch lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=/path/to/python3.12 chooses the interpreter, PART=kafka one part (up, logs, restart)."
	@echo "  Endpoints given in the environment (PSF_KAFKA_BOOTSTRAP, ...) are used instead of starting that part."

venv: .venv/installed ## install what is needed into .venv

.venv/installed: requirements.lock pyproject.toml deploy/environment.py
	@set -e; for python in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	  if [ -n "$$python" ] && "$$python" -c "" 2>/dev/null; then \
	    PYTHON="$(PYTHON)" "$$python" deploy/environment.py || exit $$?; exit 0; fi; done; \
	echo "psfabric needs Python 3.11, 3.12 or 3.13; no python3 runs here. Install one, or name it: make PYTHON=..." >&2; exit 2

demo: venv ## run the working day: start everything, post a month, print the statement, stop everything
	@.venv/bin/psfabric demo $(if $(SEED),--seed $(SEED))

test: venv ## run every test against the real parts, in four workers with parts of their own (WORKERS=2)
	@.venv/bin/pytest -n $(WORKERS) --dist worksteal || \
	  { [ $$? = 1 ] && [ "$(WORKERS)" != 0 ] && printf '\n==> failed beside others, so once more, one after the other\n' && \
	    .venv/bin/pytest --last-failed --last-failed-no-failures none; }

test-docker: venv ## the parts as containers instead: needs a Docker engine, pulls images
	@.venv/bin/pytest -m docker tests/containers

test-faults: venv ## run the rows of faults, crash points and controls, scaled: ROW=17 SEED=5 for one
	@.venv/bin/pytest $(FAULTY)

test-large: venv ## replay incidents of full size: 100,000 dead letters with 20 deaths, 200,000 listed (LARGE=500 for a try)
	@.venv/bin/pytest -vv -s -m large tests/faults/test_large_replay.py tests/replay/test_killed.py tests/cli/test_many.py

test-faults-long: venv ## the same unscaled and ten times as often; takes a night
	@TIER=long .venv/bin/pytest $(FAULTY)

bench: venv ## measure against what else could do the work (QUICK=1 a few minutes, LONG=1 longer)
	@$(PY) -m bench $(if $(QUICK),--size quick) $(if $(LONG),--size long)

check: venv ## lint, format, types, import directions, generated models
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(CODE)
	.venv/bin/lint-imports --no-cache
	$(PY) -m schemas.generate --check

schema-check: venv ## review what this branch changes in the schemas, against AGAINST (main)
	@.venv/bin/psfabric schema check --against "$(AGAINST)"

format: venv ## put the code in shape
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

up: venv ## start all parts and the fabric and leave them running
	@$(PY) -m deploy.local up $(PART)

down: venv ## stop what `make up` started; data is kept
	@$(PY) -m deploy.local down $(PART)

status: venv ## show each part
	@$(PY) -m deploy.local status $(PART)

logs: venv ## show the end of each part's log
	@$(PY) -m deploy.local logs $(PART)

restart: venv ## stop and start one part: make restart PART=kafka
	@$(PY) -m deploy.local restart $(PART)

fetch: venv ## download and build all parts, so that later starts need no network
	@$(PY) -m deploy.local fetch $(PART)

COMPILE = uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --no-annotate

lock: ## bring the locks up to date (needs uv)
	$(COMPILE) pyproject.toml --extra local --extra dev -o requirements.lock
	$(COMPILE) deploy/local/tryton/requirements.in -o deploy/local/tryton/requirements.lock

clean: ## stop what `make up` started, remove its data, the downloads and the environment
	@if [ -x $(PY) ]; then $(PY) -m deploy.local down; fi
	rm -rf .local .venv  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
