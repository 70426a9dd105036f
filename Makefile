# `make help` lists what there is to do. Nothing here needs root; only the first `make setup` needs a network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
BUNDLE := server/src/pixmill_server/bundle
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-package pixmill --no-emit-package pixmill-server
# A file's tests stay in one process, because they share its servers. Files begin in the order of `testpaths`, where those
# that take long come first: else the files with one long test would come last, and one process would wait for the other.
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
UPGRADE ?=

export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
export UV_SYSTEM_CERTS := true

SDK_SOURCES := $(shell find sdk/src sdk/pyproject.toml sdk/README.md -type f -not -name '*.pyc')
PROCESSING_SOURCES := $(shell find processings -maxdepth 1 -type f 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup run demo check format test e2e chaos bench docs screenshots lock clean

help:  ## Say what there is to do
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

setup: $(DONE)/editable $(DONE)/bundle $(DONE)/vendor  ## Install everything into .venv (network: the first time only)

run: setup  ## Start a server and a worker on this machine, on ./pixmill-data
	$(BIN)/pixmill up --data pixmill-data

demo: setup  ## Annotate the drawn sample and serve it (ONCE=1 ends after the summary)
	ONCE=$(ONCE) $(BIN)/python -m sample.demo

check: setup  ## Lint, format, types, import contracts, size
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $$(git ls-files --cached --others --exclude-standard -- "*.py")
	$(BIN)/python tools/lint_imports.py
	$(BIN)/pytest -q tests/architecture

format: setup  ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup  ## Every test that this machine can run; what is missing is named at the end
	$(PYTEST) $(ARGS)

e2e: setup  ## The stories in a real browser, against a real server and worker
	$(PYTEST) tests/e2e $(ARGS)

chaos: setup  ## Kill everything hundreds of times, at every named step (most of an hour); says what was hit
	$(BIN)/python -m tests.chaos $(ARGS)
	$(BIN)/pytest tests/chaos/test_mishaps.py tests/chaos/test_new_version.py --every-database

bench: setup  ## Measure, each figure beside its baseline from the same run
	$(BIN)/python -m bench $(ARGS)

docs: setup  ## Build the documentation into build/docs; a broken link is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

screenshots: setup  ## Redraw the pictures of the documentation from the sample
	$(BIN)/python -m sample.screenshots

lock: $(DONE)/editable  ## Make the hashed locks anew (UPGRADE=--upgrade takes newer versions)
	$(LOCK) $(UPGRADE) requirements/bootstrap.in -o requirements/bootstrap.lock
	$(LOCK) $(UPGRADE) sdk/pyproject.toml server/pyproject.toml --group dev -o requirements/dev.lock
	$(LOCK) sdk/pyproject.toml server/pyproject.toml -c requirements/dev.lock -o requirements/product.lock
	$(LOCK) $(UPGRADE) --group node -o requirements/node.lock
	$(BIN)/python tools/lock_processings.py

clean:  ## Remove what setup and the builds made (data folders stay)
	rm -rf $(VENV) .tools build node_modules $(BUNDLE)

# --- how setup does it ------------------------------------------------------------------------------------------

# pip is trusted with one package only, by its hash: uv, which installs the rest.
$(BIN)/uv: | requirements/bootstrap.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		-r requirements/bootstrap.lock

$(DONE)/locked: requirements/dev.lock | $(BIN)/uv
	@mkdir -p $(DONE)
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes --only-binary :all: requirements/dev.lock
	@rm -f $(DONE)/editable
	@touch $@

$(DONE)/editable: $(DONE)/locked sdk/pyproject.toml server/pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation -e sdk -e server
	@# Where Python is told to write no bytecode, every start of a server would compile all of this anew.
	$(BIN)/python -m compileall -q sdk/src server/src
	@touch $@

$(DONE)/vendor: package.json package-lock.json $(DONE)/locked
	tools/npm-ci
	@touch $@

# What the server's wheel carries: the SDK's wheel and the built-in Processings.
$(DONE)/bundle: $(SDK_SOURCES) $(PROCESSING_SOURCES) tools/bundle.py $(DONE)/editable
	$(BIN)/python tools/bundle.py
	@touch $@
