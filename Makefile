# `make run` and `make test` do all of their own set-up on a machine with Python 3.11 or newer and make.

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCKS := $(addprefix requirements/,base stack dev) $(addprefix tests/sdk/passage_identity_,2 3)
COMPILE := $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header

# The published clients of the services that Latchkey answers for, each in a folder of its own.
SDKS := $(foreach name,passage_identity_2 passage_identity_3 npm,.venv/sdk/$(name).installed)

.PHONY: run test bench scale lint format lock check-locks clean
.DELETE_ON_ERROR:

run: .venv/stack.installed
	@exec $(BIN)/python manage.py run $(ARGS)

test: .venv/dev.installed $(SDKS)
	$(BIN)/python -m pytest $(ARGS)

# What a sign-in costs; ARGS=--short for a quick look. bench/README.md explains the figures.
bench: .venv/stack.installed .venv/peers/better-auth.installed
	@$(BIN)/python -m bench $(ARGS)

# What many people change about it, and ARGS="--soak 60" what an hour of load does to memory; docs/scaling.md.
scale: .venv/dev.installed
	@$(BIN)/python -m bench.scale $(ARGS)

lint: .venv/dev.installed check-locks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py openapi --check

format: .venv/dev.installed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock: .venv/dev.installed
	for name in $(LOCKS); do \
	  $(COMPILE) --generate-hashes $$name.in -o $$name.txt || exit 1; \
	done

# Whether the locked versions are an answer to what the .in files ask; newer versions elsewhere do not make it fail.
check-locks: .venv/dev.installed
	@for name in $(LOCKS); do \
	  lock=.venv/$$(basename $$name); \
	  sed -n 's/ *\\$$//; /^[a-z0-9]/p' $$name.txt > $$lock.locked; \
	  $(COMPILE) --no-annotate --constraint $$name.txt $$name.in > $$lock.wanted && \
	  diff $$lock.locked $$lock.wanted || { echo "$$name.txt is stale: make lock"; exit 1; }; \
	done

# The data in var/ stays.
clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Of two with one version, the distribution's own: it is built with profile-guided optimisation, which those that were
# built on the spot seldom are, and web and worker take an eighth less CPU with it (bench/README.md).
PYTHON ?= $(foreach version,3.13 3.12 3.11 3,/usr/bin/python$(version) python$(version))

.venv/made:
	@for python in $(PYTHON); do \
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

.venv/sdk/passage_identity_%.installed: tests/sdk/passage_identity_%.txt | .venv/dev.installed
	@echo "Installing passage-identity $* for the tests (once)"
	@$(BIN)/python -m venv --clear --without-pip $(@:.installed=)
	@$(BIN)/python -m pip --python $(@:.installed=) install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@

# Without npm there is nothing to do, and the tests that need it say so.
.venv/sdk/npm.installed: tests/sdk/package-lock.json | .venv/dev.installed
	@if command -v npm >/dev/null; then \
	  echo "Installing passage-js and the OAuth clients of npm for the tests (once)"; \
	  mkdir -p $(@:.installed=) && cp tests/sdk/package.json tests/sdk/package-lock.json tests/sdk/.npmrc $(@:.installed=) && \
	  npm ci --prefix $(@:.installed=) --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	fi

# Without npm the bench says that there is nobody to compare with.
.venv/peers/better-auth.installed: bench/peers/better-auth/package-lock.json | .venv/stack.installed
	@if command -v npm >/dev/null; then \
	  echo "Installing better-auth, the bench's peer (once)"; \
	  mkdir -p $(@:.installed=) && cp $(addprefix $(<D)/,package.json package-lock.json .npmrc) $(@:.installed=) && \
	  npm ci --prefix $(@:.installed=) --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@ || \
	  echo "better-auth could not be installed: the bench goes on without it"; \
	fi
