# Two commands do everything, set-up included: `make demo` and `make test`; `make install` sets up what a server needs.
# They need python3 3.11 or newer (with venv), make and git; after set-up `make test` needs no network.

BIN := .venv/bin
# A checkout that was moved has scripts that point to its old place: its set-up is made again.
MOVED := $(if $(filter-out $(CURDIR),$(shell cat .venv/installed 2>/dev/null)),moved)
# What the caller has in PYTHONPATH, or wants installed for the user, is not the locked set.
unexport PYTHONHOME PYTHONPATH
# Byte code is kept: a run starts half a dozen Pythons.
unexport PYTHONDONTWRITEBYTECODE
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
LOCKED := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q
# The lock has two parts: what a server runs on, and after this line what the tests need as well.
BESIDES := \# what the tests need besides
PIP_LOCKED := $(BIN)/python -m pip install -q --no-deps --require-hashes

.PHONY: help demo install test lint bench notebooks airflow lock clean moved
.DELETE_ON_ERROR:

help: ## show these lines (default)
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1 \t\2/p' Makefile | expand -t 20

demo: .venv/ready ## score 2,000 invented learners, draft nudges and quizzes, write a report
	@$(BIN)/engagement demo

install: .venv/installed ## install what it runs on alone, without what the tests need: for a server

test: .venv/ready ## run every test and every notebook, offline
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder --durations=10

lint: .venv/ready ## check style, types, layers and SQL
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint engagement & sql=$$!; $(BIN)/mypy; types=$$?; wait $$sql && exit $$types  # a core each

bench: .venv/ready ## measure speed and memory
	@$(BIN)/python -m tests.benchmarks

notebooks: .venv/ready ## execute the notebooks again and store what they show
	@$(BIN)/python -m tests.support.notebooks

airflow: .venv-airflow/ready ## read and run the example for Airflow with Airflow itself
	@.venv-airflow/bin/python tests/airflow/check.py

lock: .venv/ready ## write requirements.lock from pyproject.toml (LOCK=--upgrade: newest versions)
	@for part in run-time all; do cp requirements.lock .venv/$$part.lock; done  # what is locked stays
	@$(LOCKED) $(LOCK) --extra hub --extra install -o .venv/run-time.lock
	@$(LOCKED) $(LOCK) --all-extras -c .venv/run-time.lock -o .venv/all.lock
	@{ cat .venv/run-time.lock; echo "$(BESIDES)"; \
	    awk 'NR == FNR { if (/^[a-z]/) there[$$0] = 1; next } /^[a-z]/ { new = !($$0 in there) } new' \
	        .venv/run-time.lock .venv/all.lock; } > requirements.lock

clean: ## remove the environment and caches; the store and the reports stay
	@rm -rf .venv .venv-airflow .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

# A stamp is written last: without it the environment is half made and is made from nothing. uv comes out of the lock
# too, checked like everything else; where it is not to be had, or cannot reach what pip can, pip installs the same lock.
.venv/installed: requirements.lock pyproject.toml $(MOVED)
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
	@sed '/^$(BESIDES)/,$$d' requirements.lock > .venv/run-time.lock
	@sed -n '/^uv==/,/[^\\]$$/p' .venv/run-time.lock > .venv/uv.txt
	@$(PIP_LOCKED) --only-binary :all: -r .venv/uv.txt 2> .venv/uv.log || true
	@$(call INSTALL,.venv/run-time.lock)
	@$(BIN)/python -m pip install -q --no-index --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@
	@echo "Ready."

.venv/ready: .venv/installed
	@sed '1,/^$(BESIDES)/d' requirements.lock > .venv/besides.lock
	@$(call INSTALL,.venv/besides.lock)
	@touch $@

INSTALL = echo "Installing up to $$(grep -c '^[a-z]' $(1)) packages into .venv ..."; \
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r $(1) 2>> .venv/uv.log || { \
	    echo "uv could not (see .venv/uv.log); pip installs the same, which takes a few minutes ..."; \
	    $(PIP_LOCKED) -r $(1); }

.venv-airflow/ready: tests/airflow/requirements.txt | .venv/ready
	@echo "Installing Airflow into .venv-airflow ..."
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-airflow
	@$(BIN)/uv pip install -q --python .venv-airflow/bin/python -r tests/airflow/requirements.txt
	@touch $@

moved:
