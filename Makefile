# Everything a developer types. Needs Python 3.11 or newer, git and make; the rest is installed into .venv.
# Data is never touched here: .postgres/ (the database) and .env (the secrets) stay until you remove them.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PORT ?= 8001
export PORT

VENV := .venv
BIN := $(VENV)/bin
# Newer than every requirements file exactly when what is installed is what they say.
STAMP := $(VENV)/.installed
# What tests take from npm: axe for the browser, PHP of several versions. Without npm they say so.
PACKAGES := tests/browser tests/bitrix_bridge/php/interpreters
NPM := $(PACKAGES:%=%/node_modules/.package-lock.json)
REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt

.PHONY: help run test lint format messages screenshots bench clean setup

help: ## Show this list
	@echo "Cvety CRM. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv and install what requirements-dev.txt says (the others do it by themselves)

# `exec`, so that a Ctrl-C meets the supervisor and not a shell in front of it.
run: $(STAMP) ## Start the CRM, its worker and, without a site to talk to, a stand-in (PORT=8001)
	@$(BIN)/python -m cvety_crm.dev.first_run
	@exec $(BIN)/python manage.py run

test: $(STAMP) $(NPM) ## Run all tests (ARGS="-k outbox" passes options to pytest)
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP) ## Check style, types, imports, words, who writes orders, migrations and Django's own checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cvety_crm.dev.write_check
	$(BIN)/python -m cvety_crm.dev.wording
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py check --fail-level WARNING

format: $(STAMP) ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(STAMP) ## Collect the texts to translate into locale/ru and compile it (again after translating)
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py collect_messages

screenshots: $(STAMP) ## Save a picture of every page into .screenshots
	$(BIN)/python -m pytest tests/browser/screenshots.py -n 0 -q

bench: $(STAMP) ## Measure how many webhooks a second the CRM takes
	$(BIN)/python -m bench $(ARGS)

clean: ## Remove the virtual environment and caches; the database (.postgres) and .env stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .static .cache
	find . -name __pycache__ -type d -not -path './.postgres/*' -prune -exec rm -rf {} +

$(NPM): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent && touch $@; fi

# A candidate is run, not only looked up: version managers leave commands that only say "not found".
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
	@echo "Installing what requirements-dev.txt says"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@
