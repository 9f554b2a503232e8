# `make run` and `make test` do all of their own set-up on a machine with Python 3.11 or newer and make.

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCKS := base stack dev
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header

.PHONY: run test bench lint format lock check-locks clean
.DELETE_ON_ERROR:

run: .venv/stack.installed
	@exec $(BIN)/python manage.py run $(ARGS)

test: .venv/dev.installed
	$(BIN)/python -m pytest $(ARGS)

# What a sign-in costs; ARGS=--short for a quick look. bench/README.md explains the figures.
bench: .venv/stack.installed
	@$(BIN)/python -m bench $(ARGS)

lint: .venv/dev.installed check-locks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

format: .venv/dev.installed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock: .venv/dev.installed
	for name in $(LOCKS); do \
	  $(COMPILE) --generate-hashes requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

# Whether the locked versions are an answer to what the .in files ask; newer versions elsewhere do not make it fail.
check-locks: .venv/dev.installed
	@for name in $(LOCKS); do \
	  sed -n 's/ *\\$$//; /^[a-z0-9]/p' requirements/$$name.txt > .venv/$$name.locked; \
	  $(COMPILE) --no-annotate --constraint requirements/$$name.txt requirements/$$name.in > .venv/$$name.wanted && \
	  diff .venv/$$name.locked .venv/$$name.wanted || { echo "requirements/$$name.txt is stale: make lock"; exit 1; }; \
	done

# The data in var/ stays.
clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/made:
	@for python in python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making .venv with $$($$python --version)"; \
	    $$python -m venv .venv && touch $@ && exit 0 || exit 1; \
	  fi; \
	done; \
	echo "Latchkey needs Python 3.11 or newer with its venv module (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1

.venv/stack.installed: requirements/stack.txt | .venv/made
	@echo "Installing what Latchkey runs on (once)"
	@$(PIP) -r $< && touch $@

# After the other one, not beside it: two pips in one virtualenv tread on each other under `make -j`.
.venv/dev.installed: requirements/dev.txt .venv/stack.installed | .venv/made
	@echo "Installing what tests and checks need (once)"
	@$(PIP) -r $< && touch $@
