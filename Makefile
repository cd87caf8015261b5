# The commands of a developer. They need Python 3.11 or newer, git and make. Everything else is installed into .venv.
# No command deletes data: .postgres/ (the database) and .env (the secrets) are kept until you delete them.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Without bytecode files, each start would compile all modules again, which takes two seconds.
unexport PYTHONDONTWRITEBYTECODE

PORT ?= 8001
export PORT

VENV := .venv
BIN := $(VENV)/bin
# This file is newer than the lock file if the installed packages are those of the lock file.
STAMP := $(VENV)/.installed
# The folders that `make test-fast` does not read, because it runs no test in them.
UNREAD := tests/e2e tests/browser tests/bitrix_bridge/php
# The folders with the tests' npm packages: axe for the browser tests, and PHP in several versions. Tests that need npm
# are skipped without it.
PACKAGES := tests/browser tests/bitrix_bridge/php/interpreters
NPM := $(PACKAGES:%=%/node_modules/.package-lock.json)
# The linter of JavaScript and CSS.
BIOME := lint/node_modules/.package-lock.json
# The compiled Russian translations. They are not in the Git repository.
TEXTS := locale/ru/LC_MESSAGES/django.mo
READY := $(STAMP) $(TEXTS)
REQUIREMENTS := requirements-dev.lock

.PHONY: help run test test-fast tools lint format messages lock fonts screenshots bench drill mutants clean setup

help: ## Show this list
	@echo "Cvety CRM. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv and install what requirements-dev.lock says (the others do it by themselves)

# `exec` replaces the shell, because Ctrl-C must reach the supervisor.
run: $(READY) ## Start the CRM, its worker and, without a site to talk to, a sandbox (PORT=8001)
	@$(BIN)/python -m cvety_crm.dev.first_run
	@exec $(BIN)/python manage.py run

test: $(READY) $(NPM) ## Run all tests (ARGS="-k outbox" passes options to pytest)
	$(BIN)/python -m pytest --create-db $(ARGS)

test-fast: $(READY) ## Run the tests that need nothing but Python (ARGS=tests/orders/selectors/test_board.py: one module)
	@$(BIN)/python -m pytest -m "not (e2e or browser or deploy or php or mariadb or slow)" $(UNREAD:%=--ignore=%) \
		--hypothesis-profile=fast $(ARGS)

tools: ## Install what all tests need beside Python (Debian: PHP, MariaDB, Chromium, npm, gettext)
	@.ci/install-tools

lint: $(READY) $(BIOME) ## Check style, types, who imports whom, migrations, templates, scripts, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cvety_crm.dev.write_check
	$(BIN)/python -m cvety_crm.dev.wording
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py check --fail-level WARNING
	DJANGO_SETTINGS_MODULE=lint.migration_settings $(BIN)/python manage.py lintmigrations
	$(BIN)/python lint/templates.py
	$(BIN)/shellcheck --external-sources --source-path=SCRIPTDIR deploy/*.sh .ci/run .ci/install-tools .ci/previous-release
	$(BIN)/hadolint deploy/docker/Dockerfile
	@if [ -x lint/node_modules/.bin/biome ]; then \
		echo lint/node_modules/.bin/biome lint --error-on-warnings static; \
		lint/node_modules/.bin/biome lint --error-on-warnings static; \
	else \
		echo "JavaScript and CSS were not checked: that needs npm. To install it: make tools" >&2; [ -z "$${CI:-}" ]; \
	fi
	@$(BIN)/python lint/audit.py

format: $(STAMP) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(STAMP) ## Collect the texts to translate into locale/ru and compile it (again after translating)
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py collect_messages

# The hashes are those of the package index that pip uses here. Other packages of the same version are refused.
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-index-url --constraint constraints.txt

lock: ## Write the lock files again, after a change of a requirements file or of constraints.txt
	$(LOCK) --output-file requirements.lock requirements.txt
	$(LOCK) --output-file requirements-dev.lock requirements-dev.txt

fonts: $(STAMP) ## Make the fonts of the pages again, after an upgrade of django-unfold or for a new icon
	$(BIN)/python -m cvety_crm.dev.fonts

screenshots: $(READY) ## Save a picture of every page into .screenshots
	$(BIN)/python -m pytest tests/browser/screenshots.py -n 0 -q

bench: $(READY) ## Measure how many webhooks a second the CRM takes
	$(BIN)/python -m bench $(ARGS)

drill: $(READY) ## Kill each part of the production stack under load, and print what was lost (ARGS="--only disk")
	$(BIN)/python -m tests.deploy.drill $(ARGS)

# This takes an hour. Therefore it runs with `nice`, and in one process unless MUTANTS sets another number. None of its
# tests opens a database.
mutants: export DATABASE_URL := postgres://unused@localhost/unused
mutants: $(READY) ## Measure how many changed lines the tests notice (ARGS="orders.sync*" for a part)
	nice $(BIN)/mutmut run --max-children $(or $(MUTANTS),1) $(if $(ARGS),"$(ARGS)")
	$(BIN)/mutmut results

clean: ## Remove the virtual environment and caches; the database (.postgres) and .env stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .static .static.collected .cache mutants
	rm -f $(TEXTS)
	find . -name __pycache__ -type d -not -path './.postgres/*' -prune -exec rm -rf {} +

$(NPM) $(BIOME): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent && touch $@; fi

$(TEXTS): %.mo: %.po | $(STAMP)
	@$(BIN)/python -m cvety_crm.i18n.catalogue

# Each candidate is run, not only searched for, because version managers leave commands that only print "not found".
$(STAMP): $(REQUIREMENTS)
	@set -e; \
	if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
		for candidate in python3.13 python3.12 python3.11 python3; do \
			if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
		done; \
		if [ -z "$${python:-}" ]; then echo "Cvety CRM needs Python 3.11 or newer, and none was found." >&2; exit 1; fi; \
		echo "Creating $(VENV) with $$($$python --version)"; \
		if ! $$python -m venv --clear $(VENV); then \
			echo "$$python cannot make a virtual environment (on Debian: apt-get install python3-venv)." >&2; exit 1; \
		fi; \
	fi
	@echo "Installing what requirements-dev.lock says"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
