# Two commands do everything, set-up included: `make demo` and `make test`.
# They need python3 3.11 or newer (with venv), make and git; after set-up `make test` needs no network.

BIN := .venv/bin
# A checkout that was moved has scripts that point to its old place: its set-up is made again.
MOVED := $(if $(filter-out $(CURDIR),$(shell cat .venv/ready 2>/dev/null)),moved)
# What the caller has in PYTHONPATH, or wants installed for the user, is not the locked set.
unexport PYTHONHOME PYTHONPATH
# Byte code is kept: a run starts half a dozen Pythons.
unexport PYTHONDONTWRITEBYTECODE
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP_LOCKED := $(BIN)/python -m pip install -q --no-deps --require-hashes

.PHONY: help demo test lint bench notebooks airflow lock clean moved
.DELETE_ON_ERROR:

help: ## show these lines (default)
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1 \t\2/p' Makefile | expand -t 20

demo: .venv/ready ## score 2,000 invented learners, draft nudges and quizzes, write a report
	@$(BIN)/engagement demo

test: .venv/ready ## run every test and every notebook, offline
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder --durations=10

lint: .venv/ready ## check style, types, layers and SQL
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint engagement

bench: .venv/ready ## measure speed and memory
	@$(BIN)/python -m tests.benchmarks

notebooks: .venv/ready ## execute the notebooks again and store what they show
	@$(BIN)/python -m tests.support.notebooks

airflow: .venv-airflow/ready ## read and run the example for Airflow with Airflow itself
	@.venv-airflow/bin/python tests/airflow/check.py

lock: .venv/ready ## write requirements.lock from pyproject.toml (LOCK=--upgrade: newest versions)
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate -q $(LOCK) -o requirements.lock

clean: ## remove the environment and caches; the store and the reports stay
	@rm -rf .venv .venv-airflow .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp is written last: without it the environment is half made and is made from nothing. uv comes out of the lock
# too, checked like everything else; where it is not to be had, or cannot reach what pip can, pip installs the same lock.
.venv/ready: requirements.lock pyproject.toml $(MOVED)
	@{ test -e $@ && test -z "$(MOVED)"; } || { \
	    for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	        "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	        python=; \
	    done; \
	    test -n "$$python" || { \
	        echo "Python 3.11 or newer is needed; found: $$(python3 --version 2>&1 || true)." >&2; \
	        echo "Install one, or name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }; \
	    echo "Making .venv with $$("$$python" --version) ..."; \
	    "$$python" -m venv --clear .venv || { \
	        echo "Python could not make .venv; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; }
	@rm -f $@
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@echo "Installing up to $$(grep -c '^[a-z]' requirements.lock) packages into .venv ..."
	@{ $(PIP_LOCKED) --only-binary :all: -r .venv/uv.txt && \
	    $(BIN)/uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r requirements.lock; \
	} 2> .venv/uv.log || { \
	    echo "uv could not (see .venv/uv.log); pip installs the same, which takes a few minutes ..."; \
	    $(PIP_LOCKED) -r requirements.lock; }
	@$(BIN)/python -m pip install -q --no-index --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@
	@echo "Ready."

.venv-airflow/ready: tests/airflow/requirements.txt | .venv/ready
	@echo "Installing Airflow into .venv-airflow ..."
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-airflow
	@$(BIN)/uv pip install -q --python .venv-airflow/bin/python -r tests/airflow/requirements.txt
	@touch $@

moved:
